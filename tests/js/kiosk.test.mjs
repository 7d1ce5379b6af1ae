import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { advance, newKiosk, screenOf, shallLookAgain } from "../../static/js/core/kiosk.js";
import { Presence } from "../../static/js/core/presence.js";
import { Watchdog } from "../../static/js/core/watchdog.js";

const ADA = { type: "greeting", outcome: "in", title: "Welcome, Ada", text: "", name: "Ada", portrait: "data:", track: 1 };
const REFUSED = { ...ADA, outcome: "refused", title: "Not recognised", name: "", portrait: "" };
const READY = [{ type: "hello" }, { type: "camera", name: "on" }];
const face = (state, track = 1) => ({ type: "result", now: 0, faces: [{ track, state, hint: "" }] });

const after = (...events) => events.reduce(advance, newKiosk("check"));

describe("the screen of a kiosk", () => {
  it("says what to do, also without a network or a camera", () => {
    assert.match(screenOf(after(...READY), 0).text, /check in or out/);
    assert.match(screenOf(after(...READY, { type: "lost" }), 0).title, /No connection/);
    assert.match(screenOf(after({ type: "hello" }, { type: "camera", name: "error" }), 0).text, /PIN or badge number/);
    const flagged = after(...READY, { type: "camera_refused", title: "Another camera", text: "Ask." });
    assert.equal(screenOf(flagged, 0).title, "Another camera");
  });

  it("forgets a greeting by itself", () => {
    const state = after(...READY, { ...ADA, now: 0 });
    assert.deepEqual([screenOf(state, 5000).title, screenOf(state, 5000).tone], ["Welcome, Ada", "good"]);
    assert.equal(screenOf(state, 7000).kind, "ready");
  });

  it("keeps a refusal for as long as its face is there, then looks once more", () => {
    const there = (now) => advance(after(...READY, { ...REFUSED, now: 0 }), { ...face("refused"), now });
    assert.equal(screenOf(there(15000), 15000).again, true);
    assert.equal(screenOf(after(...READY, { ...REFUSED, now: 0 }), 15000).kind, "ready");
    assert.equal(shallLookAgain(there(15000), 15000), false);
    assert.equal(shallLookAgain(there(21000), 21000), true);
  });

  it("shows the keypad before everything else, and closes it when nobody types", () => {
    const state = after(...READY, { ...ADA, now: 0 }, { type: "open", now: 1000 }, { type: "typed", text: "12", now: 2000 });
    assert.equal(screenOf(state, 3000).kind, "keypad");
    assert.equal(screenOf(state, 40000).kind, "ready");
  });

  it("says that a number waits for the network", () => {
    assert.match(screenOf(after({ type: "kept", now: 0 }), 1000).text, /as soon as the kiosk is connected/);
  });
});

describe("Presence", () => {
  it("is awake after a movement and for as long as a face is seen", () => {
    const presence = new Presence(0);
    assert.equal(presence.isAwake(3000), true);
    assert.equal(presence.isAwake(5000), false);
    presence.moved(10000);
    presence.faces(1, 20000);
    assert.equal(presence.isAwake(22000), true);
    assert.equal(presence.isAwake(24000), false);
  });

  it("takes a face that never moves for a picture on the wall", () => {
    const presence = new Presence(0);
    presence.faces(1, 61000);
    assert.equal(presence.isAwake(61000), false);
  });

  it("lets the screen go dark half a minute after the last movement or touch", () => {
    const presence = new Presence(0);
    assert.equal(presence.isDim(29000), false);
    assert.equal(presence.isDim(31000), true);
    presence.touched(40000);
    assert.equal(presence.isDim(60000), false);
  });
});

describe("Watchdog", () => {
  const well = { camera: "on", videoTime: 1, socketOpen: true, nobody: false };

  it("leaves what works alone", () => {
    const dog = new Watchdog(0);
    for (let now = 0; now < 60000; now += 250) assert.equal(dog.look({ ...well, now, videoTime: now }), null);
  });

  it("starts a camera anew that failed or stands still, less and less often, and then the page", () => {
    assert.equal(new Watchdog(0).look({ ...well, now: 9000, camera: "error" }), "camera");
    const dog = new Watchdog(0);
    const done = [];
    for (let now = 0; now < 200000; now += 250) {
      const action = dog.look({ ...well, now });
      if (action) done.push(action);
    }
    assert.deepEqual(done.slice(0, 6), ["camera", "camera", "camera", "camera", "camera", "reload"]);
  });

  it("loads the page again when the server is silent for long, or once a day when nobody is there", () => {
    assert.equal(new Watchdog(0).look({ ...well, now: 181000, socketOpen: false }), "reload");
    const day = 24 * 3600 * 1000 + 1;
    assert.equal(new Watchdog(0).look({ ...well, now: day }), null);
    assert.equal(new Watchdog(0).look({ ...well, now: day, nobody: true }), "reload");
  });
});
