// Light, dark or as the system has it. Runs before the first paint, so that nothing flashes: the
// server writes the choice as the class of <html>, and `dark` joins it where the system is dark.
(() => {
  const order = ["system", "light", "dark"];
  const root = document.documentElement;
  const night = matchMedia("(prefers-color-scheme: dark)");

  const followSystem = () => {
    if (root.classList.contains("system")) root.classList.toggle("dark", night.matches);
  };

  // What the browser paints around the page: the colours of base.html.
  const paper = { light: "#fbf8f2", dark: "#17140f" };

  const tellBrowser = (chosen) => {
    const schemes = chosen === "system" ? Object.keys(paper) : [chosen];
    document.querySelector('meta[name="color-scheme"]').content = schemes.join(" ");
    document.querySelectorAll('meta[name="theme-color"]').forEach((meta) => meta.remove());
    for (const scheme of schemes) {
      const meta = document.createElement("meta");
      meta.name = "theme-color";
      meta.content = paper[scheme];
      if (chosen === "system") meta.media = `(prefers-color-scheme: ${scheme})`;
      document.head.append(meta);
    }
  };

  followSystem();
  night.addEventListener("change", followSystem);

  // The switch is a form that works by itself; here it only becomes instant.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.id !== "theme-form") return;
    event.preventDefault();
    const button = form.elements.theme;
    const chosen = button.value;
    const next = order[(order.indexOf(chosen) + 1) % order.length];
    const sent = new URLSearchParams(new FormData(form, button));
    fetch(form.action, { method: "POST", body: sent, redirect: "manual", keepalive: true }).catch(() => {});
    root.className = chosen;
    followSystem();
    tellBrowser(chosen);
    button.value = next;
    button.setAttribute("aria-label", `Theme: ${chosen}. Change to ${next}`);
  });
})();
