import assert from "node:assert/strict";
import { describe, it } from "node:test";

import {
  falseAlarms,
  formatNumber,
  formatPercent,
  formatMs,
  formatPair,
  formatScore,
  initials,
  oneIn,
  strangersSentence,
} from "../../static/js/core/format.js";

describe("formatPercent", () => {
  it("is whole only at the end", () => {
    assert.deepEqual([0, 0.425, 0.999, 1].map(formatPercent), ["0%", "42%", "99%", "100%"]);
  });
});

describe("formatScore", () => {
  it("shows the raw cosine", () => assert.equal(formatScore(0.634), "0.63"));
  it("has a real minus sign and no negative zero", () => {
    assert.equal(formatScore(-0.12), "\u22120.12");
    assert.equal(formatScore(-0.001), "0.00");
  });
  it("has a dash where there is none", () => {
    assert.equal(formatScore(null), "–");
    assert.equal(formatScore(undefined), "–");
  });
});

describe("formatPair", () => {
  it("needs two digits as a rule", () => {
    assert.deepEqual(formatPair(0.63, 0.31), { score: "0.63", threshold: "0.31" });
  });
  it("adds digits until one sees which is larger", () => {
    assert.deepEqual(formatPair(0.3099, 0.31), { score: "0.3099", threshold: "0.3100" });
    assert.deepEqual(formatPair(0.308, 0.311), { score: "0.308", threshold: "0.311" });
  });
  it("leaves equal numbers alone", () => {
    assert.deepEqual(formatPair(0.31, 0.31), { score: "0.31", threshold: "0.31" });
  });
  it("lives without a score", () => {
    assert.deepEqual(formatPair(null, 0.31), { score: "–", threshold: "0.31" });
  });
});

describe("strangersSentence", () => {
  it("says what the false-match rate means for one comparison", () => {
    assert.equal(strangersSentence(0.0001), "At this threshold about 1 in 10,000 strangers would pass.");
  });
  it("counts every enrolled person as one more chance", () => {
    assert.equal(
      strangersSentence(0.0001, 12),
      "At this threshold about 1.2 of 1,000 strangers would pass as one of the 12 people enrolled.",
    );
  });
  it("says what the rate was measured on", () => {
    assert.match(strangersSentence(0.0001, 1, "on LFW"), /would pass, by the rate measured on LFW\.$/);
    assert.match(strangersSentence(0.0001, 12, "on LFW"), /people enrolled, by the rate measured on LFW\.$/);
  });
  it("never promises more than certainty", () => {
    assert.match(strangersSentence(0.5, 1000), /about 1,000 of 1,000 strangers/);
  });
});

describe("falseAlarms", () => {
  it("is 1000 * (1 - (1 - FMR)^people), to two digits", () => {
    assert.equal(falseAlarms(0.0001, 1), "0.1");
    assert.equal(falseAlarms(0.0001, 20), "2");
    assert.equal(falseAlarms(0.001, 500), "390");
  });
  it("is never rounded down to nobody", () => assert.equal(falseAlarms(1e-9, 5), "fewer than 0.01"));
  it("is nobody where nobody is enrolled", () => assert.equal(falseAlarms(0.001, 0), "0"));
});

describe("oneIn", () => {
  it("rounds to two significant digits", () => {
    assert.equal(oneIn(1 / 833.9), "1 in 830");
    assert.equal(oneIn(0.001), "1 in 1,000");
    assert.equal(oneIn(0.3), "1 in 3");
  });
  it("says none for a rate of zero", () => assert.equal(oneIn(0), "none"));
});

describe("small words", () => {
  it("writes times", () => {
    assert.equal(formatMs(84.6), "85 ms");
    assert.equal(formatMs(1540), "1.5 s");
  });
  it("counts", () => {
    assert.equal(formatNumber(1), "1");
    assert.equal(formatNumber(1200), "1,200");
    assert.equal(formatNumber(0.5, 3), "0.500");
  });
  it("makes initials of any name", () => {
    assert.equal(initials("Ada Lovelace"), "AL");
    assert.equal(initials("  Grace   Brewster Hopper "), "GH");
    assert.equal(initials("Madonna"), "MA");
    assert.equal(initials("李 小龙"), "李小");
    assert.equal(initials("  "), "?");
  });
});
