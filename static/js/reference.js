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

  // What Swagger UI leaves out of its markup: a second <main>, fields without names, boxes that
  // scroll and take no focus. It draws anew at each change, so this is said anew.
  const name = (selector, label) =>
    place.querySelectorAll(selector).forEach((field) => {
      if (field.getAttribute("aria-label") !== label(field)) field.setAttribute("aria-label", label(field));
    });
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
  };

  const draw = (spec) => {
    new MutationObserver(mend).observe(place, { childList: true, subtree: true });
    SwaggerUIBundle({
      spec,
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
