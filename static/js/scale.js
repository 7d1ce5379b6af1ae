// Draws comparison scores on their scale: <div data-scale data-score data-threshold data-verdict>. SVG attributes only,
// since the site's content security policy allows no style attributes.

import { formatPair } from "./core/format.js";
import { clampLabel, scalePositions } from "./core/scale.js";
import { gettext, interpolate } from "./core/words.js";
import { svg } from "./dom.js";

const WIDTH = 320;
const HALF_LABEL = 46;

/** @returns {SVGElement} */
export function drawScale({ score, threshold, verdict }) {
  const at = scalePositions({ score, threshold, width: WIDTH });
  const shown = formatPair(score, threshold);
  const words = score === null ? gettext("Nobody to compare with") : interpolate(gettext("Comparison score %(score)s, threshold %(threshold)s"), shown);
  const drawing = svg("svg", {
    class: `scale scale--${verdict}`,
    viewBox: `0 0 ${WIDTH} 58`,
    role: "img",
    "aria-label": words,
  });
  drawing.append(svg("rect", { class: "scale__track", x: 0, y: 24, width: WIDTH, height: 10, rx: 5 }));
  if (at.score !== null) {
    drawing.append(
      svg("rect", { class: "scale__bar", x: 0, y: 24, width: Math.max(at.score, 5), height: 10, rx: 5 }),
      svg("text", { class: "scale__score", x: clampLabel(at.score, HALF_LABEL / 2, WIDTH), y: 15, "text-anchor": "middle" }, shown.score),
    );
  }
  drawing.append(
    svg("line", { class: "scale__mark", x1: at.threshold, x2: at.threshold, y1: 18, y2: 40 }),
    svg("text", { x: clampLabel(at.threshold, HALF_LABEL, WIDTH), y: 54, "text-anchor": "middle" }, interpolate(gettext("threshold %(threshold)s"), shown)),
  );
  if (at.threshold > HALF_LABEL * 1.4) drawing.append(svg("text", { x: 0, y: 54 }, "0"));
  if (at.threshold < WIDTH - HALF_LABEL * 1.4) drawing.append(svg("text", { x: WIDTH, y: 54, "text-anchor": "end" }, "1"));
  return drawing;
}

for (const box of document.querySelectorAll("[data-scale]")) {
  const { score, threshold, verdict } = box.dataset;
  box.replaceChildren(drawScale({ score: score === "" ? null : Number(score), threshold: Number(threshold), verdict }));
}
