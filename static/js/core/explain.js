// A decision in words: what was answered and what it rests on.

import { formatCount, formatLiveness, formatPair, formatScore, strangersSentence } from "./format.js";

/** The same words as verification/cards.py uses in the history. */
export function headline({ verdict, person, mode, claimed }) {
  const verify = mode === "verify";
  const name = (verify ? claimed?.name : person?.name) ?? "an erased person";
  if (verdict === "match") return verify ? `Yes, this is ${name}` : `This is ${name}`;
  if (verdict === "non_match") return verify ? `No, this is not ${name}` : "Nobody who is enrolled";
  if (verdict === "attack") return "Not a live face";
  return verify ? `It cannot be said whether this is ${name}` : "It cannot be said who this is";
}

/** Score against threshold in one sentence; it never says more than the numbers do. */
export function scoreSentence({ comparison_score: score, match_threshold: threshold }) {
  if (score === null || score === undefined) return "There was nobody to compare with.";
  const shown = formatPair(score, threshold);
  if (score >= threshold) return `The comparison score ${shown.score} reaches the threshold ${shown.threshold}.`;
  return `The comparison score ${shown.score} stays below the threshold ${shown.threshold}.`;
}

/** The facts under the headline: [label, value] pairs, in reading order; only what is known. */
export function factsOf(decision) {
  const { comparison_score: score, runner_up: second, frames, liveness, quality, mode } = decision;
  const facts = [];
  if (mode === "identify" && typeof second === "number") {
    const lead = typeof score === "number" ? `, a lead of ${formatScore(score - second)}` : "";
    facts.push(["Next best person", `${formatScore(second)}${lead}`]);
  }
  if (frames) facts.push(["Frames that agree", `${frames.agreed} of ${frames.seen}`]);
  facts.push(["Liveness", formatLiveness(liveness)]);
  if (typeof quality?.score === "number") facts.push(["Picture quality", formatScore(quality.score)]);
  return facts;
}

/** Reason codes as sentences, each once; a code without a sentence is shown as it is rather than hidden. */
export function reasonSentences(decision, sentences) {
  const codes = [...(decision.reasons ?? []), ...(decision.quality?.reasons ?? [])];
  return [...new Set(codes)].map((code) => sentences[code] ?? code.replaceAll("_", " "));
}

/** What a pass at this threshold is worth, for the question that was asked. */
export function thresholdSentence(hello, mode) {
  if (!hello) return "";
  return strangersSentence(hello.fmr, mode === "identify" ? Math.max(1, hello.gallery.people) : 1);
}

/** The short text beside a face's box. */
export function labelOf(face, threshold) {
  const score =
    typeof face.comparison_score === "number" && typeof threshold === "number"
      ? formatPair(face.comparison_score, threshold)
      : null;
  const numbers = score ? `${score.score} / ${score.threshold}` : "";
  if (face.verdict === "pending") {
    const seen = face.frames?.seen ?? 0;
    return { title: "Looking…", detail: seen ? formatCount(seen, "frame") : "" };
  }
  if (face.verdict === "match") return { title: face.person?.name ?? "Match", detail: numbers };
  if (face.verdict === "attack") return { title: "Not a live face", detail: "" };
  if (face.verdict === "uncertain") return { title: "Not sure", detail: numbers };
  return { title: "No match", detail: numbers };
}
