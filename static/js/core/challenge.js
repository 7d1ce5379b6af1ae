// The head movements that are asked for, as the page shows them: messages in, what to draw out. No DOM, no clock.

import { gettext, interpolate, ngettext } from "./words.js";

/** How long a result stays over the picture, ms. */
export const RESULT_MS = 6000;

/** @param now ms. The server says how much time is left, so that the two clocks need not agree. */
export function followChallenge(message, now) {
  const { track, state, prompt, step, steps, seconds_left: seconds, code, message: text } = message;
  return { track, state, prompt, step, steps, code, text, since: now, endsAt: now + seconds * 1000, seconds };
}

export function isRunning(challenge) {
  return challenge?.state === "running";
}

/** A running challenge stays over the picture; a result goes after RESULT_MS. */
export function isShown(challenge, now) {
  return isRunning(challenge) || (Boolean(challenge) && now - challenge.since < RESULT_MS);
}

/** Whole seconds, never below 0; null when nothing is running. */
export function secondsLeft(challenge, now) {
  return isRunning(challenge) ? Math.max(0, Math.ceil((challenge.endsAt - now) / 1000)) : null;
}

/** Share of the time that is left, 0..1. */
export function shareLeft(challenge, now) {
  if (!isRunning(challenge) || !(challenge.seconds > 0)) return 0;
  return Math.min(1, Math.max(0, (challenge.endsAt - now) / (challenge.seconds * 1000)));
}

/** Where the arrow points on the screen: a mirrored preview shows the person's own left on the left. */
export function arrowOf(challenge, mirrored) {
  if (!isRunning(challenge)) return challenge?.state === "passed" ? "passed" : "failed";
  if (challenge.prompt === "turn_left") return mirrored ? "left" : "right";
  if (challenge.prompt === "turn_right") return mirrored ? "right" : "left";
  return { look_up: "up", come_closer: "closer" }[challenge.prompt] ?? "straight";
}

export function stepSentence(challenge) {
  if (!isRunning(challenge)) return "";
  if (challenge.step) return interpolate(gettext("Movement %(step)s of %(steps)s"), challenge);
  return interpolate(ngettext("%(steps)s movement follows", "%(steps)s movements follow", challenge.steps), challenge);
}

/** Head movements never change the verdict "attack", and a decision about an earlier question is past. */
export function mayChallenge(decision, state) {
  return decision.question === state.question && decision.verdict !== "attack" && !isRunning(state.challenge);
}

/**
 * For the card of this decision: why the last challenge of its face failed or did not begin; empty when it did, or when
 * the decision itself says so.
 */
export function failureOf(decision, state) {
  const { challenge } = state;
  const own = challenge?.track === decision.track && decision.question === state.question;
  return own && challenge.state === "failed" && !decision.reasons.includes(challenge.code) ? challenge.text : "";
}
