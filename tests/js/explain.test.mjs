import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  factsOf,
  headline,
  labelOf,
  reasonSentences,
  scoreSentence,
  thresholdSentence,
} from "../../static/js/core/explain.js";

const ada = { id: "3f2b", name: "Ada" };

describe("headline", () => {
  it("names whom a search found", () => assert.equal(headline({ verdict: "match", person: ada, mode: "identify" }), "This is Ada"));
  it("names nobody for a stranger", () => {
    assert.equal(headline({ verdict: "non_match", person: null, mode: "identify" }), "Nobody who is enrolled");
  });
  it("answers a claim with yes, no or not sure", () => {
    const words = ["match", "non_match", "uncertain"].map((verdict) =>
      headline({ verdict, person: null, claimed: ada, mode: "verify" }),
    );
    assert.deepEqual(words, ["Yes, this is Ada", "No, this is not Ada", "It cannot be said whether this is Ada"]);
  });
  it("names nobody when the liveness check fails", () => {
    assert.equal(headline({ verdict: "attack", person: ada, mode: "identify" }), "Not a live face");
  });
});

describe("scoreSentence", () => {
  it("compares inclusively at the threshold", () => {
    assert.equal(
      scoreSentence({ comparison_score: 0.31, match_threshold: 0.31 }),
      "The comparison score 0.31 reaches the threshold 0.31.",
    );
    assert.match(scoreSentence({ comparison_score: 0.309, match_threshold: 0.31 }), /0\.309 stays below the threshold 0\.310/);
  });
  it("says when there was nobody to compare with", () => {
    assert.match(scoreSentence({ comparison_score: null, match_threshold: 0.31 }), /nobody/);
  });
});

describe("factsOf", () => {
  const decision = {
    mode: "identify",
    comparison_score: 0.63,
    runner_up: 0.12,
    frames: { agreed: 4, seen: 5 },
    liveness: { verdict: "bona_fide", score: 0.98 },
    quality: { score: 0.81, reasons: [] },
  };
  it("lists everything that the answer rests on", () => {
    assert.deepEqual(factsOf(decision), [
      ["Next best person", "0.12, a lead of 0.51"],
      ["Frames that agree", "4 of 5"],
      ["Liveness", "Live person (0.98)"],
      ["Picture quality", "0.81"],
    ]);
  });
  it("has no runner-up for a claim about one person", () => {
    assert.equal(factsOf({ ...decision, mode: "verify" })[0][0], "Frames that agree");
  });
});

describe("reasonSentences", () => {
  it("says each reason once, in words", () => {
    const decision = { reasons: ["blurred", "too_dark"], quality: { reasons: ["blurred"] } };
    assert.deepEqual(reasonSentences(decision, { blurred: "Hold still.", too_dark: "More light." }), ["Hold still.", "More light."]);
  });
  it("hides no code that has no sentence", () => {
    assert.deepEqual(reasonSentences({ reasons: ["margin_too_small"] }, {}), ["margin too small"]);
  });
});

describe("thresholdSentence", () => {
  const hello = { fmr: 0.0001, gallery: { people: 100 } };
  it("depends on the question", () => {
    assert.match(thresholdSentence(hello, "verify"), /1 in 10,000/);
    assert.match(thresholdSentence(hello, "identify"), /1 in 100 strangers.*100 people/);
  });
  it("is silent before the server has said hello", () => assert.equal(thresholdSentence(null, "identify"), ""));
});

describe("labelOf", () => {
  it("shows the name with score and threshold", () => {
    assert.deepEqual(labelOf({ verdict: "match", person: ada, comparison_score: 0.63 }, 0.31), {
      title: "Ada",
      detail: "0.63 / 0.31",
    });
  });
  it("never names anybody unless it is a match", () => {
    for (const verdict of ["non_match", "uncertain", "attack", "pending"]) {
      assert.doesNotMatch(labelOf({ verdict, person: ada, comparison_score: 0.2 }, 0.31).title, /Ada/);
    }
  });
});
