// Boxes and names over the preview. Colours come from the stylesheet's custom properties; every verdict also has a
// line style and a symbol of its own, so that nothing rests on colour alone. The canvas is never mirrored: text stays
// readable, and only the boxes' places are.

import { isOfShape, mapBox, placeLabel } from "./core/boxes.js";
import { labelOf } from "./core/explain.js";

const STYLES = {
  match: { dash: [], width: 3, mark: "✓" },
  non_match: { dash: [12, 7], width: 3, mark: "✕" },
  uncertain: { dash: [3, 6], width: 3, mark: "?" },
  attack: { dash: [18, 5, 3, 5], width: 4, mark: "!" },
  pending: { dash: [], width: 2, mark: "" },
};
const FONT = '600 14px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif';
const DETAIL_FONT = '500 12px ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif';
const PADDING = 8;
const RADIUS = 10;

export class Overlay {
  #canvas;
  #context;
  #colours = {};
  #last = null;
  #video;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#video = canvas.parentElement.querySelector("video");
    this.#video.addEventListener("resize", () => this.clear());
    this.#context = canvas.getContext("2d");
    this.#readColours();
    new ResizeObserver(() => this.#redraw()).observe(canvas);
  }

  /** @param faces as a `result` carries them. @param picture [width, height] that their boxes refer to. */
  draw(faces, picture, { mirrored, threshold, fit = "cover" }) {
    this.#last = isOfShape(picture, this.#video) ? { faces, picture, mirrored, threshold, fit } : null;
    this.#redraw();
  }

  clear() {
    this.#last = null;
    this.#redraw();
  }

  /** The stage is dark in both themes, so that one set of colours serves both. */
  #readColours() {
    const style = getComputedStyle(this.#canvas);
    for (const verdict of Object.keys(STYLES)) this.#colours[verdict] = style.getPropertyValue(`--stage-${verdict}`).trim();
  }

  #redraw() {
    const { width, height } = this.#canvas.getBoundingClientRect();
    const ratio = devicePixelRatio || 1;
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== across || this.#canvas.height !== down) {
      Object.assign(this.#canvas, { width: across, height: down });
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    if (!this.#last) return;
    const { faces, picture, mirrored, threshold, fit } = this.#last;
    const element = { width, height };
    const boxes = faces.map((face) => ({ face, box: mapBox(face.box_xyxy, picture, element, { mirrored, fit }) }));
    for (const { face, box } of boxes) this.#drawBox(face, box);
    for (const { face, box } of boxes) this.#drawLabel(face, box, element, threshold);
  }

  #drawBox(face, box) {
    const style = STYLES[face.verdict] ?? STYLES.pending;
    const context = this.#context;
    for (const [colour, extra] of [["rgb(0 0 0 / 55%)", 2.5], [this.#colours[face.verdict], 0]]) {
      context.beginPath();
      if (face.verdict === "pending") traceCorners(context, box);
      else context.roundRect(box.x, box.y, box.width, box.height, RADIUS);
      context.setLineDash(style.dash);
      context.lineCap = "round";
      context.lineWidth = style.width + extra;
      context.strokeStyle = colour;
      context.stroke();
    }
    context.setLineDash([]);
  }

  #drawLabel(face, box, element, threshold) {
    const { title, detail } = labelOf(face, threshold);
    const context = this.#context;
    const mark = (STYLES[face.verdict] ?? STYLES.pending).mark;
    const heading = shorten(context, mark ? `${mark}  ${title}` : title, element.width - 40);
    context.font = DETAIL_FONT;
    const detailWidth = detail ? context.measureText(detail).width + PADDING : 0;
    context.font = FONT;
    const headingWidth = context.measureText(heading).width;
    const label = { width: headingWidth + detailWidth + 2 * PADDING, height: 26 };
    const { x, y } = placeLabel(box, label, element);
    context.beginPath();
    context.roundRect(x, y, label.width, label.height, 7);
    context.fillStyle = this.#colours[face.verdict];
    context.fill();
    context.fillStyle = "#0b0e13";
    context.textBaseline = "middle";
    context.textAlign = "left"; // "start" is the right side on a page that reads from there
    context.fillText(heading, x + PADDING, y + label.height / 2 + 0.5);
    context.font = DETAIL_FONT;
    context.fillText(detail, x + PADDING + headingWidth + PADDING, y + label.height / 2 + 0.5);
  }
}

function shorten(context, text, width) {
  context.font = FONT;
  if (context.measureText(text).width <= width) return text;
  let kept = text;
  while (kept.length > 1 && context.measureText(`${kept}…`).width > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}

function traceCorners(context, { x, y, width, height }) {
  const arm = Math.min(width, height) * 0.22;
  const corners = [
    [x, y, 1, 1],
    [x + width, y, -1, 1],
    [x + width, y + height, -1, -1],
    [x, y + height, 1, -1],
  ];
  for (const [cornerX, cornerY, right, down] of corners) {
    context.moveTo(cornerX + right * arm, cornerY);
    context.arcTo(cornerX, cornerY, cornerX, cornerY + down * arm, RADIUS);
    context.lineTo(cornerX, cornerY + down * arm);
  }
}
