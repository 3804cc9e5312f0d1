// The reference of the API: Swagger UI, drawn from our own document. A key that is typed in is
// sent to this server only, and forgotten with the page.
(() => {
  const place = document.getElementById("reference");
  const waiting = document.getElementById("reference-waiting");
  const root = document.documentElement;

  // Swagger UI has dark colours of its own, under a class of its own; theme.js sets ours.
  const followTheme = () => root.classList.toggle("dark-mode", root.classList.contains("dark"));
  followTheme();
  new MutationObserver(followTheme).observe(root, { attributeFilter: ["class"] });

  const load = async () => {
    const response = await fetch(place.dataset.document);
    if (!response.ok) throw new Error(`The document came with status ${response.status}.`);
    return response.json();
  };

  // A browser sends its session by itself, and lets no script set that cookie: a field for it would do
  // nothing. And there is one server, this one.
  const onlyKeys = (spec) => {
    delete spec.components.securitySchemes.session;
    delete spec.servers;
    const operations = Object.values(spec.paths).flatMap((path) => Object.values(path));
    for (const part of [spec, ...operations])
      if (part.security) part.security = part.security.filter((needed) => !("session" in needed));
    return spec;
  };

  // What Swagger UI leaves out of its markup: a second <main>, fields without names, a level of
  // headings, boxes that scroll and take no focus. It draws anew at each change, so this is said anew.
  const set = (selector, attribute, value) =>
    place.querySelectorAll(selector).forEach((part) => {
      if (part.getAttribute(attribute) !== value(part)) part.setAttribute(attribute, value(part));
    });
  const name = (selector, label) => set(selector, "aria-label", label);
  const mend = () => {
    place.querySelectorAll("main").forEach((main) => {
      main.removeAttribute("tabindex"); // what takes focus is never merely a box
      main.setAttribute("role", "presentation");
    });
    place.querySelectorAll("pre.microlight").forEach((box) => { box.tabIndex = 0; });
    place.querySelectorAll("table[role=region]").forEach((table) => table.removeAttribute("role"));
    name("#servers", () => "Server");
    name("textarea.body-param__text", () => "Request body");
    name("tr[data-param-name] :is(select, input)", (field) => field.closest("tr").dataset.paramName);
    for (const level of [3, 4, 5]) set(`h${level}`, "aria-level", () => String(level - 1));
    mendDialog();
  };

  // The dialog that asks for a key: its name, its buttons', and where the focus goes afterwards.
  let asking = false;
  const mendDialog = () => {
    set(".modal-ux", "role", () => "dialog");
    set(".modal-ux", "aria-modal", () => "true");
    name(".modal-ux", (dialog) => dialog.querySelector("h3").textContent);
    name(".close-modal", () => "Close");
    name(".modal-ux button[type=submit]", (button) => button.textContent);
    const open = place.querySelector(".modal-ux") !== null;
    if (asking && !open) place.querySelector(".btn.authorize")?.focus();
    asking = open;
  };

  // While it is open, Tab stays in it.
  place.addEventListener("keydown", (event) => {
    const dialog = event.target.closest(".modal-ux");
    if (event.key !== "Tab" || !dialog) return;
    const parts = dialog.querySelectorAll("button, input");
    const [from, to] = event.shiftKey ? [parts[0], parts[parts.length - 1]] : [parts[parts.length - 1], parts[0]];
    if (event.target !== from) return;
    event.preventDefault();
    to.focus();
  });

  const draw = (spec) => {
    new MutationObserver(mend).observe(place, { childList: true, subtree: true });
    SwaggerUIBundle({
      spec: onlyKeys(spec),
      domNode: place,
      deepLinking: true,
      docExpansion: "list",
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      persistAuthorization: false,
      tryItOutEnabled: true,
      validatorUrl: null,
      onComplete: () => waiting.remove(),
    });
  };

  load().then(draw).catch(() => {
    waiting.remove();
    document.getElementById("reference-trouble").hidden = false;
  });
})();
