import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { Flight } from "../../static/js/core/flight.js";

function flying(...seqs) {
  const flight = new Flight();
  seqs.forEach((seq, index) => flight.take(seq, index));
  return flight;
}

describe("Flight", () => {
  it("lets two frames fly and no third", () => {
    assert.equal(flying().canSend(0), true);
    assert.equal(flying(1).canSend(1), true);
    assert.equal(flying(1, 2).canSend(2), false);
  });

  it("frees a place and tells the latency when a result comes", () => {
    const flight = flying(1, 2);
    assert.equal(flight.answered(1, 120), 120);
    assert.equal(flight.count, 1);
    assert.equal(flight.canSend(120), true);
  });

  it("counts older frames as answered, since the server dropped them", () => {
    const flight = flying(7, 8);
    assert.equal(flight.answered(8, 51), 50);
    assert.equal(flight.count, 0);
  });

  it("frees only the frame that an error names", () => {
    const flight = flying(1, 2);
    flight.release(2);
    assert.equal(flight.count, 1);
    assert.equal(flight.answered(1, 30), 30);
  });

  it("gives up a frame that nobody answers, and knows no latency for it", () => {
    const flight = flying(1, 2);
    assert.equal(flight.canSend(4999), false);
    assert.equal(flight.canSend(5002), true);
    assert.equal(flight.answered(2, 6000), null);
  });

  it("waits while the network holds more than one frame", () => {
    const flight = flying();
    assert.equal(flight.canSend(0, 1_000_000), true, "nothing was sent yet, so nothing is known about the size");
    flight.sent(40_000);
    assert.equal(flight.canSend(0, 40_000), true);
    assert.equal(flight.canSend(0, 40_001), false);
  });

  it("forgets everything when the connection is new", () => {
    const flight = flying(1, 2);
    flight.clear();
    assert.equal(flight.canSend(0), true);
  });
});
