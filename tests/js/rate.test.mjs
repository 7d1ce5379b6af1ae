import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { RateMeter } from "../../static/js/core/rate.js";

describe("RateMeter", () => {
  it("knows nothing before two answers", () => {
    const meter = new RateMeter();
    assert.equal(meter.read(0), null);
    meter.add(0, 10);
    assert.equal(meter.read(0), null);
  });

  it("tells frames per second and the median latency", () => {
    const meter = new RateMeter();
    [0, 100, 200, 300, 400].forEach((when, index) => meter.add(when, [50, 60, 900, 55, 52][index]));
    assert.deepEqual(meter.read(400), { fps: 10, latency: 55 });
  });

  it("forgets what is older than its span", () => {
    const meter = new RateMeter(1000);
    [0, 500, 2000, 2100].forEach((when) => meter.add(when, 5));
    assert.deepEqual(meter.read(2100), { fps: 10, latency: 5 });
    assert.equal(meter.read(9000), null);
  });
});
