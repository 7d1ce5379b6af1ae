// The live page: camera -> frames -> socket -> boxes, decision card and the list of the last decisions.

import { CameraPanel } from "./camera_panel.js";
import { ChallengePanel } from "./challenge.js";
import { failureOf, isRunning, mayChallenge } from "./core/challenge.js";
import { spokenDecision, thresholdSentence } from "./core/explain.js";
import { advance, cardOf, configureMessage, newLive } from "./core/live.js";
import { Steady } from "./core/steady.js";
import { gettext, interpolate } from "./core/words.js";
import { awaySentence, decisionCard, quietCard, quietWords, recentItem } from "./decision_card.js";
import { find, readJson, replaceContent, setText, toggle } from "./dom.js";
import { FramePump } from "./frames.js";
import { Overlay } from "./overlay.js";
import { PersonPicker } from "./picker.js";
import { Socket } from "./socket.js";

const STALE_MS = 1500;
const HELP = {
  identify: gettext("Who is in front of the camera? Everybody enrolled is compared."),
  verify: gettext("Is it the person they say they are? Only that person is compared."),
};

const root = find("[data-live]");
const sentences = readJson("reason-sentences");
// attempt, enroll, portrait: undefined for operators who may not see the history, enrol, or see people.
const urls = { attempt: root.dataset.attemptUrl, portrait: root.dataset.portraitUrl, enroll: root.dataset.enrollUrl, mayCorrect: "mayCorrect" in root.dataset };
const card = find("[data-card]", root);
const say = find("[data-say]", root);
const overlay = new Overlay(find("[data-overlay]", root));
const hints = new Steady(1200);

const AWAY_RETRY_MS = 3000;

let state = newLive();
let drawnCard = "";
let drawnDecision = null;
let drawnKind = null;
let said = null; // the decision that a screen reader has heard last
let drawnHistory = null;
let lastResultAt = 0;
let frameRefused = false; // by a database that was away: what it said goes with the next result

function dispatch(event) {
  state = advance(state, event);
  render();
}

const panel = new CameraPanel(root, {
  onChange: (camera) => {
    if (camera.name === "on") {
      socket.connect();
      pump.start();
      render();
    } else {
      pump.stop();
      overlay.clear();
      if (isRunning(state.challenge)) challenge(state.challenge.track, { cancel: true });
      dispatch({ type: "stopped" });
    }
  },
});

const socket = new Socket({
  path: root.dataset.socket,
  loginUrl: root.dataset.loginUrl,
  onState: (connection) => panel.showConnection(connection),
  onMessage: receive,
  onLost: () => {
    pump.reset();
    overlay.clear();
    dispatch({ type: "lost" });
  },
});

const pump = new FramePump({
  video: panel.video,
  socket,
  workerUrl: root.dataset.workerUrl,
  wanted: () => state.asked,
});

const picker = new PersonPicker(find("[data-picker]", root), {
  searchUrl: root.dataset.searchUrl,
  onChoose: (person) => {
    dispatch({ type: "claimed", person });
    configure();
  },
});

const prompts = new ChallengePanel(root, { onCancel: () => challenge(state.challenge.track, { cancel: true }) });

function challenge(track, more = {}) {
  socket.send({ type: "challenge", track, ...more });
}

/** Asks the server the present question. The boxes go: they are answers to the last question. */
function configure() {
  overlay.clear();
  const message = state.hello && configureMessage(state);
  if (!message) return socket.connect(); // hello comes first; the connection may have rested until somebody was chosen
  socket.send(message);
  dispatch({ type: "configured" });
}

/** A refused frame is followed by the next; what else was refused may have been the question, so it is asked again. */
function awaitDatabase({ seq }) {
  frameRefused = seq !== undefined;
  if (!frameRefused) setTimeout(configure, AWAY_RETRY_MS);
}

function receive(message) {
  if (message.type === "hello") {
    showProblem("");
    pump.obey(message.limits);
    dispatch(message);
    showHelp();
    configure();
  } else if (message.type === "result") {
    panel.countAnswer(pump.answered(message.seq));
    if (frameRefused) showProblem("");
    frameRefused = false;
    lastResultAt = performance.now();
    dispatch({ ...message, now: lastResultAt });
    overlay.draw(state.faces, state.picture, { mirrored: panel.mirrored, threshold: state.threshold });
  } else if (message.type === "decision") {
    dispatch({ ...message, at: Date.now(), now: performance.now() });
  } else if (message.type === "challenge") {
    dispatch({ ...message, now: performance.now() });
  } else if (message.type === "error") {
    refuse(message);
  }
}

function refuse(message) {
  if (message.seq !== undefined) pump.refused(message.seq);
  else if (state.hello) dispatch({ type: "refused" });
  if (message.code === "not_configured") return; // a frame that was under way when the question was refused
  if (message.code === "database_away") awaitDatabase(message);
  if (message.code === "person_unknown") picker.choose(null);
  showProblem(message.message);
}

/** What is asked, and how many strangers a search lets pass at the present gallery size. */
function showHelp() {
  setText(find("[data-mode-help]", root), HELP[state.mode]);
  setText(find("[data-mode-rate]", root), state.mode === "identify" ? thresholdSentence(state.hello, "identify") : "");
}

function showProblem(text) {
  setText(find("[data-problem-text]"), text);
  toggle(find("[data-problem]"), Boolean(text));
}

function render() {
  const shown = cardOf(state, performance.now());
  const hint = hintFor(shown);
  drawCard(shown, hint);
  if (prompts.draw(state.challenge, { mirrored: panel.mirrored })) card.focus({ preventScroll: true });
  if (state.history !== drawnHistory) {
    drawnHistory = state.history;
    toggle(find("[data-recent-empty]", root), !state.history.length);
    replaceContent(find("[data-recent]", root), ...state.history.map((decision) => recentItem(decision, urls)));
  }
}

/** Drawn anew when something else is to be seen; while a face is gone, only the seconds go on. */
function drawCard(shown, hint) {
  const decision = shown.kind === "decision" ? shown.decision : null;
  const away = decision && shown.away !== null;
  const key = decision ? `${away} ${mayChallenge(decision, state)} ${failureOf(decision, state)}` : `${shown.kind} ${hint}`;
  if (key !== drawnCard || decision !== drawnDecision) {
    drawnCard = key;
    drawnDecision = decision;
    card.dataset.verdict = away ? "past" : (decision?.verdict ?? "none");
    replaceContent(card, ...(decision ? wholeCard(decision, shown.away) : quietCard(shown.kind, { hint, urls })));
    announce(shown, decision, hint);
  }
  if (away) setText(find("[data-away] span", card), awaySentence(shown.away));
}

/** Each decision is said once, in a sentence or two: the card has too many numbers to be read aloud with every change. */
function announce(shown, decision, hint) {
  const { title, text } = decision ? {} : quietWords(shown.kind, hint);
  if (!decision) setText(say, shown.kind === "looking" ? hint : interpolate(gettext("%(title)s. %(text)s"), { title, text }));
  else if (decision !== said) setText(say, spokenDecision(decision));
  said = decision ?? said;
}

function wholeCard(decision, away) {
  return decisionCard(decision, {
    hello: state.hello,
    urls,
    away,
    onAgain: again,
    onChallenge: away === null && mayChallenge(decision, state) ? () => challenge(decision.track) : null,
    failure: failureOf(decision, state),
  });
}

/** What the person could do better. A hint is held for a while to be read, but never under another title. */
function hintFor(shown) {
  const urgent = shown.kind === "nobody" || shown.kind !== drawnKind;
  drawnKind = shown.kind;
  return hints.offer(hintNow(shown), performance.now(), urgent);
}

function hintNow({ kind, face }) {
  if (kind === "nobody" && !panel.camera.isOn) return gettext("Start the camera to begin.");
  if (kind === "nobody" && !socket.isOpen) return gettext("Waiting for the connection…");
  const code = face?.reasons[0] ?? face?.quality.reasons[0];
  return (kind === "looking" && sentences[code]) || "";
}

function again() {
  dispatch({ type: "again" });
  configure();
  card.focus(); // the button that was pressed is gone
  if (!panel.camera.isOn) panel.camera.start();
}

function setMode(mode) {
  toggle(find("[data-picker]", root), mode === "verify");
  dispatch({ type: "mode", mode });
  showHelp();
  configure();
}

for (const radio of root.querySelectorAll("input[name=mode]")) {
  radio.addEventListener("change", () => setMode(radio.value));
}

setInterval(() => {
  panel.showRate();
  if (state.faces.length && performance.now() - lastResultAt > STALE_MS) {
    overlay.clear();
    dispatch({ type: "stale" });
  }
  render(); // a verdict fades with its face
}, 500);

async function begin() {
  const { claimedId, claimedName } = root.dataset;
  const mode = claimedId ? "verify" : root.querySelector("input[name=mode]:checked").value;
  find(`input[name=mode][value=${mode}]`, root).checked = true;
  setMode(mode);
  if (claimedId) {
    const person = { id: claimedId, name: claimedName };
    picker.choose(person, { quiet: true });
    dispatch({ type: "claimed", person });
  }
  socket.connect(); // shows at once whether the server is ready
  // A camera that was allowed before starts without a button. A camera that cannot work says so at once.
  const permission = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
  if (permission?.state === "granted" || panel.camera.obstacle) panel.camera.start();
}

begin();
