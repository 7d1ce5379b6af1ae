// Group pictures: a click on a face in the picture chooses it in the list below, and the chosen face stands out.

import { connectAll } from "./dom.js";

function connect(group) {
  const faces = [...group.querySelectorAll("[data-face]")];
  const radioOf = (face) => group.querySelector(`input[value="${face.dataset.face}"]`);
  const show = () => faces.forEach((face) => face.classList.toggle("is-chosen", radioOf(face).checked));
  for (const face of faces) {
    face.addEventListener("click", () => {
      const radio = radioOf(face);
      if (radio.disabled) return;
      radio.checked = true;
      radio.focus();
      show();
    });
  }
  group.addEventListener("change", show);
  show();
}

connectAll("[data-group]", connect);
