// Two texts of one part, side by side: after somebody saved elsewhere, and for what was left behind.
(() => {
  const { editor } = globalThis;
  const dialog = document.getElementById("conflict");
  const rows = dialog.querySelector(".conflict-rows");
  const shape = document.getElementById("conflict-shape");

  const line = (tag, text, kind = "") => {
    const made = document.createElement(tag);
    made.className = kind;
    made.dir = "auto";
    made.textContent = text;
    return made;
  };

  const words = (name, value) => {
    const field = document.querySelector(`#details [name="${name}"][value="${CSS.escape(value)}"]`);
    const chosen = document.querySelector(`#details select[name="${name}"] option[value="${CSS.escape(value)}"]`);
    if (chosen) return chosen.textContent;
    if (field?.type === "radio") return field.closest("label").querySelector("span").firstChild.textContent;
    if (name.startsWith("randomize")) return value === "1" ? "shuffled" : "as written";
    return value;
  };

  // How a part reads.
  const told = (part, value) => {
    if (value === null) return [line("p", "Not there", "muted")];
    if (part === "order") {
      const first = (uid) => editor.cardOf(uid)?.querySelector(".card-text").value.slice(0, 60) || "…";
      const order = document.createElement("ol");
      order.append(...value.slice(0, 8).map((uid) => line("li", first(uid))));
      return [order];
    }
    if (!part.startsWith("q-")) return [line("p", words(part, value) || "nothing", value ? "" : "muted")];
    const answers = document.createElement("ul");
    for (const { text, right } of value.answers) {
      if (text.trim() || right) answers.append(line("li", right ? `${text} (right)` : text));
    }
    const more = [value.explanation, value.image_url, value.image_alt].filter(Boolean);
    return [line("p", value.text || "nothing", "serif"), answers, ...more.map((text) => line("p", text, "small"))];
  };

  const row = ({ part, label, mine, theirs, likely }, titles) => {
    const made = shape.content.cloneNode(true).firstElementChild;
    made.querySelector("legend").textContent = label ?? editor.labelOf(part);
    for (const [whose, value] of [["mine", mine], ["theirs", theirs]]) {
      const side = made.querySelector(`[data-whose="${whose}"]`);
      const choice = side.querySelector("input");
      choice.name = `choice-${part}`;
      choice.checked = likely === whose;
      side.querySelector(".side-title").textContent = titles[whose];
      side.append(...told(part, value));
    }
    return made;
  };

  let decide = null;
  let asked = [];

  // What was typed since it was closed is shown too.
  editor.choose = () => {
    if (dialog.open) return;
    for (const one of asked) one.mine = editor.partNow(one.part);
    rows.replaceChildren(...asked.map((one) => row(one, { mine: "Keep mine", theirs: "Take theirs" })));
    dialog.showModal();
  };

  editor.ask = (conflicts, who, when, then) => {
    dialog.querySelector(".conflict-who").textContent =
      `${who} saved it ${when.toLocaleString([], { dateStyle: "medium", timeStyle: "short" })}, after you had opened it.` +
      " Nothing is overwritten before you choose.";
    asked = conflicts;
    decide = (all) => {
      const chosen = new Map(
        conflicts.map(({ part }) => [
          part,
          all ?? rows.querySelector(`[name="choice-${CSS.escape(part)}"]:checked`)?.value,
        ]),
      );
      if ([...chosen.values()].includes(undefined)) {
        rows.querySelector("fieldset:not(:has(:checked)) input").focus();
        return;
      }
      dialog.close();
      then(chosen);
    };
    editor.choose();
  };

  dialog.addEventListener("click", ({ target }) => {
    const { all } = target.closest("button")?.dataset ?? {};
    if (all !== undefined) decide(all || undefined);
  });

  /* What an earlier page has left. */

  const offer = ({ key, at, parts }) => {
    const time = new Date(at);
    const today = new Date().toDateString() === time.toDateString();
    const told = time.toLocaleString([], today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
    const notice = editor.notice(
      "left",
      `You typed this here ${today ? "at" : "on"} ${told} and it never reached us.`,
    );
    const shown = document.createElement("details");
    const summary = document.createElement("summary");
    summary.textContent = "What differs";
    const differing = Object.entries(parts).map(([part, mine]) =>
      row({ part, mine, theirs: editor.partNow(part) }, { mine: "Typed here", theirs: "Saved" }),
    );
    for (const one of differing) for (const input of one.querySelectorAll("input")) input.remove();
    shown.append(summary, ...differing);
    const button = (text, kind, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.className = "btn";
      made.dataset.variant = kind;
      made.textContent = text;
      made.addEventListener("click", () => {
        act();
        editor.local.forget(key);
        notice.remove();
        document.getElementById("title").focus();
        next();
      });
      return made;
    };
    const buttons = document.createElement("p");
    buttons.className = "buttons";
    buttons.append(
      button("Restore", "primary", () => restore(parts)),
      button("Discard", "outline", () => {}),
    );
    notice.append(shown, buttons);
    notice.classList.add("is-tall");
  };

  const restore = ({ order, ...parts }) => {
    for (const [part, value] of Object.entries(parts)) editor.writePart(part, value);
    if (order) editor.writePart("order", order);
    editor.touch(...Object.keys(parts), "order");
    editor.say("Restored.");
  };

  const next = () => {
    const [first] = editor.local.leftovers();
    if (first) offer(first);
  };

  next();
})();
