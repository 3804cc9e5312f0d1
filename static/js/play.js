// Playing: keys, focus, and an answer that gets through whatever the connection does.
(() => {
  const words = {
    offline: {
      answer: "You are offline. Your answer is kept and will be sent.",
      next: "You are offline. The next question comes when you are back.",
      ask: "You are offline. This page goes on by itself when you are back.",
    },
    server: {
      answer: "The server does not answer. Your answer is kept and will be sent.",
      next: "The server does not answer. Trying again.",
      ask: "The server does not answer. Trying again.",
    },
    busy: {
      answer: "That was a lot at once. Your answer is kept and will be sent.",
      next: "That was a lot at once. Trying again.",
      ask: "That was a lot at once. Trying again.",
    },
    back: "You are back. Your answer is saved.",
  };

  const find = (selector) => document.querySelector(selector);
  const play = () => document.getElementById("play");
  const say = (text) => document.dispatchEvent(new CustomEvent("respondeo:say", { detail: text }));

  /* A notice that stays until what it says is over. */

  const show = (text, why) => {
    const place = find("#play-notice");
    if (place.textContent.trim() === text) return;
    const notice = find("#play-notice-shape").content.cloneNode(true);
    notice.querySelector("p").textContent = text;
    notice.querySelector(".notice").dataset.why = why;
    place.replaceChildren(notice);
    say(text);
  };

  const hide = () => find("#play-notice").replaceChildren();

  /* Sending again: after 1, 2, 4 … 15 seconds, and at once when the browser is back online. */

  let unsent = null;
  let tries = 0;
  let timer = 0;

  const kindOf = (element) => element?.dataset.sends ?? "ask";

  // Where the attempt stands now. What waits to be sent goes first: its answer says the same.
  const ask = () => {
    clearTimeout(timer);
    if (unsent?.isConnected && unsent.matches("form")) unsent.requestSubmit();
    else play()?.dispatchEvent(new CustomEvent("play:ask"));
  };

  const keep = (element, why, seconds) => {
    clearTimeout(timer);
    find("#quiz-clock")?.release();
    unsent = element;
    play().classList.toggle("is-waiting", kindOf(element) === "answer");
    show(words[why][kindOf(element)], why);
    timer = setTimeout(ask, seconds ? seconds * 1000 : Math.min(15_000, 1000 * 2 ** tries));
    tries += 1;
  };

  const letGo = () => {
    clearTimeout(timer);
    unsent = null;
    tries = 0;
    play().classList.remove("is-waiting");
  };

  const arrived = () => {
    if (kindOf(unsent) === "answer") say(words.back);
    letGo();
    hide();
  };

  const inPlay = (ctx) => ctx?.sourceElement?.closest?.("#play");

  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    if (inPlay(ctx) && ctx.sourceElement.matches("[data-stops-clock]") && !unsent) find("#quiz-clock")?.hold();
  });

  document.addEventListener("htmx:before:response", (event) => {
    const { ctx } = event.detail;
    if (!inPlay(ctx)) return;
    const { status, headers } = ctx.response;
    if (status >= 500 || status === 429) {
      event.preventDefault();
      keep(ctx.sourceElement, status === 429 ? "busy" : "server", Number(headers.get("Retry-After")) || 0);
    } else if (status >= 400) {
      letGo();
    }
  });

  document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
    if (!inPlay(ctx)) return;
    // The answer came, but could not be shown: the server still knows where the attempt stands.
    if (ctx.text === undefined) keep(ctx.sourceElement, navigator.onLine ? "server" : "offline", 0);
    else location.reload();
  });

  addEventListener("online", () => (unsent ? ask() : hide()));
  addEventListener("offline", () => {
    const form = find("#play form");
    if (!unsent) show(words.offline[form ? kindOf(form) : "ask"], "offline");
  });

  // What was confirmed is what will be sent: until then the choice does not change.
  document.addEventListener("click", (event) => {
    if (event.target.closest?.(":is(.is-waiting, .htmx-request) .answers")) event.preventDefault();
  });

  /* After a swap: the focus goes to what is to be read or done next. */

  let before = {};
  let swapped = 0;

  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    if (inPlay(ctx)) before = { ...play().dataset };
  });

  const bringIntoView = (element) => {
    const box = element.getBoundingClientRect();
    const top = find(".play-head")?.getBoundingClientRect().bottom ?? 0;
    if (box.top < top || box.bottom > innerHeight) scrollTo({ top: 0, behavior: "instant" });
  };

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.target?.id !== "play") return;
    const now = play();
    arrived();
    swapped = performance.now();
    document.title = now.dataset.title;
    if (now.dataset.step === before.step && now.dataset.status === before.status) return;
    const target = now.querySelector("[data-focus]");
    if (!target) return;
    target.focus({ preventScroll: true });
    bringIntoView(target);
  });

  // The page begins where the play goes on, unless a mistake has the focus.
  if (!find("#play [autofocus]")) find("#play [data-focus]")?.focus({ preventScroll: true });

  // The second half of a double click on Confirm is not a click on Next.
  document.addEventListener(
    "click",
    (event) => {
      if (event.detail < 2 || performance.now() - swapped > 500) return;
      if (!event.target.closest?.("#play")) return;
      event.preventDefault();
      event.stopPropagation();
    },
    true,
  );

  /* Keys: 1 to 6 choose, Enter confirms and continues. */

  const choose = (place) => {
    const choice = document.querySelectorAll("#play .answers input")[place - 1];
    choice?.focus();
    choice?.click();
    return choice;
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !play()) return;
    const at = event.target;
    if (at.matches("textarea, select, input:not([type=radio])")) return;
    if (event.key === "Enter") {
      // A key held down would run through the feedback unread.
      if (event.repeat) event.preventDefault();
      else if (!at.closest("a, button, summary, input")) find("#play-go")?.click();
      return;
    }
    // By its place as well, since on some keyboards the row of digits needs the shift key.
    const digit = /^[1-6]$/.test(event.key) ? event.key : event.code.match(/^Digit([1-6])$/)?.[1];
    if (digit && choose(Number(digit))) event.preventDefault();
  });

  /* When in doubt, the server knows: at zero, after sleep, back in this tab, out of the back-forward cache. */

  let hiddenSince = 0;

  // Half a second later, so that a server whose clock is a moment behind is asked once, not ten times.
  // A clock that is gone by then was replaced by an answer that came, which is left to be read.
  document.addEventListener("clock:zero", ({ target }) => {
    if (play()?.dataset.status !== "time-up") setTimeout(() => target.isConnected && ask(), 500);
  });
  document.addEventListener("clock:slept", ask);
  addEventListener("pageshow", (event) => event.persisted && ask());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) hiddenSince = Date.now();
    else if (Date.now() - hiddenSince > 1000) ask();
  });
})();
