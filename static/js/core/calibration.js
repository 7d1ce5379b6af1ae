// What a threshold would have done with the site's own comparisons, in words.

/** The policy for a threshold: the strictest policy whose own threshold it reaches, else the loosest. */
export function policyAt(threshold, choices) {
  const byThreshold = [...choices].sort((a, b) => a.threshold - b.threshold);
  return byThreshold.findLast((choice) => threshold >= choice.threshold - 1e-9) ?? byThreshold[0];
}

/** "0.12 % (3 of 2,500)". Without an error the "rule of three" holds: the rate is below 3 / n with 95 % confidence. */
export function rateWords(errors, comparisons) {
  if (!comparisons) return "not known (nothing to compare)";
  const counted = `${errors.toLocaleString("en")} of ${comparisons.toLocaleString("en")}`;
  if (!errors) return `none seen (${counted}), so less than ${percent(Math.min(1, 3 / comparisons))}`;
  return `${percent(errors / comparisons)} (${counted})`;
}

export function predictionSentence(row, { mated, non_mated: nonMated, choices }) {
  const nearest = policyAt(row.threshold, choices);
  return (
    `Wrong matches: ${rateWords(row.false_matches, nonMated)}. Missed: ${rateWords(row.false_non_matches, mated)}. ` +
    `The nearest policy is ${nearest.label} at ${nearest.threshold.toFixed(3)}; it is chosen below.`
  );
}

function percent(rate) {
  return `${Number((rate * 100).toPrecision(2))} %`;
}
