// A board that keeps itself current: asks only while it is looked at, at once after a result of one's
// own in another tab, and shows where the rows went.
(() => {
  const board = () => document.getElementById("board");
  const ask = () => board()?.dispatchEvent(new CustomEvent("board:ask"));
  const still = matchMedia("(prefers-reduced-motion: reduce)");

  document.addEventListener("htmx:before:request", (event) => {
    if (event.detail.ctx.sourceElement?.id === "board" && document.hidden) event.preventDefault();
  });

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) ask();
  });
  addEventListener("pageshow", (event) => event.persisted && ask());
  new BroadcastChannel("respondeo").addEventListener("message", ({ data }) => {
    if (data === "result") ask();
  });

  const rows = () => [...document.querySelectorAll("#board tr[data-user]")];
  const places = (number) => (number === 1 ? "1 place" : `${number} places`);
  let before = new Map();

  document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
    if (ctx.target?.id !== "board") return;
    before = new Map(
      rows().map((row) => [row.dataset.user, { top: row.getBoundingClientRect().top, rank: Number(row.dataset.rank) }]),
    );
  });

  const glide = (row, from) => {
    if (still.matches) return;
    const way = from - row.getBoundingClientRect().top;
    if (Math.abs(way) < 1) return;
    row.animate([{ transform: `translateY(${way}px)` }, { transform: "none" }], {
      duration: 200,
      easing: "cubic-bezier(0.2, 0.7, 0.2, 1)",
    });
  };

  const mark = (row, up) => {
    const sign = document.createElement("span");
    sign.className = up > 0 ? "moved is-up fades" : "moved fades";
    sign.setAttribute("role", "img");
    sign.setAttribute("aria-label", up > 0 ? `up ${places(up)}` : `down ${places(-up)}`);
    sign.textContent = up > 0 ? `▲${up}` : `▼${-up}`;
    row.querySelector(".player").append(sign);
    setTimeout(() => sign.remove(), 10_000);
    if (!row.classList.contains("is-me")) return;
    const text = `You are ${up > 0 ? "up" : "down"} ${places(Math.abs(up))}, now number ${row.dataset.rank}.`;
    document.dispatchEvent(new CustomEvent("respondeo:say", { detail: text }));
  };

  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    if (ctx.target?.id !== "board") return;
    for (const row of rows()) {
      const was = before.get(row.dataset.user);
      if (!was) continue;
      glide(row, was.top);
      const up = was.rank - Number(row.dataset.rank);
      if (up) mark(row, up);
    }
  });
})();
