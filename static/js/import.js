// The page of imports: files that are too large are refused before they are sent, and nobody wonders whether they go.

const form = document.querySelector("[data-import]");

form?.addEventListener("submit", (event) => {
  const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const tooLarge = bytes > Number(form.dataset.mostBytes);
  form.querySelector("[data-too-large]").hidden = !tooLarge;
  if (tooLarge) return event.preventDefault();
  form.querySelector("[data-sending]").hidden = false;
  form.querySelector("button[type=submit]").disabled = true;
});

// A page that the browser brings back from memory is as it was before anything was sent.
addEventListener("pageshow", (event) => event.persisted && location.reload());
