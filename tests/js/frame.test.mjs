import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { HEADER_BYTES, fitInside, packFrame } from "../../static/js/core/frame.js";

describe("packFrame", () => {
  it("writes sequence number and time big-endian before the picture", () => {
    const picture = new Uint8Array([0xff, 0xd8, 0xff]).buffer;
    const frame = Buffer.from(packFrame(0x01020304, 1_700_000_000_123.5, picture));
    assert.equal(frame.length, HEADER_BYTES + 3);
    assert.equal(frame.readUInt32BE(0), 0x01020304);
    assert.equal(frame.readDoubleBE(4), 1_700_000_000_123.5);
    assert.deepEqual([...frame.subarray(12)], [0xff, 0xd8, 0xff]);
  });

  it("carries the largest sequence number and refuses one more", () => {
    const empty = new ArrayBuffer(0);
    assert.equal(Buffer.from(packFrame(0xffffffff, 0, empty)).readUInt32BE(0), 0xffffffff);
    assert.throws(() => packFrame(0x100000000, 0, empty), RangeError);
    assert.throws(() => packFrame(-1, 0, empty), RangeError);
    assert.throws(() => packFrame(1.5, 0, empty), RangeError);
  });
});

describe("fitInside", () => {
  it("never enlarges", () => assert.deepEqual(fitInside(320, 240), { width: 320, height: 240 }));
  it("keeps the shape of a wide picture", () => assert.deepEqual(fitInside(1280, 720), { width: 640, height: 360 }));
  it("keeps the shape of a tall picture", () => assert.deepEqual(fitInside(720, 1280), { width: 360, height: 640 }));
  it("keeps at least one pixel", () => assert.deepEqual(fitInside(10_000, 1), { width: 640, height: 1 }));
});
