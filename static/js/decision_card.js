// What the live page says about a decision, and the list of the last decisions.

import { rateOf } from "./core/explain.js";
import { mayEnrolVisitor } from "./core/live.js";
import { VERDICTS, formatPair, initials } from "./core/format.js";
import { gettext, interpolate } from "./core/words.js";
import { timeIn } from "./core/zone.js";
import { avatar, el, icon, recall, remember, withUuid } from "./dom.js";
import { drawScale } from "./scale.js";

export function badge(verdict) {
  return el("span", { class: `badge badge--${verdict}` }, icon(verdict), VERDICTS[verdict]);
}

const timeOf = (at) => timeIn(document.body.dataset.zone, at);

/** How long the face of the card's decision has been gone. */
export const awaySentence = (seconds) => interpolate(gettext("Last seen %(seconds)s s ago"), { seconds });

/**
 * The card's children for a decision. `away`: seconds for which its face has been gone, or null. `onAgain` asks the server to decide anew. `onChallenge` asks for head movements;
 * null: that is not possible. `failure` says why the last head movements failed, if they did.
 */
export function decisionCard(decision, { hello, urls, onAgain, away = null, onChallenge = null, failure = "" }) {
  const { reasons } = decision.card;
  return [
    away === null ? null : el("p", { class: "verdict__away", "data-away": true }, icon("history"), el("span", {}, awaySentence(away))),
    cardHead(decision, urls),
    reasons.length ? el("ul", { class: "verdict__reasons" }, ...reasons.map((text) => el("li", {}, text))) : null,
    failure ? el("div", { class: "alert alert--warning" }, icon("warning"), el("div", {}, failure)) : null,
    el(
      "div",
      { class: "actions" },
      onChallenge
        ? el(
            "button",
            { class: decision.challenge_offered ? "btn btn--small btn--primary" : "btn btn--small", type: "button", "data-key": "challenge", click: onChallenge },
            icon("shield"),
            gettext("Ask for a head movement"),
          )
        : null,
      urls.enroll && mayEnrolVisitor(decision)
        ? el("a", { class: "btn btn--small btn--primary", "data-key": "enrol-visitor", href: urls.enroll }, icon("enrol"), gettext("Enrol this visitor"))
        : null,
      el("button", { class: "btn btn--small", type: "button", "data-key": "again", click: onAgain }, icon("refresh"), gettext("Check again")),
      urls.attempt
        ? el("a", { class: "btn btn--small btn--ghost", "data-key": "details", href: withUuid(urls.attempt, decision.attempt) }, gettext("Details"), icon("chevron-right"))
        : null,
      urls.attempt && urls.mayCorrect && decision.verdict === "match"
        ? el("a", { class: "btn btn--small btn--ghost", "data-key": "not-this-person", href: `${withUuid(urls.attempt, decision.attempt)}not-this-person/` }, gettext("Not this person"))
        : null,
    ),
    whyFold(decision, hello),
  ].filter(Boolean);
}

/** Who it is, as large as there is room: the enrolled picture and the name. Without a match, the answer in words. */
function cardHead({ verdict, person, mode, card: { headline } }, urls) {
  const title = person
    ? [el("h2", { class: "verdict__name" }, person.name), mode === "verify" ? el("p", { class: "muted" }, headline) : null]
    : [el("h2", {}, headline)];
  const mark = el("span", { class: "verdict__mark" }, icon(verdict));
  return el(
    "div",
    { class: "verdict__head" },
    person ? el("span", { class: "verdict__portrait" }, portrait(person, urls), mark) : mark,
    el("div", {}, badge(verdict), ...title.filter(Boolean)),
  );
}

/** The name stands beside it, so the picture itself says nothing. Initials where there is none, or none may be seen. */
function portrait(person, urls) {
  const letters = () => avatar(initials(person.name));
  if (!urls.portrait) return letters();
  const picture = el("img", { class: "avatar", alt: "", src: withUuid(urls.portrait, person.id) });
  picture.addEventListener("error", () => picture.replaceWith(letters()), { once: true });
  return picture;
}

const WHY_KEY = "facesite-why";

/** The figures behind the answer. Whoever opens them once finds them open with the next decision, too. */
function whyFold(decision, hello) {
  const scored = typeof decision.comparison_score === "number";
  const rate = rateOf(decision, hello);
  const fold = el(
    "details",
    { class: "verdict__why", open: recall(WHY_KEY) === "open" },
    el("summary", { "data-key": "why" }, gettext("Why?")),
    scored ? drawScale({ score: decision.comparison_score, threshold: decision.match_threshold, verdict: decision.verdict }) : null,
    scored && rate ? el("p", { class: "muted" }, rate) : null,
    el("dl", { class: "kv" }, ...decision.card.facts.flatMap(({ label, text }) => [el("dt", {}, label), el("dd", {}, text)])),
  );
  fold.addEventListener("toggle", () => remember(WHY_KEY, fold.open ? "open" : null));
  return fold;
}

/** Icon, title and text while there is no decision to show. */
export function quietWords(kind, hint) {
  const states = {
    looking: { icon: "live", title: gettext("Looking…"), text: hint || gettext("Keep looking at the camera for a moment.") },
    nobody: { icon: "live", title: gettext("Nobody to decide about yet"), text: hint || gettext("Step in front of the camera.") },
    choose: { icon: "people", title: gettext("Who do they say they are?"), text: gettext("Choose the claimed person above.") },
    empty: { icon: "people", title: gettext("Nobody is enrolled yet"), text: gettext("Enrol somebody first; then this page can tell who it is.") },
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
        ? el("div", { class: "actions" }, el("a", { class: "btn btn--primary", href: urls.enroll }, gettext("Enrol a person")))
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
      ...(urls.attempt ? ["a", { href: withUuid(urls.attempt, decision.attempt), "data-key": decision.attempt }] : ["span", { class: "recent__row" }]),
      el("span", { class: "recent__who" }, icon(decision.verdict), el("span", {}, decision.card.headline)),
      el("span", { class: "recent__numbers" }, `${score} / ${threshold}`),
      el("time", { datetime: new Date(decision.at).toISOString() }, timeOf(decision.at)),
    ),
  );
}
