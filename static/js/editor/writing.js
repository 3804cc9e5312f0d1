// Writing: buttons, keys and pasting; what is wrong beside its field; counts near a limit.
(() => {
  const { editor } = globalThis;
  const { form, list, say, touch } = editor;

  const textOf = (card) => card.querySelector(".card-text");
  const texts = (card) => [...card.querySelectorAll(".option-text")];
  const changed = (card) => touch(`q-${card.dataset.uid}`);
  const reordered = (...cards) => {
    editor.renumber();
    touch("order", ...cards.map((card) => `q-${card.dataset.uid}`));
    editor.outline();
  };

  /* Questions. */

  const add = (after) => {
    if (editor.cards().length >= 500) return say("A quiz has at most 500 questions.");
    const card = editor.make(editor.newUid());
    if (after) after.after(card);
    else list.append(card);
    reordered(card);
    textOf(card).focus();
    card.scrollIntoView({ block: "nearest" });
  };

  const duplicate = (card) => {
    if (editor.cards().length >= 500) return say("A quiz has at most 500 questions.");
    const data = editor.read(card);
    data.answers.forEach((answer) => (answer.uid = editor.newUid()));
    const copy = editor.make(editor.newUid(), data);
    card.after(copy);
    reordered(copy);
    textOf(copy).focus();
    say(`Duplicated. This is question ${editor.cards().indexOf(copy) + 1}.`);
  };

  const remove = (card) => {
    list.querySelector(".undo-row")?.remove();
    const number = editor.cards().indexOf(card) + 1;
    const row = document.createElement("li");
    row.className = "undo-row";
    const text = document.createElement("span");
    text.textContent = `Question ${number} removed.`;
    const undo = document.createElement("button");
    undo.type = "button";
    undo.className = "btn";
    undo.dataset.variant = "outline";
    undo.textContent = "Undo";
    undo.addEventListener("click", () => {
      row.replaceWith(card);
      reordered(card);
      textOf(card).focus();
      say(`Question ${editor.cards().indexOf(card) + 1} is back.`);
    });
    row.append(text, undo);
    card.replaceWith(row);
    reordered(card);
    undo.focus();
    say(text.textContent);
  };

  /* Answers. */

  const addAnswer = (card) => {
    if (editor.options(card).length >= editor.mostAnswers) return;
    const option = editor.blankOption(card);
    card.querySelector(".options").append(option);
    editor.number(card);
    changed(card);
    option.querySelector("textarea").focus();
  };

  const dropAnswer = (option) => {
    const card = option.closest(".sheet");
    const near = option.nextElementSibling ?? option.previousElementSibling;
    if (editor.options(card).length > 2) option.remove();
    else {
      option.querySelector("textarea").value = "";
      option.querySelector("[type=checkbox]").checked = false;
    }
    editor.number(card);
    changed(card);
    (option.isConnected ? option : near).querySelector("textarea").focus();
    say("Answer removed.");
  };

  const mark = (option) => {
    const box = option.querySelector("[type=checkbox]");
    box.checked = !box.checked;
    changed(option.closest(".sheet"));
    say(box.checked ? "Marked as right." : "Not marked any more.");
  };

  /* Buttons: the same that post the form where there is no script. */

  const act = (action) => {
    const [verb, uid, answer] = action.split(":");
    const card = uid && editor.cardOf(uid);
    const option = card?.querySelector(`.option[data-answer="${answer}"]`);
    if (verb === "add") add();
    else if (verb === "duplicate") duplicate(card);
    else if (verb === "remove") remove(card);
    else if (verb === "up") editor.moveCard(card, -1);
    else if (verb === "down") editor.moveCard(card, 1);
    else if (verb === "answer") addAnswer(card);
    else if (verb === "picture") {
      editor.openPicture(card);
      editor.field(card, "image_url").focus();
    } else if (verb === "lift") editor.moveOption(option, -1);
    else if (verb === "drop") dropAnswer(option);
  };

  form.addEventListener("click", (event) => {
    const button = event.target.closest('button[name="action"]');
    if (!button) return;
    event.preventDefault();
    act(button.value);
  });

  /* Keys. */

  const order = (field) => {
    const card = field.closest(".sheet");
    const all = card.dataset.uid ? [textOf(card), ...texts(card)] : [...card.querySelectorAll(".noted > textarea")];
    return { card, all, at: all.indexOf(field) };
  };

  // Done with a question: rows that nobody wrote in go.
  const tidy = (card) => {
    for (const option of editor.options(card)) {
      const blank = !option.querySelector("textarea").value.trim() && !option.querySelector("[type=checkbox]").checked;
      if (blank) option.remove();
    }
    editor.number(card);
    changed(card);
  };

  const enter = (field) => {
    const { card, all, at } = order(field);
    if (!card.dataset.uid) {
      const next = all[at + 1] ?? (editor.cards()[0] && textOf(editor.cards()[0]));
      return next?.focus();
    }
    const rest = all.slice(at + 1);
    const filled = texts(card).filter((one) => one.value.trim()).length;
    const done = at > 0 && !field.value.trim() && rest.every((one) => !one.value.trim());
    if (done && filled >= 2) {
      tidy(card);
      add(card);
    } else if (rest.length) rest[0].focus();
    else if (editor.options(card).length < editor.mostAnswers) addAnswer(card);
    else add(card);
  };

  form.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.isComposing || event.keyCode === 229) return; // the end of a composition, in Safari
    const card = target.closest?.(".sheet[data-uid]");
    const option = target.closest?.(".option");
    const command = event.ctrlKey || event.metaKey;
    if (key === "Enter" && command && event.shiftKey) add(card);
    else if (key === "Enter" && command && option) mark(option);
    else if (event.altKey && !command && (key === "ArrowUp" || key === "ArrowDown") && card) {
      const way = key === "ArrowUp" ? -1 : 1;
      if (option) editor.moveOption(option, way);
      else editor.moveCard(card, way);
    } else if (key === "Enter" && !event.shiftKey && !event.altKey && !command && stepsOn(target)) enter(target);
    else if (key === "Enter" && target.matches("input:not([type=checkbox], [type=radio])")) target.blur();
    else if (key.startsWith("Arrow") && target.matches(".option .handle") && !command) {
      if (key === "ArrowUp" || key === "ArrowDown") editor.moveOption(option, key === "ArrowUp" ? -1 : 1);
      else return;
    } else return;
    event.preventDefault();
  });

  const stepsOn = (field) => field.matches(".card-text, .option-text, .title-text, .description-text");

  /* Pasting a list: each line is an answer. */

  const bullet = /^\s*(?:[-–—•·]\s+|\(?[a-fA-F0-9][.)]\s+)/;
  const star = /^\s*(?:[*✓✔]|\[[xX]\])\s*|\s*[*✓✔]\s*$/;

  const lineOf = (text) => {
    const marked = star.test(text.replace(bullet, ""));
    const words = text.replace(bullet, "").replace(star, "").replace(bullet, "").trim();
    return { text: words, right: marked };
  };

  form.addEventListener("paste", (event) => {
    const field = event.target;
    const pasted = event.clipboardData?.getData("text/plain") ?? "";
    if (!field.matches?.(".option-text") || !/\S[^\S\n]*\n\s*\S/.test(pasted)) return;
    event.preventDefault();
    const card = field.closest(".sheet");
    const lines = pasted.split("\n").map((one) => one.trimEnd()).filter((one) => one.trim());
    // Where every line has a star it is only a list mark.
    const starred = lines.filter((one) => /^\s*\*\s/.test(one)).length === lines.length;
    const found = lines.map((one) => lineOf(starred ? one.replace(/^\s*\*\s+/, "") : one));
    const room = editor.mostAnswers - texts(card).indexOf(field);
    found.slice(0, room).forEach((line, at) => {
      const start = texts(card).indexOf(field);
      if (!texts(card)[start + at]) card.querySelector(".options").append(editor.blankOption(card));
      const option = editor.options(card)[start + at];
      option.querySelector("textarea").value = line.text;
      if (line.right) option.querySelector("[type=checkbox]").checked = true;
    });
    editor.number(card);
    changed(card);
    const last = texts(card)[Math.min(texts(card).indexOf(field) + found.length, texts(card).length) - 1];
    last.focus();
    const left = found.length - room;
    say(left > 0 ? `${room} answers pasted; ${left} more did not fit.` : `${found.length} answers pasted.`);
  });

  /* What is to do, beside its field; what nobody has written yet only in the list. */

  const places = (id) => document.getElementById(id)?.closest(".noted");

  const tell = (id, text, kind) => {
    const place = places(id);
    if (!place) return;
    document.getElementById(`note-${id}`)?.remove();
    const note = document.createElement("p");
    note.className = `note ${kind}`;
    note.id = `note-${id}`;
    note.textContent = text;
    place.append(note);
    const field = document.getElementById(id);
    field.setAttribute("aria-describedby", note.id);
    if (kind === "field-error") field.setAttribute("aria-invalid", "true");
  };

  const untell = (id) => {
    document.getElementById(`note-${id}`)?.remove();
    const field = document.getElementById(id);
    field?.removeAttribute("aria-describedby");
    field?.removeAttribute("aria-invalid");
  };

  const notesIn = (check) =>
    new Map(
      [...check.querySelectorAll(".check-list a")].map((link) => [
        link.hash.slice(1),
        { text: link.dataset.note, kind: "missing" in link.dataset ? "is-missing" : "", uid: link.dataset.question },
      ]),
    );

  let notes = notesIn(document.getElementById("check"));

  editor.showCheck = (check) => {
    const here = document.getElementById("check");
    const open = here.querySelector("details")?.open;
    const now = notesIn(check);
    for (const id of notes.keys()) if (!now.has(id)) untell(id);
    for (const [id, note] of now) {
      const was = notes.get(id);
      if (was?.text !== note.text || was?.kind !== note.kind || !document.getElementById(`note-${id}`)) {
        tell(id, note.text, note.kind);
      }
    }
    notes = now;
    here.replaceWith(document.importNode(check, true));
    const details = document.querySelector("#check details");
    if (details && open) details.open = true;
    markIncomplete();
  };

  const markIncomplete = () => {
    const uids = new Set([...notes.values()].map(({ uid }) => uid));
    for (const card of editor.cards()) card.toggleAttribute("data-incomplete", uids.has(card.dataset.uid));
    const total = document.getElementById("check-count");
    total.textContent = notes.size ? `${notes.size} missing` : "Nothing missing";
    total.toggleAttribute("data-none", !notes.size);
    editor.outline();
  };

  let faults = [];

  editor.showFaults = (page) => {
    faults = [...page.querySelectorAll("#faults a")].map((link) => [link.hash.slice(1), link.textContent]);
    for (const [id, text] of faults) tell(id, text, "field-error");
  };

  editor.clearFaults = () => {
    for (const [id] of faults) untell(id);
    faults = [];
  };

  // A link to a field opens what hides it, and shows what is asked for there.
  const reveal = (id) => {
    const target = document.getElementById(id);
    if (!target || !form.contains(target)) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    target.closest(".sheet")?.classList.add("shows-missing");
    const field = target.matches("textarea, input, select, li")
      ? target
      : (target.querySelector("textarea:placeholder-shown") ?? target.querySelector("textarea, input"));
    const focused = field?.matches("li") ? textOf(field) : field;
    focused?.focus({ preventScroll: true });
    target.scrollIntoView({ block: "center" });
  };

  form.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link) return;
    event.preventDefault();
    document.getElementById("outline").hidePopover?.();
    reveal(link.hash.slice(1));
  });

  /* Counts. */

  const most = { "card-text": 500, "option-text": 300 };

  const count = (field) => {
    const limit = Number(field.dataset.most) || most[field.classList[field.classList.length - 1]] || 0;
    const place = field.closest(".noted");
    if (!limit || !place) return;
    const left = limit - [...field.value.trim()].length;
    let shown = place.querySelector(".count");
    if (left > limit * 0.15) return shown?.remove();
    if (!shown) {
      shown = document.createElement("span");
      shown.className = "count number";
      field.after(shown);
    }
    shown.textContent = left;
    shown.classList.toggle("is-over", left < 0);
    shown.title = left < 0 ? `${-left} characters too many` : `${left} characters left`;
  };

  // Where CSS cannot let a field grow with its text.
  const grows = !CSS.supports("field-sizing", "content");
  const grow = (field) => {
    field.style.blockSize = "auto";
    field.style.blockSize = `${field.scrollHeight + 2}px`;
  };

  form.addEventListener("input", ({ target }) => {
    if (!target.matches("textarea")) return;
    count(target);
    if (grows) grow(target);
    if (target.matches(".card-text")) editor.outlineWords(target.closest(".sheet"));
  });
  form.addEventListener("focusin", ({ target }) => target.matches("textarea") && grows && grow(target));

  if (location.hash.length > 1) reveal(location.hash.slice(1));
})();
