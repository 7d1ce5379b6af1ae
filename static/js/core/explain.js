// What the page adds to a decision's own words, which the server writes (verification/cards.py).

import { VERDICTS, formatNumber, formatPair, strangersSentence } from "./format.js";
import { gettext, interpolate, ngettext } from "./words.js";

/**
 * What a match at this threshold is worth, for the question that was asked. The third value, a decision, has the rate
 * of its own threshold and what that was measured on. The rate in `hello` is that of a search: once many people are
 * enrolled it is stricter than that of one comparison.
 */
export function thresholdSentence(hello, mode, { fmr, population } = hello ?? {}) {
  if (!hello) return "";
  return strangersSentence(fmr, mode === "identify" ? Math.max(1, hello.gallery.people) : 1, population);
}

/** The same for a decision. Empty when a recorded wrong match had raised its threshold: no rate stands for that one. */
export function rateOf(decision, hello) {
  if (["threshold_raised", "known_confusion"].some((code) => decision.reasons.includes(code))) return "";
  return thresholdSentence(hello, decision.mode, decision);
}

/** What a screen reader says of a decision: the verdict, about whom, and why. The numbers can be read on the card. */
export function spokenDecision({ verdict, card: { headline, reasons } }) {
  const said = interpolate(gettext("%(verdict)s. %(headline)s."), { verdict: VERDICTS[verdict], headline });
  return [said, ...reasons].join(" ");
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
    const frames = interpolate(ngettext("%(count)s frame", "%(count)s frames", seen), { count: formatNumber(seen) });
    return { title: gettext("Looking…"), detail: seen ? frames : "" };
  }
  if (face.verdict === "match") return { title: face.person?.name ?? VERDICTS.match, detail: numbers };
  if (face.verdict === "attack") return { title: gettext("Not a live face"), detail: "" };
  if (face.verdict === "uncertain") return { title: VERDICTS.uncertain, detail: numbers };
  return { title: VERDICTS.non_match, detail: numbers };
}
