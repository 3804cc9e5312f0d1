// What every page shares: polite announcements, short notices, and plain words for requests that fail.
(() => {
  const words = {
    offline: "You are offline. Try again when you are back.",
    server: "The server does not answer. Try again in a moment.",
    busy: "That was a lot at once. Wait a moment and try again.",
    failed: "That did not work. Try again, or reload the page.",
  };

  const say = (text) => {
    const announcer = document.getElementById("announcer");
    announcer.textContent = "";
    // A region that was just emptied is read again even where the words are the same.
    setTimeout(() => {
      announcer.textContent = text;
    }, 60);
  };

  const notify = (text) => {
    const place = document.getElementById("toasts");
    const notice = document.createElement("div");
    notice.className = "notice fades";
    notice.textContent = text;
    place.replaceChildren(notice);
    say(text);
    setTimeout(() => notice.remove(), 6000);
  };

  // Other scripts speak through these events, and need not know this one.
  document.addEventListener("respondeo:say", (event) => say(event.detail));
  document.addEventListener("respondeo:notify", (event) => notify(event.detail));

  // Filters that are not set do not belong in an address.
  document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
    if (ctx.request.method !== "GET") return;
    for (const [name, value] of [...ctx.request.body]) if (value === "") ctx.request.body.delete(name);
  });

  // Play has words of its own for what goes wrong, and a board that misses one refresh just waits.
  const speaksForItself = (element) => element?.closest?.("#play, #board");

  document.addEventListener("htmx:before:response", (event) => {
    const { sourceElement, response } = event.detail.ctx;
    if (response.status < 400 || response.status === 422) return;
    if (sourceElement?.closest?.("#play")) return;
    event.preventDefault();
    if (!speaksForItself(sourceElement)) notify(response.status === 429 ? words.busy : words.failed);
  });

  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (ctx && !speaksForItself(ctx.sourceElement)) notify(navigator.onLine ? words.server : words.offline);
  });

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    const swapped = ctx.target?.id && document.getElementById(ctx.target.id);
    if (swapped && swapped.dataset.announce) say(swapped.dataset.announce);
  });

  // A picture that does not come: its words stand in its room, so that nothing moves.
  const lost = (image) => {
    const room = document.createElement("div");
    room.className = "question-image is-lost";
    const said = document.createElement("p");
    said.className = "muted";
    said.textContent = "The picture could not be loaded.";
    room.append(said);
    if (image.alt) {
      const words = document.createElement("p");
      Object.assign(words, { lang: image.lang, dir: "auto", textContent: image.alt });
      room.append(words);
    }
    image.replaceWith(room);
  };

  // A person whose picture does not come is shown as those who have none.
  const faceless = (image) => {
    const initials = document.createElement("span");
    initials.textContent = image.dataset.initials;
    image.replaceWith(initials);
  };

  const isShown = (element) => element.matches?.("img.question-image, .avatar > img");
  const missed = (image) => (image.matches(".avatar > img") ? faceless(image) : lost(image));
  document.addEventListener("error", ({ target }) => isShown(target) && missed(target), true);
  for (const image of document.querySelectorAll("img.question-image, .avatar > img")) {
    if (image.complete && !image.naturalWidth) missed(image);
  }
})();
