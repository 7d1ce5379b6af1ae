// Numbers as operators read them. A score stays a score: cosine, never a percentage.

import { gettext, interpolate, language, ngettext } from "./words.js";

export const VERDICTS = {
  match: gettext("Match"),
  non_match: gettext("No match"),
  attack: gettext("Attack"),
  uncertain: gettext("Uncertain"),
  pending: gettext("Looking"),
};

/** What rates are measured on, as the server names it; a model pack may name something else. */
const POPULATIONS = {
  "on LFW": gettext("on LFW"),
  "on LFW (by other models)": gettext("on LFW (by other models)"),
  "on this site's own labelled pairs": gettext("on this site's own labelled pairs"),
  "in this site's own gallery": gettext("in this site's own gallery"),
};

/** For Intl: the page's language, with the digits and the order of days that all pages have. */
export function locale() {
  return `${language() === "en" ? "en-GB" : language()}-u-nu-latn`;
}

/** @param {number|null} digits decimals; null: up to three, as many as it has. */
export function formatNumber(number, digits = null) {
  const exactly = digits === null ? {} : { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return number.toLocaleString(locale(), exactly);
}

/** @param {number} share 0 to 1; it is not called whole before it is. */
export function formatPercent(share) {
  return (Math.floor(share * 100) / 100).toLocaleString(locale(), { style: "percent" });
}

export function formatScore(score, digits = 2) {
  if (score === null || score === undefined) return "–";
  const rounded = Number(score.toFixed(digits));
  return `${rounded < 0 ? "\u2212" : ""}${formatNumber(Math.abs(rounded), digits)}`;
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
  if (alarms > 0 && alarms < 0.01) return interpolate(gettext("fewer than %(number)s"), { number: formatNumber(0.01) });
  return formatNumber(Number(alarms.toPrecision(2)));
}

/** 1 / rate, rounded to two significant digits: "1 in 830". */
export function oneIn(rate) {
  if (!(rate > 0)) return gettext("none");
  const count = 1 / Math.min(rate, 1);
  const step = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1);
  return interpolate(gettext("1 in %(number)s"), { number: formatNumber(Math.round(count / step) * step) });
}

/**
 * What the threshold stands for, for a stranger in front of the camera. In a search every enrolled person is one more
 * chance: 1 - (1 - FMR)^people (independent comparisons). `population`: what the rate was measured on ("on LFW").
 */
export function strangersSentence(fmr, people = 1, population = "") {
  const values = { population: POPULATIONS[population] ?? population, people: formatNumber(people) };
  if (people <= 1) return interpolate(passSentence(population), { ...values, rate: oneIn(fmr) });
  return interpolate(passAsSentence(population, people), { ...values, alarms: falseAlarms(fmr, people) });
}

function passSentence(population) {
  if (!population) return gettext("At this threshold about %(rate)s strangers would pass.");
  return gettext("At this threshold about %(rate)s strangers would pass, by the rate measured %(population)s.");
}

function passAsSentence(population, people) {
  if (!population) {
    return ngettext(
      "At this threshold about %(alarms)s of 1,000 strangers would pass as the %(people)s person enrolled.",
      "At this threshold about %(alarms)s of 1,000 strangers would pass as one of the %(people)s people enrolled.",
      people,
    );
  }
  return ngettext(
    "At this threshold about %(alarms)s of 1,000 strangers would pass as the %(people)s person enrolled, by the rate measured %(population)s.",
    "At this threshold about %(alarms)s of 1,000 strangers would pass as one of the %(people)s people enrolled, by the rate measured %(population)s.",
    people,
  );
}

export function formatMs(ms) {
  if (ms < 1000) return interpolate(gettext("%(number)s ms"), { number: formatNumber(Math.round(ms)) });
  return interpolate(gettext("%(number)s s"), { number: formatNumber(ms / 1000, 1) });
}

/** One or two letters for an avatar. */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  if (!words.length) return "?";
  const letters = words.length === 1 ? [...words[0]].slice(0, 2) : [[...words[0]][0], [...words.at(-1)][0]];
  return letters.join("").toLocaleUpperCase();
}
