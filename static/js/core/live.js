// The live page as a state machine: (state, event) -> state. No DOM, no socket.

import { followChallenge } from "./challenge.js";

export const HISTORY_LENGTH = 12;
const MOST_FACES = 64; // more than one picture can show: the decision on each of its faces is known
/** ms without its face after which a verdict says how long that is, and after which it goes. */
export const FADE_MS = 3000;
export const EMPTY_MS = 15000;

export function newLive() {
  return {
    mode: "identify",
    claimed: null,
    hello: null,
    asked: false, // whether the server knows the present question: frames before that are refused
    question: 0,
    faces: [],
    picture: null,
    decision: null, // the one that the card shows last
    seenAt: -Infinity, // when its face was last in the picture, ms of the page's own clock
    history: [],
    known: [],
    challenge: null,
  };
}

/** Every question starts new tracks: the number of a track means something only with the number of its question. */
const ask = (state, changes) => ({ ...state, ...changes, question: state.question + 1, asked: false, faces: [], challenge: null });

const STEPS = {
  hello: (state, hello) => ask(state, { hello }),

  /** The connection is gone: what the server would say now, nobody knows. */
  lost: (state) => ask(state, { hello: null, decision: null }),

  configured: (state) => ({ ...state, asked: true }),
  refused: (state) => ({ ...state, asked: false }),

  /** What was decided before stays in the list only. */
  mode: (state, { mode }) => ask(state, { mode, decision: null }),
  claimed: (state, { person }) => ask(state, { claimed: person, decision: null }),
  again: (state) => ask(state, { decision: null }),

  /** now: ms of the page's own clock, as everywhere below. */
  result: (state, { faces, image, match_threshold: threshold, now }) => {
    const main = largest(faces);
    const decision = (main && decisionOn(main, state)) ?? state.decision;
    const there = faces.some((face) => isAbout(decision, face, state));
    return {
      ...state,
      faces,
      picture: image,
      threshold: threshold ?? state.threshold,
      decision,
      seenAt: there ? now : state.seenAt,
    };
  },

  decision: (state, { at, now, ...decision }) => {
    const whole = {
      ...decision,
      at,
      question: state.question,
      mode: state.mode,
      claimed: state.mode === "verify" ? state.claimed : null,
    };
    const history = [whole, ...state.history].slice(0, HISTORY_LENGTH);
    return { ...state, decision: whole, seenAt: now, history, known: [whole, ...state.known].slice(0, MOST_FACES) };
  },

  challenge: (state, { now, ...message }) => ({ ...state, challenge: followChallenge(message, now) }),

  /** The camera or the connection is off: nobody is in the picture. */
  stopped: (state) => ({ ...state, faces: [], challenge: null }),

  /** No answers for a while. */
  stale: (state) => ({ ...state, faces: [] }),
};

export function advance(state, event) {
  return Object.hasOwn(STEPS, event.type) ? STEPS[event.type](state, event) : state;
}

/** The message that tells the server what is asked; null while nobody is chosen to verify. */
export function configureMessage(state) {
  if (state.mode === "identify") return { type: "configure", mode: "identify" };
  return state.claimed ? { type: "configure", mode: "verify", person: state.claimed.id } : null;
}

/**
 * What the card shows: {kind: "decision"|"looking"|"nobody"|"choose"|"empty"}. With several people in the picture the
 * card is about the largest face. With nobody there it keeps the last decision for a moment: `away` is then for how many
 * seconds its face has been gone, and null before anybody needs to know.
 */
export function cardOf(state, now) {
  if (state.mode === "verify" && !state.claimed) return { kind: "choose" };
  if (state.hello?.gallery.people === 0 && typeof state.decision?.comparison_score !== "number") return { kind: "empty" };
  const main = largest(state.faces);
  if (main) {
    const decision = decisionOn(main, state);
    return decision ? { kind: "decision", decision, away: null } : { kind: "looking", face: main };
  }
  const gone = now - state.seenAt;
  if (!state.decision || gone >= EMPTY_MS) return { kind: "nobody" };
  return { kind: "decision", decision: state.decision, away: gone < FADE_MS ? null : Math.floor(gone / 1000) };
}

/**
 * Whether the card may offer to enrol whom it is about: a live face that everybody enrolled was asked about and that
 * nobody has. Never an attack, a doubt or a denied claim: those are no visitors.
 */
export function mayEnrolVisitor({ verdict, mode, liveness }) {
  return verdict === "non_match" && mode === "identify" && liveness?.verdict !== "attack";
}

const isAbout = (decision, face, state) => decision?.track === face.track && decision.question === state.question;

/** The latest decision on this face. */
const decisionOn = (face, state) => state.known.find((decision) => isAbout(decision, face, state)) ?? null;

function largest(faces) {
  const area = ({ box_xyxy: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);
  return faces.reduce((best, face) => (best === null || area(face) > area(best) ? face : best), null);
}
