// What the page adds to a decision's own words, which the server writes (verification/cards.py).

import { formatCount, formatPair, strangersSentence } from "./format.js";

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
