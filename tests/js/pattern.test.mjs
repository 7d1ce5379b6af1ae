import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { isPattern, patternPixel } from "../../static/js/core/pattern.js";

const drawn = (change = (value) => value) =>
  Array.from({ length: 256 }, (_, place) => [...patternPixel(place).map(change), 255]).flat();

describe("a pattern read back from a canvas", () => {
  it("is what was drawn, but for rounding", () => {
    assert.equal(isPattern(drawn()), true);
    assert.equal(isPattern(drawn((value) => Math.min(255, value + 1))), true);
  });
  it("is known from noise, from a blank canvas, and from nothing", () => {
    assert.equal(isPattern(drawn((value) => (value * 7 + 13) % 256)), false);
    assert.equal(isPattern(new Uint8ClampedArray(1024).fill(255)), false);
    assert.equal(isPattern([]), false);
  });
  it("is known from pixels of which a few were changed a little", () => {
    const data = drawn();
    data[401] += data[401] > 128 ? -3 : 3;
    assert.equal(isPattern(data), false);
  });
});
