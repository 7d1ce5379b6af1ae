// What a threshold would have done with the site's own comparisons, in words.

import { formatNumber, formatScore, locale } from "./format.js";
import { gettext, interpolate } from "./words.js";

/** The policy for a threshold: the strictest policy whose own threshold it reaches, else the loosest. */
export function policyAt(threshold, choices) {
  const byThreshold = [...choices].sort((a, b) => a.threshold - b.threshold);
  return byThreshold.findLast((choice) => threshold >= choice.threshold - 1e-9) ?? byThreshold[0];
}

/** "0.12 % (3 of 2,500)". Without an error the "rule of three" holds: the rate is below 3 / n with 95 % confidence. */
export function rateWords(errors, comparisons) {
  if (!comparisons) return gettext("not known (nothing to compare)");
  const counted = { errors: formatNumber(errors), comparisons: formatNumber(comparisons) };
  if (errors) return interpolate(gettext("%(rate)s (%(errors)s of %(comparisons)s)"), { ...counted, rate: percent(errors / comparisons) });
  const none = gettext("none seen (%(errors)s of %(comparisons)s), so less than %(rate)s");
  return interpolate(none, { ...counted, rate: percent(Math.min(1, 3 / comparisons)) });
}

export function predictionSentence(row, { mated, non_mated: nonMated, choices }) {
  const nearest = policyAt(row.threshold, choices);
  return interpolate(
    gettext("Wrong matches: %(wrong)s. Missed: %(missed)s. The nearest policy is %(policy)s at %(threshold)s; it is chosen below."),
    {
      wrong: rateWords(row.false_matches, nonMated),
      missed: rateWords(row.false_non_matches, mated),
      policy: nearest.label,
      threshold: formatScore(nearest.threshold, 3),
    },
  );
}

/** All digits that there are, as the language writes them. */
const shortest = (number) => number.toLocaleString(locale(), { maximumFractionDigits: 20, useGrouping: false });

function percent(rate) {
  return `${shortest(Number((rate * 100).toPrecision(2)))} %`;
}
