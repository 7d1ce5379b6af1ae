// A kiosk's screen: camera -> motion gate -> frames -> socket -> greeting; a keypad; and nobody who presses "reload".

import { Camera } from "./camera.js";
import { locale } from "./core/format.js";
import { MOST_LETTERS, advance, newKiosk, screenOf, shallLookAgain } from "./core/kiosk.js";
import { HEIGHT, MotionGate, WIDTH } from "./core/motion.js";
import { Presence } from "./core/presence.js";
import { Watchdog } from "./core/watchdog.js";
import { find, setText, toggle } from "./dom.js";
import { FramePump } from "./frames.js";
import { keepAwake, signal } from "./kiosk_signals.js";
import { drop, keep, kept } from "./kiosk_store.js";
import { Socket } from "./socket.js";

const LOOK_MS = 250;
const HERE_MS = 30000;
const ANSWER_MS = 4000;
const RELOAD_MS = 60000;
const SLOW_MS = 500; // between frames once everybody before the camera is known: only to see when they go

const root = find("[data-kiosk]");
const video = find("[data-video]", root);
const input = find("[data-number]", root);
const portrait = find("[data-portrait]", root);
const hasSound = "sound" in root.dataset;
const clock = new Intl.DateTimeFormat(locale(), { timeStyle: "short", hourCycle: "h23", timeZone: root.dataset.zone }); // as all pages write it

const gate = new MotionGate();
const presence = new Presence(performance.now());
const watchdog = new Watchdog(performance.now());
const small = Object.assign(document.createElement("canvas"), { width: WIDTH, height: HEIGHT });
const pixels = small.getContext("2d", { willReadFrequently: true, alpha: false });

let state = newKiosk(root.dataset.mode);
let configured = false;
let waitsFor = null; // the key of the number that somebody has just typed
let drawn = "";

function dispatch(event) {
  state = advance(state, { now: performance.now(), ...event });
  render();
}

const camera = new Camera(video, ({ name }) => {
  if (name === "on") {
    gate.reset();
    pump.start();
    configure();
  } else {
    pump.stop();
    configured = false;
  }
  dispatch({ type: "camera", name });
});

const socket = new Socket({
  path: root.dataset.socket,
  loginUrl: root.dataset.page, // a token that counts no more: the page then asks for a pairing code
  onState: ({ name }) => {
    if (name === "stopped" || name === "idle") setTimeout(() => socket.connect(), RELOAD_MS / 2);
  },
  onMessage: receive,
  onLost: () => {
    configured = false;
    pump.reset();
    dispatch({ type: "lost" });
  },
});

const pump = new FramePump({
  video,
  socket,
  workerUrl: root.dataset.workerUrl,
  wanted: () => configured && presence.isAwake(performance.now()),
});
const quick = pump.spacing;

/** The server wants to know which camera this is before it looks through it. */
async function configure() {
  if (!socket.isOpen || !camera.isOn) return;
  const current = (await camera.cameras()).find((each) => each.current) ?? { id: "", label: "" };
  socket.send({ type: "configure", camera: { id: current.id, label: current.label } });
  configured = true;
}

function receive(message) {
  const now = performance.now();
  if (message.type === "hello") {
    pump.obey(message.limits);
    dispatch(message);
    configure();
    sendKept();
  } else if (message.type === "result") {
    pump.answered(message.seq);
    presence.faces(message.faces.length, now);
    pump.spacing = message.faces.some((face) => face.state === "looking") || !message.faces.length ? quick : SLOW_MS;
    dispatch(message);
  } else if (message.type === "greeting") {
    greet(message);
  } else if (message.type === "number") {
    settle(message);
  } else if (message.type === "camera_refused") {
    configured = false;
    dispatch(message);
  } else if (message.type === "reload") {
    reload();
  } else if (message.type === "error" && message.seq !== undefined) {
    pump.refused(message.seq);
  }
}

function greet(message) {
  if (hasSound) signal(message.outcome);
  dispatch({ ...message, type: "greeting" });
}

// The keypad

async function enter(number) {
  const entry = { key: crypto.randomUUID(), number, at: Date.now() };
  waitsFor = entry.key;
  await keep(entry);
  dispatch({ type: "sent" });
  sendNumber(entry);
  setTimeout(() => {
    if (waitsFor !== entry.key) return;
    waitsFor = null;
    dispatch({ type: "kept" });
  }, socket.isOpen ? ANSWER_MS : 0);
}

/** How long ago, not when: no device's clock is to be trusted. */
function sendNumber({ key, number, at }) {
  socket.send({ type: "number", key, number, age_ms: Math.max(0, Date.now() - at) });
}

async function sendKept() {
  for (const entry of await kept()) sendNumber(entry);
}

/** final: the server has said its last word about it. What was kept earlier says nothing on the screen. */
function settle({ key, final, greeting }) {
  if (final) drop(key);
  if (key !== waitsFor) return;
  waitsFor = null;
  if (!final) drop(key); // the person is still there and has been told when to try again
  greet(greeting);
}

function openKeypad(first = "") {
  presence.touched(performance.now());
  dispatch({ type: "open" });
  type(first);
  input.focus({ preventScroll: true });
}

function type(text) {
  input.value = text.slice(0, MOST_LETTERS);
  dispatch({ type: "typed", text: input.value });
}

find("[data-open-keypad]", root).addEventListener("click", () => openKeypad());
find("[data-close-keypad]", root).addEventListener("click", () => dispatch({ type: "close" }));
find("[data-again]", root).addEventListener("click", lookAgain);
find("[data-letters]", root).addEventListener("click", () => {
  input.inputMode = "text"; // from now on the tablet's own keyboard comes up
  input.blur();
  input.focus();
});
for (const key of root.querySelectorAll("[data-key]")) {
  key.addEventListener("click", () => type(key.dataset.key === "back" ? input.value.slice(0, -1) : input.value + key.dataset.key));
}
input.addEventListener("input", () => type(input.value));
find("[data-keypad]", root).addEventListener("submit", (event) => {
  event.preventDefault();
  const number = input.value.trim();
  if (number) enter(number);
  else dispatch({ type: "close" });
});
// A badge reader types like a keyboard: whatever it types opens the keypad.
document.addEventListener("keydown", (event) => {
  presence.touched(performance.now());
  const isText = event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey && event.key !== " ";
  if (state.keypad !== null || !isText || event.target.matches?.("input")) return;
  event.preventDefault();
  openKeypad(event.key);
});
document.addEventListener("pointerdown", () => presence.touched(performance.now()));
document.addEventListener("contextmenu", (event) => event.preventDefault());

// The screen

function render() {
  const now = performance.now();
  const shown = screenOf(state, now);
  if (state.keypad !== null && shown.kind !== "keypad") state = advance(state, { type: "close" });
  root.dataset.dim = String(presence.isDim(now) && shown.kind !== "keypad" && shown.kind !== "greeting");
  const key = JSON.stringify([shown.kind, shown.tone, shown.title, shown.text, shown.portrait.length]);
  if (key === drawn) return;
  drawn = key;
  Object.assign(root.dataset, { screen: shown.kind, tone: shown.tone, outcome: shown.outcome });
  setText(find("[data-title]", root), shown.title);
  setText(find("[data-text]", root), shown.text);
  toggle(portrait, Boolean(shown.portrait));
  if (shown.portrait) portrait.src = shown.portrait;
  else portrait.removeAttribute("src");
  toggle(find("[data-again]", root), shown.again);
  toggle(find("[data-keypad]", root), shown.kind === "keypad");
  toggle(find("[data-open-keypad]", root), shown.kind !== "keypad");
}

function lookAgain() {
  socket.send({ type: "again" });
  dispatch({ type: "again" });
}

function look() {
  if (!camera.isOn || !video.videoWidth) return;
  pixels.drawImage(video, 0, 0, WIDTH, HEIGHT);
  if (gate.look(pixels.getImageData(0, 0, WIDTH, HEIGHT).data)) presence.moved(performance.now());
}

function watch() {
  const now = performance.now();
  look();
  const { name } = camera.state;
  const seen = { now, camera: name, videoTime: video.currentTime, socketOpen: socket.isOpen, nobody: presence.isDim(now) };
  const action = watchdog.look(seen);
  if (action === "camera") camera.start();
  if (action === "reload") reload();
  if (shallLookAgain(state, now)) lookAgain();
  root.dataset.mirrored = String(camera.mirrored);
  for (const node of root.querySelectorAll("[data-clock]")) setText(node, clock.format());
  render();
}

let reloadedAt = -Infinity;

/** Only while the server answers: a browser's own page of an error would stay there for ever. */
async function reload() {
  if (performance.now() - reloadedAt < RELOAD_MS) return;
  reloadedAt = performance.now();
  const answer = await fetch(root.dataset.page, { cache: "no-store" }).catch(() => null);
  if (answer?.ok) location.reload();
}

setInterval(watch, LOOK_MS);
setInterval(() => socket.send({ type: "here" }), HERE_MS);
keepAwake();
socket.connect();
camera.start();
render();
