// What a kiosk's screen shows: (state, event) -> state, and state -> screen. No DOM, no socket. Times in ms.

import { gettext } from "./words.js";

const WELCOME_MS = 6000;
/** A refusal stays while its face does, but not for longer than this: then the face is looked at once more. */
const REFUSAL_MS = 8000;
const AGAIN_MS = 20000;
const FACE_MS = 1500;
const KEYPAD_MS = 30000;
export const MOST_LETTERS = 100;

const SENTENCES = {
  starting: [gettext("One moment"), gettext("The kiosk is starting.")],
  check: [gettext("Welcome"), gettext("Look into the camera to check in or out.")],
  greet: [gettext("Welcome"), gettext("Look into the camera.")],
  looking: [gettext("One moment"), gettext("Look into the camera.")],
  offline: [gettext("No connection"), gettext("The kiosk connects again by itself. PINs and badge numbers are kept until then.")],
  noCamera: [gettext("The camera does not work"), gettext("The kiosk tries again by itself. You can use your PIN or badge number.")],
  keypad: [gettext("PIN or badge number"), gettext("Type it, or hold your badge to the reader.")],
  waiting: [gettext("One moment"), gettext("The number is being looked up.")],
  kept: [gettext("Noted"), gettext("There is no connection. It counts as soon as the kiosk is connected again, if the number is right.")],
};

export function newKiosk(mode) {
  return {
    mode,
    connected: null, // null: not yet
    camera: "starting",
    cameraRefused: null,
    faces: [],
    facesAt: -Infinity,
    greeting: null,
    greetedAt: -Infinity,
    keypad: null, // what was typed; null: it is closed
    typedAt: -Infinity,
  };
}

const greet = (state, greeting, now) => ({ ...state, greeting, greetedAt: now, keypad: null });

const STEPS = {
  hello: (state) => ({ ...state, connected: true, cameraRefused: null }),
  lost: (state) => ({ ...state, connected: false, faces: [], cameraRefused: null }),
  camera: (state, { name }) => ({ ...state, camera: name, faces: name === "on" ? state.faces : [] }),
  camera_refused: (state, { title, text }) => ({ ...state, cameraRefused: [title, text] }),
  result: (state, { faces, now }) => ({ ...state, faces, facesAt: faces.length ? now : state.facesAt }),
  greeting: (state, { now, ...greeting }) => greet(state, greeting, now),
  open: (state, { now }) => ({ ...state, keypad: "", typedAt: now, greeting: null }),
  close: (state) => ({ ...state, keypad: null }),
  typed: (state, { text, now }) => ({ ...state, keypad: text.slice(0, MOST_LETTERS), typedAt: now }),
  sent: (state, { now }) => greet(state, said("waiting", "waiting"), now),
  kept: (state, { now }) => greet(state, said("kept", "kept"), now),
  again: (state) => ({ ...state, greeting: null, faces: [] }),
};

export function advance(state, event) {
  return STEPS[event.type]?.(state, event) ?? state;
}

/** @returns {{kind, tone: "quiet"|"good"|"bad", title, text, portrait, name, again: boolean}} */
export function screenOf(state, now) {
  if (state.keypad !== null && now - state.typedAt < KEYPAD_MS) return screen("keypad", "quiet", SENTENCES.keypad);
  if (isGreeting(state, now)) return greetingScreen(state.greeting);
  if (state.connected === null) return screen("starting", "quiet", SENTENCES.starting);
  if (!state.connected) return screen("offline", "bad", SENTENCES.offline);
  if (state.cameraRefused) return screen("problem", "bad", state.cameraRefused);
  if (state.camera === "error" || state.camera === "off") return screen("problem", "bad", SENTENCES.noCamera);
  if (state.camera !== "on") return screen("starting", "quiet", SENTENCES.starting);
  const looked = state.faces.find((face) => face.state === "looking");
  if (looked && now - state.facesAt < FACE_MS) {
    const [title, text] = SENTENCES.looking;
    return screen("looking", "quiet", [title, looked.hint || text]);
  }
  return screen("ready", "quiet", SENTENCES[state.mode]);
}

/** Whether the refused face has stood there for so long that it shall be looked at once more. */
export function shallLookAgain(state, now) {
  const refused = state.greeting?.outcome === "refused" && state.greeting.track !== null;
  return Boolean(refused && isThere(state, now) && now - state.greetedAt > AGAIN_MS);
}

function isGreeting(state, now) {
  const { greeting, greetedAt } = state;
  if (!greeting) return false;
  const age = now - greetedAt;
  if (greeting.outcome !== "refused") return age < WELCOME_MS;
  return age < REFUSAL_MS || (isThere(state, now) && age < AGAIN_MS);
}

/** Whether the face that the greeting is about is still before the camera. */
function isThere({ faces, facesAt, greeting }, now) {
  return now - facesAt < FACE_MS && faces.some((face) => face.track === greeting.track);
}

function greetingScreen({ outcome, title, text, name, portrait, track }) {
  const refused = outcome === "refused";
  const tone = refused ? "bad" : outcome === "kept" || outcome === "waiting" ? "quiet" : "good";
  return { ...screen("greeting", tone, [title, text]), outcome, name, portrait, again: refused && track !== null };
}

function screen(kind, tone, [title, text]) {
  return { kind, tone, title, text, outcome: "", name: "", portrait: "", again: false };
}

function said(outcome, sentence) {
  const [title, text] = SENTENCES[sentence];
  return { outcome, title, text, name: "", portrait: "", track: null };
}
