// Numbers as operators read them. A score stays a score: cosine, never a percentage.

export const VERDICTS = {
  match: "Match",
  non_match: "No match",
  attack: "Attack",
  uncertain: "Uncertain",
  pending: "Looking",
};

export function formatScore(score, digits = 2) {
  if (score === null || score === undefined) return "–";
  const text = score.toFixed(digits);
  return Number(text) === 0 ? (0).toFixed(digits) : text.replace("-", "\u2212");
}

/** Score and threshold with as many digits as it takes to see which one is larger. */
export function formatPair(score, threshold) {
  let digits = 2;
  if (score !== null && score !== undefined) {
    while (digits < 4 && score !== threshold && score.toFixed(digits) === threshold.toFixed(digits)) digits += 1;
  }
  return { score: formatScore(score, digits), threshold: formatScore(threshold, digits) };
}

/** Out of 1,000 strangers, how many a search among so many people is expected to name: 1000 * (1 - (1 - FMR)^people). */
export function falseAlarms(fmr, people) {
  const alarms = -1000 * Math.expm1(people * Math.log1p(-Math.min(fmr, 1)));
  if (alarms > 0 && alarms < 0.01) return "fewer than 0.01";
  return Number(alarms.toPrecision(2)).toLocaleString("en");
}

/** 1 / rate, rounded to two significant digits: "1 in 830". */
export function oneIn(rate) {
  if (!(rate > 0)) return "none";
  const count = 1 / Math.min(rate, 1);
  const step = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1);
  return `1 in ${(Math.round(count / step) * step).toLocaleString("en")}`;
}

/**
 * What the threshold stands for, for a stranger in front of the camera. In a search every enrolled person is one more
 * chance: 1 - (1 - FMR)^people (independent comparisons). `population`: what the rate was measured on ("on LFW").
 */
export function strangersSentence(fmr, people = 1, population = "") {
  const source = population ? `, by the rate measured ${population}` : "";
  if (people <= 1) return `At this threshold about ${oneIn(fmr)} strangers would pass${source}.`;
  return `At this threshold about ${falseAlarms(fmr, people)} of 1,000 strangers would pass as one of the ${people.toLocaleString("en")} people enrolled${source}.`;
}

export function formatMs(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function formatCount(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** One or two letters for an avatar. */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  if (!words.length) return "?";
  const letters = words.length === 1 ? [...words[0]].slice(0, 2) : [[...words[0]][0], [...words.at(-1)][0]];
  return letters.join("").toLocaleUpperCase();
}
