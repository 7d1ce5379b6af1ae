import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { policyAt, predictionSentence, rateWords } from "../../static/js/core/calibration.js";

const choices = [
  { rate: "0.001", label: "1 in 1,000", threshold: 0.334 },
  { rate: "0.0001", label: "1 in 10,000", threshold: 0.401 },
  { rate: "0.00001", label: "1 in 100,000", threshold: 0.463 },
];

describe("policyAt", () => {
  it("is the strictest policy whose threshold is reached, inclusively", () => {
    assert.equal(policyAt(0.401, choices).rate, "0.0001");
    assert.equal(policyAt(0.4009, choices).rate, "0.001");
    assert.equal(policyAt(0.9, choices).rate, "0.00001");
  });
  it("is the loosest one below them all", () => assert.equal(policyAt(0, choices).rate, "0.001"));
  it("does not depend on the order", () => assert.equal(policyAt(0.42, choices.toReversed()).rate, "0.0001"));
});

describe("rateWords", () => {
  it("gives the rate with what it was counted on", () => assert.equal(rateWords(3, 2500), "0.12 % (3 of 2,500)"));
  it("promises no zero where no error was seen", () => {
    assert.equal(rateWords(0, 300), "none seen (0 of 300), so less than 1 %");
    assert.equal(rateWords(0, 1), "none seen (0 of 1), so less than 100 %");
  });
  it("does not divide by nothing", () => assert.match(rateWords(0, 0), /not known/));
});

describe("predictionSentence", () => {
  it("tells both errors and the policy that comes nearest", () => {
    const row = { threshold: 0.41, false_matches: 2, false_non_matches: 1 };
    assert.equal(
      predictionSentence(row, { mated: 50, non_mated: 1000, choices }),
      "Wrong matches: 0.2 % (2 of 1,000). Missed: 2 % (1 of 50). The nearest policy is 1 in 10,000 at 0.401; it is chosen below.",
    );
  });
});
