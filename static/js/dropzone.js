// The dashed box of an upload takes what is dropped on it, and shows the chosen pictures before they are sent.

import { gettext } from "./core/words.js";
import { connectAll, el } from "./dom.js";

const SIDE = 160; // pixels of a preview, twice what is shown

/** A small drawing of the picture; null where the browser cannot read this kind. */
async function preview(file) {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return null;
  const scale = Math.min(1, SIDE / Math.min(bitmap.width, bitmap.height));
  const canvas = el("canvas", { width: Math.max(1, Math.round(bitmap.width * scale)), height: Math.max(1, Math.round(bitmap.height * scale)) });
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas;
}

/** names: of files that are no pictures, nothing else is shown. */
async function show(input, list, names) {
  const files = [...input.files];
  const pictures = await Promise.all(files.map(names ? () => null : preview));
  if (files.some((file, place) => file !== input.files[place])) return; // others were chosen meanwhile
  list.replaceChildren(
    ...files.map((file, place) =>
      el("li", {}, ...(names ? [] : [pictures[place] ?? el("span", { class: "dropzone__blank" }, gettext("No preview"))]), el("span", { class: "small muted" }, file.name)),
    ),
  );
  list.hidden = !files.length;
}

function connect(zone) {
  const input = zone.querySelector("input[type=file]");
  const names = zone.dataset.dropzone === "names";
  const list = el("ul", {
    class: `dropzone__previews plain${names ? " dropzone__previews--names" : ""}`,
    "aria-label": names ? gettext("Chosen file") : gettext("Chosen pictures"),
    hidden: true,
  });
  zone.after(list);
  input.addEventListener("change", () => show(input, list, names));
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  zone.addEventListener("dragleave", (event) => zone.contains(event.relatedTarget) || zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("is-over");
    take(input, [...event.dataTransfer.files]);
  });
  show(input, list, names); // a browser may bring chosen files back with the page
}

/** As if they had been chosen: of several, a box for one picture takes the first. */
function take(input, files) {
  if (!files.length) return;
  const taken = new DataTransfer();
  for (const file of input.multiple ? files : files.slice(0, 1)) taken.items.add(file);
  input.files = taken.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

connectAll("[data-dropzone]", connect);
