import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { labelOf, rateOf, spokenDecision, thresholdSentence } from "../../static/js/core/explain.js";

const ada = { id: "3f2b", name: "Ada" };

describe("thresholdSentence", () => {
  const hello = { fmr: 0.0001, gallery: { people: 100 } };
  it("depends on the question", () => {
    assert.match(thresholdSentence(hello, "verify"), /1 in 10,000/);
    assert.match(thresholdSentence(hello, "identify"), /about 10 of 1,000 strangers.*100 people/);
  });
  it("goes by the decision's own rate, which a claim and a search do not share", () => {
    assert.match(thresholdSentence({ ...hello, fmr: 1 / 32500 }, "verify", { fmr: 0.0001 }), /about 1 in 10,000 strangers/);
  });
  it("is silent before the server has said hello", () => assert.equal(thresholdSentence(null, "identify"), ""));
});

describe("rateOf", () => {
  const hello = { fmr: 0.0001, population: "on LFW", gallery: { people: 100 } };
  const decision = { mode: "verify", fmr: 0.001, population: "in this site's own gallery", reasons: [] };
  it("is the rate of the decision's threshold", () => assert.match(rateOf(decision, hello), /1 in 1,000 strangers.*in this site's own gallery/));
  it("is silent about a threshold that was raised for this face", () => {
    assert.equal(rateOf({ ...decision, reasons: ["threshold_raised"] }, hello), "");
  });
});

describe("spokenDecision", () => {
  const card = { headline: "This is Ada", facts: [{ label: "Comparison", text: "0.631 reaches 0.310" }], reasons: [] };
  it("says the verdict and about whom, without the numbers", () => {
    assert.equal(spokenDecision({ verdict: "match", card }), "Match. This is Ada.");
  });
  it("says why, where there is a reason", () => {
    const reasons = ["Two people are almost equally similar.", "Check in another way."];
    const words = spokenDecision({ verdict: "uncertain", card: { headline: "It cannot be said who this is", reasons } });
    assert.equal(words, "Uncertain. It cannot be said who this is. Two people are almost equally similar. Check in another way.");
  });
});

describe("labelOf", () => {
  it("uses the word of the badge for uncertain", () => {
    assert.equal(labelOf({ verdict: "uncertain", comparison_score: 0.3 }, 0.31).title, "Uncertain");
  });
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
