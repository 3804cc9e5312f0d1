// Moving questions and answers, by keys and by hand; the outline that follows.
(() => {
  const { editor } = globalThis;
  const { list, say, touch } = editor;
  const outlineList = document.querySelector("#outline ol");

  /* The outline. */

  const first = (card) => card.querySelector(".card-text").value.trim().slice(0, 60) || "…";

  // Only what changed is written.
  editor.outline = () => {
    const cards = editor.cards();
    while (outlineList.children.length > cards.length) outlineList.lastElementChild.remove();
    while (outlineList.children.length < cards.length) outlineList.append(entry());
    cards.forEach((card, at) => {
      const item = outlineList.children[at];
      const [number, words] = item.querySelectorAll("span");
      const link = item.firstElementChild;
      if (number.textContent !== String(at + 1)) number.textContent = at + 1;
      if (words.textContent !== first(card)) words.textContent = first(card);
      if (link.getAttribute("href") !== `#${card.id}-text`) link.setAttribute("href", `#${card.id}-text`);
      item.toggleAttribute("data-incomplete", card.hasAttribute("data-incomplete"));
    });
    current();
  };

  const entry = () => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    const number = document.createElement("span");
    const words = document.createElement("span");
    number.className = "number";
    words.className = "outline-words";
    words.dir = "auto";
    link.append(number, words);
    item.append(link);
    return item;
  };

  const linkOf = (card) => outlineList.querySelector(`[href="#${card.id}-text"]`);

  editor.outlineWords = (card) => {
    const words = linkOf(card)?.querySelector(".outline-words");
    if (words) words.textContent = first(card);
  };

  let here = null;

  const current = () => {
    const link = here?.isConnected && linkOf(here);
    const was = outlineList.querySelector("[aria-current]");
    if (was === link) return;
    was?.removeAttribute("aria-current");
    if (!link) return;
    link.setAttribute("aria-current", "true");
    const box = outlineList.parentElement;
    const [top, bottom] = [link.offsetTop, link.offsetTop + link.offsetHeight];
    if (top < box.scrollTop || bottom > box.scrollTop + box.clientHeight) box.scrollTop = top - box.clientHeight / 2;
  };

  list.addEventListener("focusin", ({ target }) => {
    const card = target.closest(".sheet");
    if (!card || card === here) return;
    here = card;
    current();
  });

  /* By keys: the neighbour goes round, so that the focus stays. */

  const moved = (card) => {
    editor.renumber();
    editor.outline();
    touch("order");
    say(`Question ${editor.cards().indexOf(card) + 1} of ${editor.cards().length}.`);
  };

  editor.moveCard = (card, way) => {
    const cards = editor.cards();
    const other = cards[cards.indexOf(card) + way];
    if (!other) return say(way < 0 ? "This is the first question." : "This is the last question.");
    if (way < 0) card.after(other);
    else card.before(other);
    moved(card);
    card.scrollIntoView({ block: "nearest" });
  };

  const movedOption = (option) => {
    const card = option.closest(".sheet");
    editor.number(card);
    touch(`q-${card.dataset.uid}`);
    say(`Answer ${editor.options(card).indexOf(option) + 1} of ${editor.options(card).length}.`);
  };

  editor.moveOption = (option, way) => {
    const options = editor.options(option.closest(".sheet"));
    const other = options[options.indexOf(option) + way];
    if (!other) return;
    if (way < 0) option.after(other);
    else option.before(other);
    movedOption(option);
  };

  /* By hand: cards fold to one line while one is dragged, and make room where it passes. */

  let drag = null;

  const peers = () => (drag.isCard ? editor.cards() : editor.options(drag.item.closest(".sheet")));

  const begin = () => {
    drag.started = true;
    if (drag.isCard) {
      for (const card of editor.cards()) card.querySelector(".card-peek").textContent = first(card);
      const before = drag.item.getBoundingClientRect().top;
      list.classList.add("is-sorting");
      scrollBy(0, drag.item.getBoundingClientRect().top - before);
    }
    drag.item.classList.add("is-dragged");
    drag.from = peers();
  };

  const follow = () => {
    const all = peers();
    const at = all.indexOf(drag.item);
    const middle = (element) => {
      const box = element.getBoundingClientRect();
      return box.top + box.height / 2;
    };
    if (at > 0 && drag.y < middle(all[at - 1])) drag.item.after(all[at - 1]);
    else if (at < all.length - 1 && drag.y > middle(all[at + 1])) drag.item.before(all[at + 1]);
    else return;
    follow();
  };

  // Near an edge the page comes along.
  const edge = () => {
    if (!drag?.started) return;
    const near = 90;
    if (drag.y < near) scrollBy(0, -Math.min(18, (near - drag.y) / 4));
    else if (drag.y > innerHeight - near) scrollBy(0, Math.min(18, (drag.y - innerHeight + near) / 4));
    follow();
    requestAnimationFrame(edge);
  };

  const end = (keep) => {
    if (!drag) return;
    const { item, isCard, started, from } = drag;
    if (started && !keep) item.parentElement.append(...from);
    drag = null;
    if (!started) return;
    const top = item.getBoundingClientRect().top;
    list.classList.remove("is-sorting");
    item.classList.remove("is-dragged");
    if (isCard) {
      scrollBy(0, item.getBoundingClientRect().top - top);
      if (keep) moved(item);
    } else if (keep) movedOption(item);
  };

  list.addEventListener("pointerdown", (event) => {
    const handle = event.target.closest(".handle");
    if (!handle || event.button) return;
    const option = handle.closest(".option");
    drag = { item: option ?? handle.closest(".sheet"), isCard: !option, from: null, start: event.clientY, y: event.clientY };
  });

  document.addEventListener("pointermove", (event) => {
    if (!drag) return;
    event.preventDefault();
    drag.y = event.clientY;
    if (!drag.started && Math.abs(drag.y - drag.start) > 4) {
      begin();
      requestAnimationFrame(edge);
    }
    if (drag.started) follow();
  });

  let ended = 0;
  document.addEventListener("pointerup", () => {
    if (drag?.started) ended = performance.now();
    end(true);
  });
  document.addEventListener("pointercancel", () => end(false));
  document.addEventListener("keydown", ({ key }) => key === "Escape" && end(false));

  // Letting go of a handle is no click on it; a handle alone does nothing for a mouse.
  document.addEventListener(
    "click",
    (event) => {
      const handle = event.target.closest?.(".handle");
      if (!handle || (event.detail === 0 && performance.now() - ended > 300)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );
})();
