// The calibration page's slider: what a threshold would have done at this site, shown in both charts. The page works
// without it: the radio buttons of the form are enough.

import { policyAt, predictionSentence } from "./core/calibration.js";
import { formatScore } from "./core/format.js";
import { find, readJson, setText, svg } from "./dom.js";

const data = readJson("calibration-slider");
const box = find("[data-slider]");
const input = find("input[type=range]", box);
const radios = [...document.querySelectorAll("[data-policy] input[name=fmr]")];
const line = svg("line", { class: "chart__here" });
find("[data-histogram] svg").append(line);
const ring = svg("circle", { class: "chart__here", r: 7 });
find("[data-det] svg").append(ring);

function show() {
  const row = data.rows[Number(input.value)];
  setText(find("[data-slider-threshold]", box), formatScore(row.threshold, 3));
  setText(find("[data-slider-says]", box), predictionSentence(row, data));
  input.setAttribute("aria-valuetext", formatScore(row.threshold, 3));
  for (const [name, value] of Object.entries(row.line)) line.setAttribute(name, value);
  ring.setAttribute("cx", row.point[0]);
  ring.setAttribute("cy", row.point[1]);
}

function goTo(threshold) {
  const away = data.rows.map((row) => Math.abs(row.threshold - threshold));
  input.value = away.indexOf(Math.min(...away));
  show();
}

input.addEventListener("input", () => {
  show();
  const { rate } = policyAt(data.rows[Number(input.value)].threshold, data.choices);
  for (const radio of radios) radio.checked = radio.value === rate;
});
for (const radio of radios) {
  radio.addEventListener("change", () => goTo(data.choices.find((choice) => choice.rate === radio.value).threshold));
}

box.hidden = false;
const chosen = radios.find((radio) => radio.checked) ?? radios[0];
goTo(data.choices.find((choice) => choice.rate === chosen.value).threshold);
