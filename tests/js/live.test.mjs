import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { EMPTY_MS, FADE_MS, HISTORY_LENGTH, advance, cardOf as cardAt, configureMessage, mayEnrolVisitor, newLive } from "../../static/js/core/live.js";

const NOW = 100000;
const cardOf = (state, now = NOW) => cardAt(state, now);
const play = (...events) => events.reduce(advance, newLive());
const hello = { type: "hello", fmr: 0.0001, match_threshold: 0.31, gallery: { people: 12, templates: 60 } };
const ada = { id: "3f2b", name: "Ada" };
const pending = { track: 3, box_xyxy: [0, 0, 100, 120], verdict: "pending", runner_up: 0.12, quality: { score: 0.8, reasons: ["blurred"] } };
const result = (...faces) => ({ type: "result", seq: 1, dropped: 0, image: [640, 480], faces, match_threshold: 0.31, now: NOW });
const decision = { type: "decision", track: 3, verdict: "match", person: ada, comparison_score: 0.63, match_threshold: 0.31, at: 5, now: NOW };

describe("configureMessage", () => {
  it("identifies from the start", () => assert.deepEqual(configureMessage(newLive()), { type: "configure", mode: "identify" }));
  it("waits for a person before it verifies", () => {
    const choosing = play({ type: "mode", mode: "verify" });
    assert.equal(configureMessage(choosing), null);
    assert.deepEqual(configureMessage(advance(choosing, { type: "claimed", person: ada })), {
      type: "configure",
      mode: "verify",
      person: "3f2b",
    });
  });
});

describe("the card", () => {
  it("asks for a person first in verify mode", () => assert.equal(cardOf(play(hello, { type: "mode", mode: "verify" })).kind, "choose"));
  it("says that nobody is enrolled", () => {
    assert.equal(cardOf(play({ ...hello, gallery: { people: 0, templates: 0 } })).kind, "empty");
  });
  it("tells nobody from somebody being looked at", () => {
    assert.equal(cardOf(play(hello, result())).kind, "nobody");
    assert.equal(cardOf(play(hello, result(pending))).kind, "looking");
  });
  it("shows a decision until another question is asked", () => {
    const decided = play(hello, result(pending), decision, result());
    assert.equal(cardOf(decided).kind, "decision");
    assert.equal(cardOf(advance(decided, { type: "again" })).kind, "nobody");
    assert.equal(cardOf(advance(decided, { type: "mode", mode: "verify" })).kind, "choose");
  });
});

describe("the card with several people in the picture", () => {
  const small = { ...pending, track: 4, box_xyxy: [300, 0, 350, 60], verdict: "non_match" };
  const stranger = { ...decision, track: 4, verdict: "non_match", person: null, comparison_score: 0.05 };
  const shown = (state) => cardOf(state).decision?.track;

  it("is about the largest face, whoever was decided last", () => {
    const big = { ...pending, verdict: "match" };
    assert.equal(shown(play(hello, result(small, big), decision, stranger)), 3);
  });
  it("is about the next person once the first has left", () => {
    assert.equal(shown(play(hello, result(pending), decision, result(small), stranger)), 4);
  });
  it("looks again when somebody new is in front", () => {
    const newcomer = { ...pending, track: 5 };
    assert.equal(cardOf(play(hello, result(pending), decision, result(newcomer))).kind, "looking");
  });
  it("stays with the person it showed last once everybody has left", () => {
    const big = { ...pending, verdict: "match" };
    assert.equal(shown(play(hello, result(small, big), decision, stranger, result(small, big), result())), 3);
  });
  it("does not show an earlier verdict over a face whose own is on its way", () => {
    const decided = { ...pending, track: 5, verdict: "non_match" };
    assert.equal(cardOf(play(hello, result(pending), decision, result(decided))).kind, "looking");
  });
  it("knows the decision on every face of a crowd", () => {
    const others = Array.from({ length: 30 }, (_, number) => ({ ...decision, track: 10 + number }));
    assert.equal(shown(play(hello, decision, ...others, result(pending))), 3);
  });
  it("mixes no tracks of different questions", () => {
    const asked = play(hello, result(pending), decision, { type: "again" }, result(pending));
    assert.equal(cardOf(asked).kind, "looking", "track 3 of the new question is nobody decided yet");
  });
});

describe("a verdict", () => {
  const left = play(hello, result(pending), decision, result(pending), result());
  const away = (after) => cardOf(left, NOW + after).away;

  it("stays as it is for a moment: a face may be lost for a few frames", () => assert.equal(away(FADE_MS - 1), null));
  it("then says how long its face has been gone", () => assert.equal(away(12400), 12));
  it("goes with its face", () => assert.equal(cardOf(left, NOW + EMPTY_MS).kind, "nobody"));
  it("is fresh again when the same face comes back", () => {
    const back = advance(left, { ...result(pending), now: NOW + 9000 });
    assert.equal(cardOf(back, NOW + 9000).away, null);
    assert.equal(cardOf(advance(back, { ...result(), now: NOW + 9100 }), NOW + 9500).away, null);
  });
  it("does not outlive the connection that it came over", () => {
    assert.equal(cardOf(advance(left, { type: "lost" })).kind, "nobody");
  });
});

describe("frames", () => {
  const asked = play(hello, { type: "configured" });

  it("wait until the server knows the question", () => {
    assert.equal(play(hello).asked, false);
    assert.equal(asked.asked, true);
  });
  it("wait for the next hello after a lost connection", () => {
    const lost = advance(asked, { type: "lost" });
    assert.equal(lost.asked, false);
    assert.equal(lost.hello, null);
    assert.equal(advance(lost, hello).asked, false);
  });
  it("wait while the question was refused", () => assert.equal(advance(asked, { type: "refused" }).asked, false));
});

describe("a decision", () => {
  it("remembers who was claimed", () => {
    const state = play(hello, { type: "mode", mode: "verify" }, { type: "claimed", person: ada }, decision);
    assert.equal(state.history[0].claimed.name, "Ada");
    assert.equal(state.history[0].mode, "verify");
  });
  it("stays in the list, newest first, and the list stays short", () => {
    const many = Array.from({ length: HISTORY_LENGTH + 3 }, (_, at) => ({ ...decision, at }));
    const state = play(hello, ...many, { type: "mode", mode: "verify" });
    assert.equal(state.history.length, HISTORY_LENGTH);
    assert.equal(state.history[0].at, HISTORY_LENGTH + 2);
  });
});

describe("a stopped camera", () => {
  it("leaves no box behind and keeps the answer", () => {
    const state = play(hello, result(pending), decision, { type: "stopped" });
    assert.deepEqual(state.faces, []);
    assert.equal(cardOf(state).kind, "decision");
  });
});

describe("the offer to enrol a visitor", () => {
  const stranger = { verdict: "non_match", mode: "identify", liveness: { verdict: "bona_fide" } };

  it("is made where nobody enrolled has the face", () => {
    assert.ok(mayEnrolVisitor(stranger));
    assert.ok(mayEnrolVisitor({ ...stranger, liveness: { verdict: "not_checked" } }));
  });
  it("is not made of an attack, of a doubt, of a match or of a denied claim", () => {
    for (const verdict of ["attack", "uncertain", "match"]) assert.ok(!mayEnrolVisitor({ ...stranger, verdict }), verdict);
    assert.ok(!mayEnrolVisitor({ ...stranger, mode: "verify" }));
  });
  it("is not made of what looks like an attack where liveness only advises", () => {
    assert.ok(!mayEnrolVisitor({ ...stranger, liveness: { verdict: "attack" } }));
  });
});
