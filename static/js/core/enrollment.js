// The enrollment page as a state machine: (state, event) -> state. No DOM, no socket; the page draws what it says.

import { gettext, interpolate, ngettext } from "./words.js";

export const NEEDED = 5;
const KEEP_ALIVE_MS = 15000;
/** ms without a new sample after which the page says what else can be done. */
export const STUCK_MS = 12000;
/** Below this the best picture is saved only on request. Webcams in good light give 0.4 and more (clip real_male). */
export const USEFUL_QUALITY = 0.3;

export function newEnrollment({ needed = NEEDED } = {}) {
  return { step: "details", stuckFrom: null, needed, samples: [], code: null, message: "", notice: "", candidates: [], person: null, setAside: [] };
}

/** The person of `configure`, from the page's form: what was left empty is left out. */
export function newPerson(fields) {
  const person = { name: fields.get("name").trim() };
  for (const field of ["external_id", "valid_from", "valid_until"]) {
    const value = fields.get(field)?.trim();
    if (value) person[field] = value;
  }
  const groups = fields.getAll("groups");
  return groups.length ? { ...person, groups } : person;
}

const STEPS = {
  /** The form was sent; the socket is being configured. */
  began: (state) => ({ ...newEnrollment({ needed: state.needed }), step: "capturing", message: gettext("Look at the camera.") }),

  /** now: ms of the page's own clock. */
  result: (state, { guidance, message, needed, now }) => {
    if (state.step !== "capturing") return state;
    const stuckFrom = state.stuckFrom ?? now;
    return { ...state, needed: needed ?? state.needed, code: guidance, message: message ?? "", stuckFrom };
  },

  captured: (state, { sample, pose, thumbnail, quality, liveness }) => {
    if (state.step !== "capturing") return state;
    const others = state.samples.filter((known) => known.sample !== sample);
    return { ...state, notice: "", stuckFrom: null, samples: [...others, { sample, pose, thumbnail, quality, liveness }] };
  },

  /** The server asks for another pose from now on. */
  skipped: (state) => ({ ...state, stuckFrom: null }),

  discarded: (state, { sample }) => ({
    ...state,
    stuckFrom: null,
    code: null,
    notice: "",
    samples: state.samples.filter((known) => known.sample !== sample),
  }),

  finishing: (state) =>
    canFinish(state) || state.step === "duplicate" ? { ...state, step: "saving", notice: "" } : state,

  possible_duplicate: (state, { candidates }) => ({ ...state, step: "duplicate", candidates }),

  reconsidered: (state) => (state.step === "duplicate" ? { ...state, step: "capturing", candidates: [] } : state),

  /** set_aside: numbers of samples that do not fit the others; message says so in words. */
  enrolled: (state, { person, samples, set_aside: setAside = [], message = "" }) => ({
    ...state,
    step: "done",
    person,
    saved: samples,
    setAside,
    message,
    candidates: [],
  }),

  /** A sentence about the whole enrollment; it stays until the next sample or click. Saving goes back to capturing. */
  refused: (state, { message }) => ({
    ...state,
    notice: message,
    step: state.step === "saving" || state.step === "duplicate" ? "capturing" : state.step,
  }),

  /** The server forgets unsaved samples with the connection. */
  disconnected: (state) => {
    if (!["capturing", "saving", "duplicate"].includes(state.step)) return state;
    const lost = state.samples.length > 0;
    return {
      ...newEnrollment({ needed: state.needed }),
      step: "capturing",
      notice: lost
        ? gettext("The connection was lost, and with it the pictures taken so far. They are taken again.")
        : state.notice,
    };
  },

  cancelled: (state) => newEnrollment({ needed: state.needed }),
};

/** An event that the table does not know leaves the state as it is. */
export function advance(state, event) {
  return Object.hasOwn(STEPS, event.type) ? STEPS[event.type](state, event) : state;
}

export const isComplete = (state) => state.samples.length >= state.needed;
export const canFinish = (state) => state.step === "capturing" && state.samples.length > 0;
/** With all samples taken, a frame now and then keeps the server from closing the connection as idle. */
export const wantsFrames = (state, sinceLast = 0) =>
  (state.step === "capturing" && !isComplete(state)) || (hasUnsaved(state) && sinceLast > KEEP_ALIVE_MS);
/** Leaving now would throw pictures away. */
export const hasUnsaved = (state) => state.samples.length > 0 && state.step !== "done";

const TURNS = ["turn_left", "turn_right"];

/** No sample for a while although there are some: "turn" where the head does not turn as asked, "other", or null. */
export function stuckOn(state, now) {
  const waits = state.step === "capturing" && !isComplete(state) && state.samples.length > 0;
  if (!waits || state.stuckFrom === null || now - state.stuckFrom < STUCK_MS) return null;
  return TURNS.includes(state.code) ? "turn" : "other";
}

/** The quality of the best sample, if that is too little to be recognised by; null: it will do. */
export function poorQuality(state) {
  const best = Math.max(...state.samples.map(({ quality }) => quality.score));
  return state.samples.length && best < USEFUL_QUALITY ? best : null;
}

export function finishLabel(state) {
  const count = state.samples.length;
  if (state.step === "saving") return gettext("Saving…");
  if (count === 0) return gettext("Save");
  return interpolate(ngettext("Save with %(count)s sample", "Save with %(count)s samples", count), { count });
}

/** The one instruction in large letters. */
export function instruction(state) {
  if (state.step === "saving") return gettext("Saving…");
  if (isComplete(state)) return gettext("All pictures are taken. You can save them now.");
  return state.message || gettext("Look at the camera.");
}

/**
 * Which way the arrow points on the screen: "left", "right" or null. "Turn left" means the person's own left, which
 * a mirrored preview shows on its left, and any other preview on its right.
 */
export function arrowFor(code, mirrored) {
  if (code !== "turn_left" && code !== "turn_right") return null;
  return (code === "turn_left") === mirrored ? "left" : "right";
}

/** "good" while all is well, "adjust" while the person should change something, "done" at the end. */
export function guideMood(state) {
  if (isComplete(state)) return "done";
  if (state.code === null) return "idle";
  return ["hold_still", "turn_left", "turn_right", "done"].includes(state.code) ? "good" : "adjust";
}
