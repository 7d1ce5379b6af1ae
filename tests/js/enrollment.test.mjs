import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  STUCK_MS,
  advance,
  arrowFor,
  canFinish,
  finishLabel,
  guideMood,
  hasUnsaved,
  instruction,
  isComplete,
  newEnrollment,
  newPerson,
  poorQuality,
  stuckOn,
  wantsFrames,
} from "../../static/js/core/enrollment.js";

const play = (...events) => events.reduce(advance, newEnrollment());
const began = { type: "began" };
const captured = (sample, pose = "front") => ({ type: "captured", sample, pose, thumbnail: "data:", quality: { score: 0.8 } });
const five = [1, 2, 3, 4, 5].map((sample) => captured(sample));

const asks = (guidance, now) => ({ type: "result", guidance, message: "", needed: 5, now });

describe("a new person", () => {
  const fields = (...entries) => entries.reduce((form, [name, value]) => (form.append(name, value), form), new FormData());

  it("is told without what was left empty", () => {
    const empty = fields(["name", " Ada "], ["external_id", " "], ["valid_from", ""], ["valid_until", ""]);
    assert.deepEqual(newPerson(empty), { name: "Ada" });
  });

  it("comes with the days and every group that has a tick", () => {
    const told = newPerson(fields(["name", "Ada"], ["external_id", "17"], ["valid_until", "2026-03-05"], ["groups", "a"], ["groups", "b"]));
    assert.deepEqual(told, { name: "Ada", external_id: "17", valid_until: "2026-03-05", groups: ["a", "b"] });
  });
});

describe("a capture without a new sample", () => {
  const waiting = play(began, captured(1), asks("turn_left", 1000));

  it("offers another way after a while", () => {
    assert.equal(stuckOn(waiting, 1000 + STUCK_MS - 1), null);
    assert.equal(stuckOn(waiting, 1000 + STUCK_MS), "turn");
    assert.equal(stuckOn(advance(waiting, asks("too_dark", 5000)), 1000 + STUCK_MS), "other");
  });
  it("starts counting anew with every sample and every answer", () => {
    assert.equal(stuckOn(advance(waiting, captured(2)), 1000 + STUCK_MS), null);
    assert.equal(stuckOn(advance(waiting, { type: "skipped" }), 1000 + STUCK_MS), null);
  });
  it("has nothing to offer while nothing is taken, and needs nothing once all is", () => {
    assert.equal(stuckOn(play(began, asks("turn_left", 0)), STUCK_MS), null);
    assert.equal(stuckOn(play(began, ...five, asks("done", 0)), STUCK_MS), null);
  });
});

describe("the quality of what would be saved", () => {
  const poor = { ...captured(1), quality: { score: 0.2 } };
  it("is said where the best sample is poor", () => assert.equal(poorQuality(play(began, poor)), 0.2));
  it("is no matter where one sample is good, or none is taken", () => {
    assert.equal(poorQuality(play(began, poor, captured(2))), null);
    assert.equal(poorQuality(play(began)), null);
  });
});

describe("an enrollment", () => {
  it("starts with the details and sends no frame", () => {
    assert.equal(newEnrollment().step, "details");
    assert.equal(wantsFrames(newEnrollment()), false);
  });

  it("wants frames until there are as many samples as needed", () => {
    assert.equal(wantsFrames(play(began)), true);
    assert.equal(wantsFrames(play(began, ...five.slice(0, 4))), true);
    assert.equal(wantsFrames(play(began, ...five)), false);
    assert.equal(isComplete(play(began, ...five)), true);
  });

  it("keeps the connection alive while unsaved pictures wait", () => {
    assert.equal(wantsFrames(play(began, ...five), 1000), false);
    assert.equal(wantsFrames(play(began, ...five), 20_000), true);
    assert.equal(wantsFrames(newEnrollment(), 20_000), false);
  });

  it("shows the server's sentence, and its number of needed samples counts", () => {
    const state = play(began, { type: "result", guidance: "face_too_small", message: "Move closer.", captured: 0, needed: 3 });
    assert.equal(instruction(state), "Move closer.");
    assert.equal(state.needed, 3);
    assert.equal(guideMood(state), "adjust");
  });

  it("may be saved from the first sample on", () => {
    assert.equal(canFinish(play(began)), false);
    assert.equal(canFinish(play(began, captured(1))), true);
    assert.equal(finishLabel(play(began, captured(1))), "Save with 1 sample");
    assert.equal(finishLabel(play(began, captured(1), captured(2), captured(3))), "Save with 3 samples");
  });

  it("keeps which samples were set aside, and the sentence about them", () => {
    const enrolled = { type: "enrolled", person: { id: "1", name: "Ada" }, samples: 5, set_aside: [3], message: "One picture does not fit." };
    const state = play(began, ...five, { type: "finishing" }, enrolled);
    assert.deepEqual(state.setAside, [3]);
    assert.equal(state.message, "One picture does not fit.");
    assert.deepEqual(play(began, ...five, { type: "enrolled", person: {}, samples: 5 }).setAside, []);
  });

  it("takes a discarded sample away and goes on capturing", () => {
    const state = play(began, ...five, { type: "discarded", sample: 2 });
    assert.deepEqual(state.samples.map((sample) => sample.sample), [1, 3, 4, 5]);
    assert.equal(wantsFrames(state), true);
  });

  it("keeps one sample per number", () => {
    assert.equal(play(began, captured(1), captured(1, "left")).samples.length, 1);
  });

  it("asks about a possible duplicate, and can go back or insist", () => {
    const candidates = [{ person: { id: "x", name: "Ada" }, comparison_score: 0.71 }];
    const asked = play(began, captured(1), { type: "finishing" }, { type: "possible_duplicate", candidates });
    assert.equal(asked.step, "duplicate");
    assert.equal(hasUnsaved(asked), true);
    assert.equal(advance(asked, { type: "reconsidered" }).step, "capturing");
    assert.equal(advance(asked, { type: "reconsidered" }).samples.length, 1);
    assert.equal(advance(asked, { type: "finishing" }).step, "saving");
  });

  it("ends with the person that was saved", () => {
    const state = play(began, captured(1), { type: "finishing" }, {
      type: "enrolled",
      person: { id: "x", name: "Ada" },
      samples: 1,
    });
    assert.equal(state.step, "done");
    assert.equal(state.person.name, "Ada");
    assert.equal(state.saved, 1);
    assert.equal(hasUnsaved(state), false);
  });

  it("returns to capturing with the reason when saving is refused", () => {
    const state = play(began, captured(1), { type: "finishing" }, { type: "refused", message: "That number is taken." });
    assert.equal(state.step, "capturing");
    const later = advance(state, { type: "result", guidance: "hold_still", message: "Hold still." });
    assert.equal(later.notice, "That number is taken.", "a frame's answer must not wipe it away");
    assert.equal(advance(later, { type: "finishing" }).notice, "");
    assert.equal(canFinish(state), true);
  });

  it("cannot be saved twice while it is being saved", () => {
    assert.equal(canFinish(play(began, captured(1), { type: "finishing" })), false);
  });

  it("says so when a lost connection took unsaved pictures with it", () => {
    const state = play(began, captured(1), { type: "disconnected" });
    assert.equal(state.samples.length, 0);
    assert.equal(state.step, "capturing");
    assert.match(state.notice, /connection was lost/);
    assert.equal(advance(state, { type: "disconnected" }).notice, state.notice, "a second failure takes nothing back");
    assert.equal(play(began, { type: "disconnected" }).notice, "");
    assert.equal(play({ type: "disconnected" }).step, "details");
  });

  it("forgets everything when cancelled", () => {
    assert.deepEqual(play(began, captured(1), { type: "cancelled" }), newEnrollment());
  });

  it("ignores late answers and unknown events", () => {
    const done = play(began, captured(1), { type: "finishing" }, { type: "enrolled", person: { id: "x", name: "A" }, samples: 1 });
    assert.equal(advance(done, { type: "result", guidance: "no_face", message: "?" }), done);
    assert.equal(advance(done, captured(9)), done);
    assert.equal(advance(done, { type: "toString" }), done);
  });
});

describe("the guide", () => {
  it("points the way the person sees it in a mirror", () => {
    assert.equal(arrowFor("turn_left", true), "left");
    assert.equal(arrowFor("turn_right", true), "right");
  });
  it("points the other way in a preview that is not mirrored", () => {
    assert.equal(arrowFor("turn_left", false), "right");
    assert.equal(arrowFor("turn_right", false), "left");
  });
  it("has no arrow for anything else", () => assert.equal(arrowFor("hold_still", true), null));
  it("is done when all samples are there", () => assert.equal(guideMood(play(began, ...five)), "done"));
});
