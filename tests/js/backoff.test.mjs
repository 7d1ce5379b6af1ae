import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { backoffMs } from "../../static/js/core/backoff.js";

describe("backoffMs", () => {
  it("doubles with every attempt", () => {
    const waits = [0, 1, 2, 3].map((attempt) => backoffMs(attempt, () => 1));
    assert.deepEqual(waits, [1000, 2000, 4000, 8000]);
  });

  it("stops growing at the cap, however many attempts", () => {
    assert.equal(backoffMs(5, () => 1), 20000);
    assert.equal(backoffMs(2000, () => 1), 20000);
  });

  it("spreads browsers over half of the wait", () => {
    assert.equal(backoffMs(2, () => 0), 2000);
    assert.equal(backoffMs(2, () => 0.5), 3000);
  });
});
