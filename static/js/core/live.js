// The live page as a state machine: (state, event) -> state. No DOM, no socket.

export const HISTORY_LENGTH = 12;

export function newLive() {
  return { mode: "identify", claimed: null, hello: null, faces: [], picture: null, tracks: {}, decision: null, history: [] };
}

const STEPS = {
  hello: (state, hello) => ({ ...state, hello, faces: [], tracks: {} }),

  /** A new question starts new tracks; what was decided before stays in the list only. */
  mode: (state, { mode }) => ({ ...state, mode, faces: [], tracks: {}, decision: null }),
  claimed: (state, { person }) => ({ ...state, claimed: person, faces: [], tracks: {}, decision: null }),
  again: (state) => ({ ...state, faces: [], tracks: {}, decision: null }),

  result: (state, { faces, image, match_threshold: threshold }) => ({
    ...state,
    faces,
    picture: image,
    threshold: threshold ?? state.threshold,
    tracks: Object.fromEntries(faces.map((face) => [face.track, face])),
  }),

  /** The decision's own words win; what only the frames say (runner-up, quality) comes from the track's last frame. */
  decision: (state, { at, ...decision }) => {
    const face = state.tracks[decision.track];
    const whole = {
      runner_up: face?.runner_up ?? null,
      quality: face?.quality ?? null,
      ...decision,
      at,
      mode: state.mode,
      claimed: state.mode === "verify" ? state.claimed : null,
    };
    return { ...state, decision: whole, history: [whole, ...state.history].slice(0, HISTORY_LENGTH) };
  },

  /** The camera or the connection is off: nobody is in the picture. */
  stopped: (state) => ({ ...state, faces: [], tracks: {} }),
};

export function advance(state, event) {
  return Object.hasOwn(STEPS, event.type) ? STEPS[event.type](state, event) : state;
}

/** The message that tells the server what is asked; null while nobody is chosen to verify. */
export function configureMessage(state) {
  if (state.mode === "identify") return { type: "configure", mode: "identify" };
  return state.claimed ? { type: "configure", mode: "verify", person: state.claimed.id } : null;
}

/** What the card shows: {kind: "decision"|"looking"|"nobody"|"choose"|"empty"}. */
export function cardOf(state) {
  if (state.mode === "verify" && !state.claimed) return { kind: "choose" };
  if (state.hello?.gallery.people === 0 && typeof state.decision?.comparison_score !== "number") return { kind: "empty" };
  if (state.decision) return { kind: "decision", decision: state.decision };
  const undecided = state.faces.find((face) => face.verdict === "pending");
  if (undecided) return { kind: "looking", face: undecided };
  return { kind: "nobody" };
}
