// The live page as a state machine: (state, event) -> state. No DOM, no socket.

import { followChallenge } from "./challenge.js";

export const HISTORY_LENGTH = 12;

export function newLive() {
  return {
    mode: "identify",
    claimed: null,
    hello: null,
    question: 0,
    faces: [],
    picture: null,
    decision: null,
    history: [],
    challenge: null,
  };
}

/** Every question starts new tracks: the number of a track means something only with the number of its question. */
const ask = (state, changes) => ({ ...state, ...changes, question: state.question + 1, faces: [], challenge: null });

const STEPS = {
  hello: (state, hello) => ask(state, { hello }),

  /** What was decided before stays in the list only. */
  mode: (state, { mode }) => ask(state, { mode, decision: null }),
  claimed: (state, { person }) => ask(state, { claimed: person, decision: null }),
  again: (state) => ask(state, { decision: null }),

  result: (state, { faces, image, match_threshold: threshold }) => ({
    ...state,
    faces,
    picture: image,
    threshold: threshold ?? state.threshold,
  }),

  decision: (state, { at, ...decision }) => {
    const whole = {
      ...decision,
      at,
      question: state.question,
      mode: state.mode,
      claimed: state.mode === "verify" ? state.claimed : null,
    };
    return { ...state, decision: whole, history: [whole, ...state.history].slice(0, HISTORY_LENGTH) };
  },

  /** now: ms of the page's own clock. */
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
 * card is about the largest face. With nobody there it keeps the last decision.
 */
export function cardOf(state) {
  if (state.mode === "verify" && !state.claimed) return { kind: "choose" };
  if (state.hello?.gallery.people === 0 && typeof state.decision?.comparison_score !== "number") return { kind: "empty" };
  const main = largest(state.faces);
  if (main) {
    const own = state.history.find(({ track, question }) => track === main.track && question === state.question);
    if (own) return { kind: "decision", decision: own };
    if (main.verdict === "pending" || !state.decision) return { kind: "looking", face: main };
  }
  return state.decision ? { kind: "decision", decision: state.decision } : { kind: "nobody" };
}

function largest(faces) {
  const area = ({ box_xyxy: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);
  return faces.reduce((best, face) => (best === null || area(face) > area(best) ? face : best), null);
}
