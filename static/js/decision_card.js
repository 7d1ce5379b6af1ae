// What the live page says about a decision, and the list of the last decisions.

import { rateOf } from "./core/explain.js";
import { VERDICTS, formatPair } from "./core/format.js";
import { timeIn } from "./core/zone.js";
import { el, icon, withUuid } from "./dom.js";
import { drawScale } from "./scale.js";

export function badge(verdict) {
  return el("span", { class: `badge badge--${verdict}` }, icon(verdict), VERDICTS[verdict]);
}

const timeOf = (at) => timeIn(document.body.dataset.zone, at);

/**
 * The card's children for a decision. `onAgain` asks the server to decide anew. `onChallenge` asks for head movements;
 * null: that is not possible. `failure` says why the last head movements failed, if they did.
 */
export function decisionCard(decision, { hello, urls, onAgain, onChallenge = null, failure = "" }) {
  const { headline, facts, reasons } = decision.card;
  const scored = typeof decision.comparison_score === "number";
  const rate = rateOf(decision, hello);
  return [
    el(
      "div",
      { class: "verdict__head" },
      el("span", { class: "verdict__mark" }, icon(decision.verdict)),
      el("div", {}, badge(decision.verdict), el("h2", {}, headline)),
    ),
    scored ? drawScale({ score: decision.comparison_score, threshold: decision.match_threshold, verdict: decision.verdict }) : null,
    scored && rate ? el("p", { class: "muted" }, rate) : null,
    reasons.length ? el("ul", { class: "verdict__reasons" }, ...reasons.map((text) => el("li", {}, text))) : null,
    failure ? el("div", { class: "alert alert--warning" }, icon("warning"), el("div", {}, failure)) : null,
    el("dl", { class: "kv" }, ...facts.flatMap(({ label, text }) => [el("dt", {}, label), el("dd", {}, text)])),
    el(
      "div",
      { class: "actions" },
      onChallenge
        ? el(
            "button",
            { class: decision.challenge_offered ? "btn btn--primary" : "btn", type: "button", click: onChallenge },
            icon("shield"),
            "Ask for a head movement",
          )
        : null,
      el("button", { class: "btn", type: "button", click: onAgain }, icon("refresh"), "Check again"),
      urls.attempt
        ? el("a", { class: "btn btn--ghost", href: withUuid(urls.attempt, decision.attempt) }, "Details", icon("chevron-right"))
        : null,
      urls.attempt && urls.mayCorrect && decision.verdict === "match"
        ? el("a", { class: "btn btn--ghost", href: `${withUuid(urls.attempt, decision.attempt)}not-this-person/` }, "Not this person")
        : null,
    ),
  ].filter(Boolean);
}

/** Icon, title and text while there is no decision to show. */
export function quietWords(kind, hint) {
  const states = {
    looking: { icon: "live", title: "Looking…", text: hint || "Keep looking at the camera for a moment." },
    nobody: { icon: "live", title: "Nobody to decide about yet", text: hint || "Step in front of the camera." },
    choose: { icon: "people", title: "Who do they say they are?", text: "Choose the claimed person above." },
    empty: { icon: "people", title: "Nobody is enrolled yet", text: "Enrol somebody first; then this page can tell who it is." },
  };
  return states[kind];
}

/** The card's children while there is no decision to show. */
export function quietCard(kind, { hint, urls }) {
  const state = quietWords(kind, hint);
  return [
    el(
      "div",
      { class: "empty" },
      icon(state.icon),
      el("h2", {}, state.title),
      el("p", {}, state.text),
      kind === "empty" && urls.enroll
        ? el("div", { class: "actions" }, el("a", { class: "btn btn--primary", href: urls.enroll }, "Enrol a person"))
        : null,
    ),
  ];
}

export function recentItem(decision, urls) {
  const { score, threshold } = formatPair(decision.comparison_score, decision.match_threshold);
  return el(
    "li",
    { "data-verdict": decision.verdict },
    el(
      ...(urls.attempt ? ["a", { href: withUuid(urls.attempt, decision.attempt) }] : ["span", { class: "recent__row" }]),
      el("span", { class: "recent__who" }, icon(decision.verdict), el("span", {}, decision.card.headline)),
      el("span", { class: "recent__numbers" }, `${score} / ${threshold}`),
      el("time", { datetime: new Date(decision.at).toISOString() }, timeOf(decision.at)),
    ),
  );
}
