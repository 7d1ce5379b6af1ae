import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { HEIGHT, MotionGate, WIDTH } from "../../static/js/core/motion.js";

/** A repeatable stand-in for a camera's noise: some 4 levels of grey for every point of its own. */
function noise(seed) {
  let value = seed;
  return () => {
    value = (value * 1103515245 + 12345) % 2147483648;
    return (value / 2147483648 + ((value >> 8) % 1000) / 1000 - 1) * 14;
  };
}

/** light: added everywhere; box: [left, top, size], something bright. */
function scene({ seed = 1, light = 0, box = null } = {}) {
  const random = noise(seed);
  const picture = new Uint8ClampedArray(WIDTH * HEIGHT * 4).fill(255);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const inside = box && x >= box[0] && x < box[0] + box[2] && y >= box[1] && y < box[1] + box[2];
      const grey = (inside ? 200 : 60 + x) + light + random();
      picture.fill(grey, 4 * (y * WIDTH + x), 4 * (y * WIDTH + x) + 3);
    }
  }
  return picture;
}

function settled() {
  const gate = new MotionGate();
  for (let seed = 1; seed < 20; seed += 1) gate.look(scene({ seed }));
  return gate;
}

describe("MotionGate", () => {
  it("sees nothing in a camera's noise", () => {
    const gate = settled();
    const seen = Array.from({ length: 200 }, (_, look) => gate.look(scene({ seed: 100 + look })));
    assert.equal(seen.filter(Boolean).length, 0);
  });

  it("sees nothing when the light changes", () => {
    const gate = settled();
    assert.equal(gate.look(scene({ seed: 50, light: 25 })), false);
    assert.equal(gate.look(scene({ seed: 51, light: -20 })), false);
  });

  it("sees a face that comes in, also a small one", () => {
    assert.equal(settled().look(scene({ seed: 50, box: [20, 10, 20] })), true);
    assert.equal(settled().look(scene({ seed: 50, box: [30, 20, 6] })), true);
  });

  it("gets used to what has been put down", () => {
    const gate = settled();
    const seen = Array.from({ length: 60 }, (_, look) => gate.look(scene({ seed: 100 + look, box: [20, 10, 20] })));
    assert.equal(seen[0], true);
    assert.equal(seen.at(-1), false);
  });

  it("begins anew with another camera", () => {
    const gate = settled();
    gate.reset();
    assert.equal(gate.look(scene({ seed: 3, box: [20, 10, 20] })), false);
  });
});
