import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  RESULT_MS,
  arrowOf,
  failureOf,
  followChallenge,
  isShown,
  mayChallenge,
  secondsLeft,
  shareLeft,
  stepSentence,
} from "../../static/js/core/challenge.js";
import { advance, newLive } from "../../static/js/core/live.js";

const asked = {
  type: "challenge",
  track: 3,
  state: "running",
  prompt: "turn_left",
  step: 1,
  steps: 3,
  seconds_left: 6,
  code: null,
  message: "Turn your head to your left.",
};
const failed = { ...asked, state: "failed", prompt: null, seconds_left: 0, code: "challenge_timeout", message: "Too late." };
const decision = { type: "decision", track: 3, verdict: "uncertain", challenge_offered: true, reasons: [], at: 5, now: 0 };
const play = (...events) => events.reduce(advance, newLive());

describe("the time left", () => {
  it("counts whole seconds from when the message came", () => {
    const running = followChallenge(asked, 1000);
    assert.deepEqual([1000, 1001, 2000, 6999, 7000, 9000].map((now) => secondsLeft(running, now)), [6, 6, 5, 1, 0, 0]);
  });
  it("is a share between all and nothing", () => {
    const running = followChallenge(asked, 1000);
    assert.deepEqual([0, 1000, 4000, 7000, 8000].map((now) => shareLeft(running, now)), [1, 1, 0.5, 0, 0]);
  });
  it("is nothing once it has ended", () => {
    assert.equal(secondsLeft(followChallenge(failed, 0), 0), null);
    assert.equal(shareLeft(followChallenge(failed, 0), 0), 0);
    assert.equal(secondsLeft(null, 0), null);
  });
});

describe("the arrow", () => {
  const pointing = (prompt, mirrored) => arrowOf(followChallenge({ ...asked, prompt }, 0), mirrored);
  it("follows the mirror, since left is the person's own", () => {
    assert.deepEqual([pointing("turn_left", true), pointing("turn_right", true)], ["left", "right"]);
    assert.deepEqual([pointing("turn_left", false), pointing("turn_right", false)], ["right", "left"]);
  });
  it("shows every other prompt, and how it ended", () => {
    assert.deepEqual(["look_up", "come_closer", null].map((prompt) => pointing(prompt, true)), ["up", "closer", "straight"]);
    assert.equal(arrowOf(followChallenge(failed, 0), true), "failed");
    assert.equal(arrowOf(followChallenge({ ...failed, state: "passed" }, 0), true), "passed");
  });
});

describe("the words", () => {
  it("say which movement it is", () => assert.equal(stepSentence(followChallenge(asked, 0)), "Movement 1 of 3"));
  it("say how many follow the first look", () => {
    assert.equal(stepSentence(followChallenge({ ...asked, prompt: null, step: 0 }, 0)), "3 movements follow");
  });
  it("stay while it runs; a result goes after a while", () => {
    assert.equal(isShown(followChallenge(asked, 0), 60_000), true);
    assert.equal(isShown(followChallenge(failed, 0), RESULT_MS - 1), true);
    assert.equal(isShown(followChallenge(failed, 0), RESULT_MS), false);
    assert.equal(isShown(null, 0), false);
  });
});

describe("asking for head movements", () => {
  it("is possible for the decisions of this question, while none run", () => {
    const state = play(decision);
    assert.equal(mayChallenge(state.decision, state), true);
    assert.equal(mayChallenge(state.decision, advance(state, { ...asked, now: 0 })), false);
    assert.equal(mayChallenge(state.decision, advance(state, { ...failed, now: 0 })), true);
    assert.equal(mayChallenge(state.decision, advance(state, { type: "mode", mode: "verify" })), false);
  });
  it("is not possible for an attack", () => {
    const state = play({ ...decision, verdict: "attack" });
    assert.equal(mayChallenge(state.decision, state), false);
  });
  it("tells on the card why it failed, on that of the same face only", () => {
    const state = play(decision, { ...failed, now: 0 });
    assert.equal(failureOf(state.decision, state), "Too late.");
    assert.equal(failureOf({ ...state.decision, track: 4 }, state), "");
    assert.equal(failureOf({ ...state.decision, reasons: [state.challenge.code] }, state), "", "the decision says so itself");
    assert.equal(failureOf(state.decision, play(decision, { ...asked, now: 0 })), "");
  });
  it("ends with the camera, and with another question", () => {
    assert.equal(play(decision, { ...asked, now: 0 }, { type: "stopped" }).challenge, null);
    assert.equal(play(decision, { ...asked, now: 0 }, { type: "again" }).challenge, null);
    assert.notEqual(play(decision, { ...asked, now: 0 }, { type: "stale" }).challenge, null);
  });
});
