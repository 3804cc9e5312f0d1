// Saving while one types: what differs from what the server last confirmed is sent, one request at a
// time, the newest state after it; whatever goes wrong, nothing typed is lost.
(() => {
  const { editor } = globalThis;
  const { form, local, partOf, same } = editor;
  const address = form.getAttribute("action"); // the buttons are called `action`, and would be form.action
  const pause = 600;
  const smallest = 60_000; // bytes that browsers still send for a page that goes away

  const kept = "Everything is kept in this browser.";
  const words = {
    offline: `Not saved: you are offline. ${kept}`,
    server: `Not saved: the server does not answer. ${kept} Trying again.`,
    busy: `Not saved yet: that was a lot at once. ${kept} Trying again.`,
    signedOut: `Not saved: you are signed out. ${kept}`,
    closed: `Not saved: this quiz was deleted, or you may not edit it any more. ${kept}`,
    large: `Not saved: this is more than a quiz may hold. ${kept} Shorten or remove something.`,
    refused: "Not saved: something cannot be kept as it is.",
    conflict: "Not saved yet: somebody saved this quiz elsewhere. Choose what to keep.",
  };
  const retries = new Set(["offline", "server", "busy"]);
  const waits = new Set([...retries, "signedOut", "closed", "conflict"]); // typing on is no cure

  let confirmed = editor.snapshot();
  const dirty = new Set(); // parts that may differ from it
  const underway = new Map(); // by part: what was sent and never confirmed
  let request = null;
  let timer = 0;
  let tries = 0;
  let held = false; // until a conflict is decided

  /* The state, in one place that never moves. */

  const line = document.getElementById("save-state");
  const notices = document.getElementById("editor-notices");
  let trouble = null;

  const show = (state, text) => {
    if (line.dataset.state !== state) line.dataset.state = state;
    const shown = line.querySelector(".save-words");
    if (shown.textContent !== text) shown.textContent = text;
  };

  const actions = {
    signedOut: () => {
      const link = document.createElement("a");
      link.className = "link";
      link.href = `/sign-in?next=${encodeURIComponent(location.pathname)}`;
      link.target = "_blank";
      link.textContent = "Sign in in a new tab, then come back";
      return link;
    },
    closed: () => button("Download a copy", download),
    conflict: () => button("Choose", () => editor.choose?.()),
  };

  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "btn";
    made.dataset.variant = "outline";
    made.textContent = text;
    made.addEventListener("click", act);
    return made;
  };

  const notice = (why, text, ...more) => {
    const made = document.createElement("div");
    made.className = "notice";
    made.dataset.why = why;
    const said = document.createElement("p");
    said.textContent = text;
    made.append(said, ...more);
    notices.querySelector(`[data-why="${why}"]`)?.remove();
    notices.append(made);
    return made;
  };

  const troubled = (why) => {
    show("unsaved", "Not saved");
    if (trouble === why) return;
    settled();
    trouble = why;
    const action = actions[why]?.();
    notice("trouble", words[why], ...(action ? [action] : []));
    editor.say(words[why]);
  };

  const settled = () => {
    trouble = null;
    notices.querySelector('[data-why="trouble"]')?.remove();
  };

  /* What there is to save. */

  const changes = () => {
    const found = {};
    for (const part of dirty) {
      const now = editor.partNow(part);
      // What is on its way may arrive: only a save takes it back.
      if (same(now, partOf(confirmed, part)) && !underway.has(part)) dirty.delete(part);
      else found[part] = now;
    }
    return found;
  };

  const touch = (...parts) => {
    for (const part of parts) dirty.add(part);
    if (!trouble) show("saving", "Saving…");
    local.keep(changes);
    soon(pause);
  };

  const soon = (milliseconds) => {
    if (held || (waits.has(trouble) && milliseconds)) return;
    clearTimeout(timer);
    timer = setTimeout(send, milliseconds);
  };

  /* Sending it. */

  const send = async () => {
    clearTimeout(timer);
    if (request || held) return request;
    const parts = changes();
    if (!Object.keys(parts).length) return finish();
    const body = new URLSearchParams([["revision", confirmed.revision]]);
    for (const [part, value] of Object.entries(parts)) {
      for (const one of editor.fieldsOf(part, value)) body.append(...one);
      if (!underway.has(part)) underway.set(part, []);
      underway.get(part).push(value);
    }
    request = post(body)
      .then((answer) => heard(answer, parts))
      .catch(() => failed(navigator.onLine ? "server" : "offline"))
      .finally(() => {
        request = null;
        if (!trouble && !held && dirty.size) soon(pause);
      });
    return request;
  };

  const post = (fields) => {
    const small = fields.toString().length < smallest;
    const large = new FormData();
    if (!small) for (const one of fields) large.append(...one);
    return fetch(address, {
      method: "POST",
      headers: { "HX-Request": "true" },
      body: small ? fields : large, // the server takes more of what comes in parts
      keepalive: small,
      signal: AbortSignal.timeout(30_000),
    });
  };

  const heard = async (answer, parts) => {
    if (answer.status === 200) return arrived(parse(await answer.text()), parts);
    if (answer.status === 204) return failed("signedOut");
    if (answer.status === 403 || answer.status === 404) return failed("closed");
    if (answer.status === 409) return merge();
    if (answer.status === 413) return failed("large");
    if (answer.status === 422) return refused(parse(await answer.text()));
    return failed(answer.status === 429 ? "busy" : "server", Number(answer.headers.get("Retry-After")));
  };

  const parse = (html) => new DOMParser().parseFromString(html, "text/html");

  const arrived = (page, parts) => {
    const check = page.getElementById("check");
    for (const [part, value] of Object.entries(parts)) confirm(part, value);
    confirmed.revision = check.dataset.revision;
    document.getElementById("revision").value = confirmed.revision;
    underway.clear();
    tries = 0;
    editor.showCheck?.(check);
    editor.clearFaults?.();
    const wasTrouble = trouble;
    settled();
    local.keepNow(changes);
    finish();
    if (wasTrouble && !dirty.size) editor.say("Saved.");
  };

  const confirm = (part, value) => {
    if (part === "order") {
      confirmed.order = value;
      for (const uid of Object.keys(confirmed.questions)) if (!value.includes(uid)) delete confirmed.questions[uid];
    } else if (part.startsWith("q-")) confirmed.questions[part.slice(2)] = value;
    else confirmed.details[part] = value;
  };

  const finish = () => {
    changes();
    if (!dirty.size && !trouble) show("saved", "Saved");
  };

  const failed = (why, after = 0) => {
    local.keepNow(changes);
    troubled(why);
    if (!retries.has(why)) return;
    clearTimeout(timer);
    timer = setTimeout(send, after ? after * 1000 : Math.min(30_000, 1000 * 2 ** tries));
    tries += 1;
  };

  const refused = (page) => {
    failed("refused");
    const notice = notices.querySelector('[data-why="trouble"]');
    notice?.querySelector("ul")?.remove();
    const faults = page.querySelector("#faults ul"); // leads to each field; some concern no field
    if (faults) notice?.append(document.importNode(faults, true));
    editor.showFaults?.(page);
  };

  /* Somebody saved elsewhere: all that differs is shown, and asked about. What only one of us changed is
     chosen already, for the one who did. */

  // "5" and "5:00" are one limit, however the server writes it.
  const seconds = (limit) => {
    const [first, ...rest] = limit.split(":").map(Number);
    return rest.length ? rest.reduce((sum, one) => 60 * sum + one, first) : 60 * first;
  };
  const alike = (part, one, other) =>
    same(one, other) || (part === "time_limit" && seconds(one) === seconds(other));

  const merge = async () => {
    const answer = await fetch(address, { cache: "no-store" });
    if (answer.redirected) return failed("signedOut");
    if (!answer.ok) return failed(answer.status === 404 || answer.status === 403 ? "closed" : "server");
    const page = parse(await answer.text());
    const theirs = editor.snapshot(page);
    const base = confirmed;
    const mine = editor.snapshot();
    const parts = new Set([
      ...editor.details,
      "order",
      ...[...mine.order, ...theirs.order, ...base.order].map((uid) => `q-${uid}`),
    ]);
    // What we sent and never heard of is no news.
    const isNews = (part) =>
      !alike(part, partOf(theirs, part), partOf(base, part)) &&
      !underway.get(part)?.some((sent) => alike(part, sent, partOf(theirs, part)));
    const news = [...parts].some(isNews);
    const differing = [...parts]
      .filter((part) => !alike(part, partOf(mine, part), partOf(theirs, part)))
      .map((part) => ({
        part,
        label: labelIn(part, mine, theirs),
        mine: partOf(mine, part),
        theirs: partOf(theirs, part),
        likely: same(partOf(mine, part), partOf(base, part)) ? "theirs" : isNews(part) ? null : "mine",
      }));
    confirmed = theirs;
    document.getElementById("revision").value = theirs.revision;
    underway.clear();
    settled();
    editor.showCheck?.(page.getElementById("check"));
    if (news && differing.length) {
      const by = page.getElementById("editor").dataset;
      hold(differing, theirs.order, by.savedBy, new Date(by.savedAt));
    } else {
      dirty.add("order");
      for (const { part } of differing) dirty.add(part);
      soon(0);
    }
  };

  const labelIn = (part, mine, theirs) => {
    if (!part.startsWith("q-")) return editor.labelOf(part);
    const places = [mine, theirs].map(({ order }) => order.indexOf(part.slice(2)) + 1);
    return `Question ${places[0] || places[1]}`;
  };

  // Nothing is saved before the choice; what is typed meanwhile counts as mine.
  const hold = (differing, order, who, when) => {
    held = true;
    clearTimeout(timer);
    local.keepNow(changes);
    troubled("conflict");
    editor.ask(differing, who, when, (chosen) => {
      const ordered = chosen.get("order") ?? "mine";
      for (const { part, theirs } of differing) {
        if (chosen.get(part) === "theirs" && part !== "order") editor.writePart(part, theirs);
        dirty.add(part);
      }
      if (ordered === "theirs") editor.writePart("order", order);
      held = false;
      settled();
      touch("order");
      soon(0);
    });
  };

  /* A copy to take away, in the form that can be imported. */

  const download = () => {
    const { details, order, questions } = editor.snapshot();
    const copy = {
      title: details.title,
      description: details.description,
      language: details.language,
      questions: order.map((uid) => ({
        text: questions[uid].text,
        explanation: questions[uid].explanation || null,
        imageUrl: questions[uid].image_url || null,
        imageAlt: questions[uid].image_alt || null,
        answers: questions[uid].answers
          .filter(({ text }) => text.trim())
          .map(({ text, right }) => ({ text, isCorrect: right })),
      })),
    };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(copy, null, 2)], { type: "application/json" }));
    link.download = `${details.title.trim().slice(0, 40) || "quiz"}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  /* When. */

  form.addEventListener("input", ({ target }) => {
    const card = target.closest(".sheet[data-uid]");
    if (card) touch(`q-${card.dataset.uid}`);
    else if (editor.details.includes(target.name)) touch(target.name);
  });

  // Out of the form altogether; between fields one goes on typing.
  form.addEventListener("focusout", ({ relatedTarget }) => !relatedTarget && dirty.size && soon(0));
  addEventListener("online", () => trouble === "offline" && soon(0));
  addEventListener("focus", () => trouble === "signedOut" && soon(0));
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || trouble === "signedOut") {
      local.keepNow(changes);
      if (!held) send();
    }
  });
  addEventListener("pagehide", () => {
    local.keepNow(changes);
    if (!trouble) send();
  });
  addEventListener("beforeunload", (event) => {
    local.keepNow(changes);
    if (dirty.size && !local.kept) event.preventDefault();
  });

  // Without JavaScript a button saves the whole form. Here it is saved already, or soon.
  form.addEventListener("submit", (event) => event.preventDefault());

  // To a page that shows the draft: first let it be what is typed.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-after-save]");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (!Object.keys(changes()).length) return;
    event.preventDefault();
    await send();
    await send(); // what was typed while the first was on its way
    if (!Object.keys(changes()).length) location.assign(link.href);
  });

  Object.assign(editor, { touch, notice, unsaved: () => Object.keys(changes()).length > 0 });
})();
