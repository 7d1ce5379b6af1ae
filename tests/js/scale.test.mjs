import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { clampLabel, scalePositions } from "../../static/js/core/scale.js";

describe("scalePositions", () => {
  it("puts scores between 0 and 1 in proportion", () => {
    assert.deepEqual(scalePositions({ score: 0.5, threshold: 0.25, width: 200 }), { score: 100, threshold: 50 });
  });
  it("keeps negative scores at the start", () => {
    assert.equal(scalePositions({ score: -0.4, threshold: 0.25, width: 200 }).score, 0);
  });
  it("has no place for a missing score", () => {
    assert.equal(scalePositions({ score: null, threshold: 0.25, width: 200 }).score, null);
  });
});

describe("clampLabel", () => {
  it("keeps labels on the drawing", () => {
    assert.equal(clampLabel(3, 20, 200), 20);
    assert.equal(clampLabel(100, 20, 200), 100);
    assert.equal(clampLabel(199, 20, 200), 180);
  });
});
