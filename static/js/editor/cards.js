// The editor's page as data: what its fields say, and cards made of data. Shared by the scripts beside
// this one, as `editor`; nothing here listens or sends.
globalThis.editor = (() => {
  const form = document.getElementById("editor");
  const list = document.getElementById("questions");
  const pictureShape = document.getElementById("picture-shape").innerHTML;
  const shape = document.getElementById("card-shape").innerHTML;
  const mostAnswers = 6;
  const details = [
    "title", "description", "language", "difficulty", "time_limit", "max_attempts", "randomize_questions",
    "randomize_answers", "feedback", "reveal", "hero-image_url",
  ];
  const labels = {
    title: "Title", description: "Description", language: "Language", difficulty: "Difficulty",
    time_limit: "Time limit", max_attempts: "Attempts", randomize_questions: "Order of questions",
    randomize_answers: "Order of answers", feedback: "Feedback", reveal: "Right answers",
    "hero-image_url": "Cover picture", order: "The order of the questions",
  };

  const say = (text) => document.dispatchEvent(new CustomEvent("respondeo:say", { detail: text }));

  // Browsers have crypto.randomUUID only where the address is https.
  const newUid = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  };

  /* Reading. */

  const cards = (root = document) => [...root.querySelectorAll("#questions > .sheet")];
  const cardOf = (uid) => document.getElementById(`q-${uid}`);
  const options = (card) => [...card.querySelectorAll(".option")];
  const field = (card, name) => card.querySelector(`[name="${card.id}-${name}"]`);

  const read = (card) => ({
    text: field(card, "text").value,
    explanation: field(card, "explanation").value,
    image_url: field(card, "image_url")?.value ?? "", // its fields come when they are asked for
    image_alt: field(card, "image_alt")?.value ?? "",
    answers: options(card).map((option) => ({
      uid: option.dataset.answer,
      text: option.querySelector("textarea").value,
      right: option.querySelector("[type=checkbox]").checked,
    })),
  });

  const readDetail = (name, root = document) => {
    const fields = [...root.querySelectorAll(`#details [name="${name}"]`)];
    const last = fields.at(-1);
    if (last.type === "checkbox") return last.checked ? "1" : "0";
    if (last.type === "radio") return fields.find((one) => one.checked)?.value ?? "";
    return last.value;
  };

  // Everything the page says; of another page with `root`.
  const snapshot = (root = document) => ({
    revision: root.querySelector("#revision").value,
    details: Object.fromEntries(details.map((name) => [name, readDetail(name, root)])),
    order: cards(root).map((card) => card.dataset.uid),
    questions: Object.fromEntries(cards(root).map((card) => [card.dataset.uid, read(card)])),
  });

  // A part is a detail by its name, a question as `q-<uid>`, or `order`; null where there is none.
  const partOf = (state, part) => {
    if (part === "order") return state.order;
    return part.startsWith("q-") ? (state.questions[part.slice(2)] ?? null) : (state.details[part] ?? null);
  };

  const partNow = (part) => {
    if (part === "order") return cards().map((card) => card.dataset.uid);
    if (!part.startsWith("q-")) return readDetail(part);
    const card = cardOf(part.slice(2));
    return card ? read(card) : null;
  };

  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  const labelOf = (part) => {
    if (!part.startsWith("q-")) return labels[part];
    const number = cardOf(part.slice(2))?.querySelector(".card-number .number").textContent;
    return number ? `Question ${number}` : "A question";
  };

  /* Writing. */

  const put = (input, value) => {
    if (input.value === value) return;
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const node = (html, uids) => {
    const holder = document.createElement("template");
    holder.innerHTML = html.replace(/00000000-0000-4000-8000-00000000000\d/g, (uid) => uids(uid));
    return holder.content;
  };

  // The shape has a card with four blank answers; every one of them gets a uid of its own.
  const fresh = (uid) => {
    const uids = new Map([["00000000-0000-4000-8000-000000000000", uid]]);
    const given = (old) => {
      if (!uids.has(old)) uids.set(old, newUid());
      return uids.get(old);
    };
    return node(shape, given).firstElementChild;
  };

  const blankOption = (card, uid = newUid()) => {
    const option = fresh(card.dataset.uid).querySelector(".option");
    const old = option.dataset.answer;
    const holder = document.createElement("template");
    holder.innerHTML = option.outerHTML.replaceAll(old, uid);
    return holder.content.firstElementChild;
  };

  const number = (card) => {
    const place = card.querySelector(".card-number .number").textContent;
    options(card).forEach((option, at) => {
      const text = option.querySelector("textarea");
      text.placeholder = `Answer ${at + 1}`;
      text.setAttribute("aria-label", `Answer ${at + 1}`);
      option.querySelector("[type=checkbox]").setAttribute("aria-label", `Answer ${at + 1} is right`);
      const [lift, drop] = option.querySelectorAll(".tool");
      name(lift, `Move answer ${at + 1}: drag, or arrow keys`);
      name(drop, `Remove answer ${at + 1}`);
    });
    card.querySelector(".options").setAttribute("aria-label", `Answers to question ${place}`);
    card.querySelector(".add-answer").hidden = options(card).length >= mostAnswers;
  };

  const name = (button, text) => {
    button.setAttribute("aria-label", text);
    button.title = text;
  };

  // Numbers of cards, and of what speaks of them; only where they changed.
  const renumber = () => {
    cards().forEach((card, at) => {
      const place = card.querySelector(".card-number .number");
      if (place.textContent === String(at + 1)) return;
      place.textContent = at + 1;
      const [handle, up, down, copy, remove] = card.querySelectorAll(".card-head .tool");
      name(handle, `Drag to move question ${at + 1}`);
      name(up, `Move question ${at + 1} up`);
      name(down, `Move question ${at + 1} down`);
      name(copy, `Duplicate question ${at + 1}`);
      name(remove, `Remove question ${at + 1}`);
      number(card);
    });
  };

  // The fields of a picture, in the place of the button that asks for them.
  const openPicture = (card) => {
    const asks = card.querySelector(".add-picture");
    if (!asks) return;
    const part = node(pictureShape, () => card.dataset.uid).firstElementChild;
    asks.replaceWith(part);
  };

  const write = (card, data) => {
    if (data.image_url || data.image_alt) openPicture(card);
    for (const name of ["text", "explanation", "image_url", "image_alt"]) {
      if (field(card, name)) put(field(card, name), data[name]);
    }
    const rows = data.answers.map((answer) => {
      const option =
        card.querySelector(`.option[data-answer="${answer.uid}"]`) ?? blankOption(card, answer.uid);
      option.querySelector("textarea").value = answer.text;
      option.querySelector("[type=checkbox]").checked = answer.right;
      return option;
    });
    card.querySelector(".options").replaceChildren(...rows);
    if (data.explanation) card.querySelector(".card-more > details").open = true;
    number(card);
  };

  const make = (uid, data) => {
    const card = fresh(uid);
    if (data) write(card, data);
    return card;
  };

  const writeDetail = (name, value) => {
    const fields = [...form.querySelectorAll(`#details [name="${name}"]`)];
    const last = fields.at(-1);
    if (last.type === "checkbox") last.checked = value === "1";
    else if (last.type === "radio") for (const one of fields) one.checked = one.value === value;
    else put(last, value);
  };

  // Cards in this order; those that it does not name stay behind the one they followed.
  const arrange = (order) => {
    const there = cards();
    const wanted = order.filter((uid) => cardOf(uid));
    for (const card of there) {
      if (wanted.includes(card.dataset.uid)) continue;
      const before = there[there.indexOf(card) - 1]?.dataset.uid;
      wanted.splice(wanted.indexOf(before) + 1, 0, card.dataset.uid);
    }
    if (same(wanted, there.map((card) => card.dataset.uid))) return;
    list.append(...wanted.map(cardOf));
    renumber();
  };

  // Let the page say this of a part.
  const writePart = (part, value) => {
    if (part === "order") arrange(value);
    else if (!part.startsWith("q-")) writeDetail(part, value);
    else {
      const uid = part.slice(2);
      const card = cardOf(uid);
      if (value === null) card?.remove();
      else if (card) write(card, value);
      else list.append(make(uid, value));
      renumber();
    }
  };

  // As form fields: what the server reads, with or without JavaScript.
  const fieldsOf = (part, value) => {
    if (part === "order") return [["order", value.join(" ")]];
    if (!part.startsWith("q-")) return [[part, value]];
    if (value === null) return [];
    return [
      ...["text", "explanation", "image_url", "image_alt"].map((name) => [`${part}-${name}`, value[name]]),
      ...value.answers.flatMap(({ uid, text, right }) => [
        [`${part}-a-${uid}-text`, text],
        [`${part}-a-${uid}-right`, right ? "1" : "0"],
      ]),
    ];
  };

  return {
    form, list, details, mostAnswers, say, newUid, openPicture, cards, cardOf, options, field, read, snapshot, partOf,
    partNow, same, labelOf, make, blankOption, number, renumber, write, writePart, fieldsOf,
  };
})();
