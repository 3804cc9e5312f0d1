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

  const draw = (spec) => {
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
