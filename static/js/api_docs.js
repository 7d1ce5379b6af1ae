// The API's page: Swagger UI from this site's own files, on this site's own document.

// The files bring dark colours for whoever prefers them.
document.documentElement.classList.toggle("dark-mode", window.matchMedia("(prefers-color-scheme: dark)").matches);

const page = document.getElementById("swagger-ui");

window.SwaggerUIBundle({
  url: page.dataset.document,
  domNode: page,
  deepLinking: true,
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  validatorUrl: null,
});
