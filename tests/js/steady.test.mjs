import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Steady } from "../../static/js/core/steady.js";

describe("Steady", () => {
  it("shows the first value at once and holds it", () => {
    const steady = new Steady(800);
    assert.equal(steady.offer("closer", 0), "closer");
    assert.equal(steady.offer("still", 500), "closer");
    assert.equal(steady.offer("still", 800), "still");
  });

  it("lets what is urgent through", () => {
    const steady = new Steady(800);
    steady.offer("closer", 0);
    assert.equal(steady.offer("done", 10, true), "done");
  });

  it("does not start the time anew while the value stays", () => {
    const steady = new Steady(800);
    steady.offer("closer", 0);
    steady.offer("closer", 700);
    assert.equal(steady.offer("still", 810), "still");
  });
});
