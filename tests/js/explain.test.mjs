import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { labelOf, thresholdSentence } from "../../static/js/core/explain.js";

const ada = { id: "3f2b", name: "Ada" };

describe("thresholdSentence", () => {
  const hello = { fmr: 0.0001, gallery: { people: 100 } };
  it("depends on the question", () => {
    assert.match(thresholdSentence(hello, "verify"), /1 in 10,000/);
    assert.match(thresholdSentence(hello, "identify"), /about 10 of 1,000 strangers.*100 people/);
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
