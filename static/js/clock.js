// <quiz-clock>: counts on from what the server said, and decides nothing.
//
//   remaining-ms, limit-ms   counts down;   spent-ms   counts up (no limit)
//   pause-left-ms            stands still for so long, then runs
//   stopped                  stands still for good: the attempt is over
//   quiet                    announces nothing
//
// It fires clock:zero when the time is over, clock:slept when the machine seems to have slept.
//
// The server writes the first text, so that the page makes sense without this script.
(() => {
  const steps = [
    [60_000, "One minute left."],
    [10_000, "Ten seconds left."],
    [0, "Time is up."],
  ];
  // More than any timer is late by; less than anybody's sleep.
  const nap = 1_500;
  // An answer that takes longer is in trouble, and the time may well run on.
  const longestHold = 5_000;
  let arrivals = 0;

  // What this page has shown and passed: each answer to htmx brings a new clock that goes on from it.
  let shown = null;
  let passed = null;

  // The first clock came with the page, the others with an answer to htmx.
  const sinceArrival = () => {
    arrivals += 1;
    const page = performance.getEntriesByType("navigation")[0];
    return arrivals === 1 && page ? performance.now() - page.responseStart : 0;
  };

  const words = (seconds) => {
    const two = (number) => String(number).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor((seconds % 3600) / 60);
    return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
  };

  class QuizClock extends HTMLElement {
    static observedAttributes = ["remaining-ms", "spent-ms", "pause-left-ms"];

    connectedCallback() {
      this.start(sinceArrival());
    }

    disconnectedCallback() {
      clearTimeout(this.timer);
    }

    // A refresh in place changes several attributes: begin again once, after the last.
    attributeChangedCallback() {
      if (!this.timer || this.restarting) return;
      this.restarting = true;
      queueMicrotask(() => {
        this.restarting = false;
        if (this.isConnected) this.start(0);
      });
    }

    // An answer is on its way, and the server's clock stands when it comes: until its word arrives
    // this one stands too, or it would have to go back.
    hold() {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.tick(), longestHold);
    }

    // There is no word: the time runs on.
    release() {
      clearTimeout(this.timer);
      this.tick();
    }

    milliseconds(name) {
      return this.hasAttribute(name) ? Number(this.getAttribute(name)) : null;
    }

    start(age) {
      clearTimeout(this.timer);
      this.limit = this.milliseconds("limit-ms");
      this.from = this.milliseconds(this.limit === null ? "spent-ms" : "remaining-ms") ?? 0;
      this.pause = this.milliseconds("pause-left-ms") ?? 0;
      this.steady = performance.now() - age;
      this.wall = Date.now() - age;
      this.slept = 0;
      this.last = null;
      this.tick();
    }

    // The steady clock stands still while some machines sleep; the wall clock can be set. So the
    // steady one counts, and only a jump of the wall clock forwards is believed, and reported.
    elapsed() {
      const steady = performance.now() - this.steady;
      const ahead = Date.now() - this.wall - steady - this.slept;
      if (ahead > nap) {
        this.slept += ahead;
        this.report("slept");
      } else if (ahead < -nap) {
        this.wall += ahead;
      }
      return steady + this.slept;
    }

    tick() {
      if (this.hasAttribute("stopped")) {
        this.show(this.from, true);
        return;
      }
      const elapsed = this.elapsed();
      const counted = Math.max(0, elapsed - this.pause);
      const now = this.limit === null ? this.from + counted : Math.max(0, this.from - counted);
      const stands = elapsed < this.pause;
      this.show(now, stands);
      if (this.limit !== null && !stands) this.pass(now);
      this.last = now;
      if (this.limit !== null && now === 0) return;
      const beat = this.limit === null ? 1000 - (now % 1000) : now % 1000 || 1000;
      const wait = stands ? this.pause - elapsed : beat;
      this.timer = setTimeout(() => this.tick(), Math.min(wait, 1000) + 4);
    }

    show(counted, stands) {
      const now = this.onward(counted);
      const seconds = this.limit === null ? Math.floor(now / 1000) : Math.ceil(now / 1000);
      const value = this.querySelector(".clock-value");
      if (value && value.textContent !== words(seconds)) value.textContent = words(seconds);
      this.dataset.state = stands ? "standing" : "running";
      if (this.limit === null) return;
      const share = Math.min(100, (100 * now) / this.limit);
      this.querySelector(".left")?.setAttribute("stroke-dasharray", `${share.toFixed(2)} 100`);
      this.classList.toggle("is-low", now * 10 <= this.limit);
    }

    // What is shown goes one way: where the server's word was slower than the one before, the clock
    // waits for it. A real correction is shown.
    onward(now) {
      const back = this.limit === null ? shown - now : now - shown;
      if (shown === null || back <= 0 || back >= nap) shown = now;
      return shown;
    }

    // Announces the step just passed, once a page, and asks the server at zero, each clock once.
    pass(now) {
      const before = passed ?? this.from;
      const [, text] = steps.filter(([mark]) => now <= mark && before > mark).at(-1) ?? [];
      if (text && !this.hasAttribute("quiet")) {
        document.dispatchEvent(new CustomEvent("respondeo:say", { detail: text }));
      }
      passed = Math.min(before, now);
      if (now === 0 && this.last !== 0) this.report("zero");
    }

    report(what) {
      this.dispatchEvent(new CustomEvent(`clock:${what}`, { bubbles: true }));
    }
  }

  customElements.define("quiz-clock", QuizClock);
})();
