// Some browsers give pages noise instead of a canvas' pixels, to make them harder to recognise. Frames would then be noise.

import { isPattern, patternPixel } from "./core/pattern.js";

const SIDE = 16;

/** Draws a known pattern and reads it back, as frames are drawn and read. False: what is sent would not be the picture. */
export function canvasTellsTheTruth(canvas = document.createElement("canvas")) {
  Object.assign(canvas, { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  for (let place = 0; place < SIDE * SIDE; place += 1) {
    context.fillStyle = `rgb(${patternPixel(place).join(" ")})`;
    context.fillRect(place % SIDE, Math.floor(place / SIDE), 1, 1);
  }
  return isPattern(context.getImageData(0, 0, SIDE, SIDE).data);
}
