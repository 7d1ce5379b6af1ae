// The enrollment page: details -> guided capture -> saved.

import { CameraPanel } from "./camera_panel.js";
import {
  advance,
  arrowFor,
  canFinish,
  finishLabel,
  guideMood,
  hasUnsaved,
  instruction,
  isComplete,
  newEnrollment,
  newPerson,
  poorQuality,
  stuckOn,
  wantsFrames,
} from "./core/enrollment.js";
import { formatNumber, formatScore } from "./core/format.js";
import { Steady } from "./core/steady.js";
import { gettext, interpolate, ngettext } from "./core/words.js";
import { el, find, icon, setText, svg, toggle, withUuid } from "./dom.js";
import { FramePump } from "./frames.js";
import { Socket } from "./socket.js";

const POSES = {
  front: { name: gettext("Front"), sample: gettext("Sample: front"), remove: gettext("Remove this sample (front)") },
  left: { name: gettext("Left"), sample: gettext("Sample: left"), remove: gettext("Remove this sample (left)") },
  right: { name: gettext("Right"), sample: gettext("Sample: right"), remove: gettext("Remove this sample (right)") },
};
const OTHER_POSE = { name: gettext("Other"), sample: gettext("Sample"), remove: gettext("Remove this sample") };
const FIELD_OF = {
  name_invalid: "name",
  external_id_invalid: "external_id",
  external_id_taken: "external_id",
  consent_required: "consent",
  validity_invalid: "valid_until",
  group_unknown: "groups",
};
const AWAY_RETRY_MS = 3000;
const RING = "M150 36A84 112 0 1 1 149.99 36";

const root = find("[data-enrollment]");
const form = root.querySelector("form[data-step=details]");
const personId = root.dataset.personId ?? null;
const guide = find("[data-guide]", root);
const duplicateDialog = find("[data-duplicate]");
const leaveDialog = find("[data-leave]");
const poorDialog = find("[data-poor]");
const calm = new Steady(800);
const smallScreen = matchMedia("(max-width: 60rem)");

let state = newEnrollment();
let drawnSamples = null;
let lastSentAt = 0;
let addedTo = null; // the person whom the operator chose for these samples, instead of enrolling a new one

function dispatch(event) {
  const before = state;
  state = advance(state, event);
  if (state !== before) render(before);
}

const panel = new CameraPanel(root, {
  onStartPressed: begin,
  onChange: (camera) => {
    if (camera.name === "on") {
      if (state.step === "capturing") socket.connect(); // it may have rested while the page was hidden
      pump.start();
    } else {
      pump.stop();
    }
    render(state);
  },
});

const socket = new Socket({
  path: root.dataset.socket,
  loginUrl: root.dataset.loginUrl,
  onState: (connection) => panel.showConnection(connection),
  onMessage: receive,
  onLost: () => {
    pump.reset();
    dispatch({ type: "disconnected" });
  },
});

const pump = new FramePump({
  video: panel.video,
  socket,
  workerUrl: root.dataset.workerUrl,
  wanted: () => wantsFrames(state, performance.now() - lastSentAt),
});

/** Everything that the server needs to know before the first frame. It is sent again on every new connection. */
function configureMessage() {
  if (personId) return { type: "configure", person_id: personId };
  const { consent, consent_text: text } = form.elements;
  return { type: "configure", person: newPerson(new FormData(form)), consent: consent.checked, consent_text: text.value };
}

function begin() {
  if (state.step !== "capturing") dispatch({ type: "began" });
  if (smallScreen.matches) find("[data-instruction]", root).scrollIntoView({ block: "start" });
  if (socket.isOpen) socket.send(configureMessage());
  else socket.connect();
  panel.camera.start();
}

function receive(message) {
  if (message.type === "hello") {
    pump.obey(message.limits);
    if (state.step === "capturing") socket.send(configureMessage());
  } else if (message.type === "result") {
    lastSentAt = performance.now();
    panel.countAnswer(pump.answered(message.seq));
    dispatch({ ...message, now: lastSentAt });
  } else if (message.type === "error") {
    refuse(message);
  } else {
    dispatch(message);
  }
}

function refuse({ code, message, seq }) {
  if (seq !== undefined) pump.refused(seq);
  if (code === "not_configured") return; // frames that were under way when the session ended
  if (code === "database_away") configureLater();
  if (FIELD_OF[code] && form) {
    backToDetails();
    showFieldError(FIELD_OF[code], message);
  } else {
    dispatch({ type: "refused", message });
  }
}

/** What was refused may have been the beginning; with nothing captured yet, beginning again loses nothing. */
function configureLater() {
  setTimeout(() => {
    if (state.step === "capturing" && !hasUnsaved(state)) socket.send(configureMessage());
  }, AWAY_RETRY_MS);
}

function backToDetails() {
  socket.send({ type: "cancel" });
  panel.camera.stop();
  dispatch({ type: "cancelled" });
}

// Drawing

function render(before) {
  const focused = document.activeElement; // hiding it leaves the focus nowhere
  for (const part of root.querySelectorAll("[data-step]")) toggle(part, part.dataset.step === visibleStep());
  for (const mark of root.querySelectorAll("[data-step-mark]")) {
    if (mark.dataset.stepMark === visibleStep()) mark.setAttribute("aria-current", "step");
    else mark.removeAttribute("aria-current");
  }
  if (before.step !== state.step) keepFocus(focused);
  renderGuide();
  renderSamples();
  renderStuck();
  renderDialog();
  setText(find("[data-notice-text]", root), state.notice);
  toggle(find("[data-notice]", root), Boolean(state.notice));
  if (isComplete(state) && !isComplete(before) && smallScreen.matches) find("[data-finish]", root).scrollIntoView({ block: "nearest" });
  if (state.step === "done" && before.step !== "done") showDone(before.samples);
}

/** What was pressed is gone or disabled from now on: the focus goes to what the person is asked. */
function keepFocus(focused) {
  if (focused.closest("[data-step][hidden]") || focused === find("[data-finish]", root)) {
    find("[data-instruction]", root).focus({ preventScroll: true });
  }
}

/** Nobody has to turn the head to be enrolled. */
function renderStuck() {
  const stuck = stuckOn(state, performance.now());
  const offer = find("[data-stuck]", root);
  const hadFocus = offer.contains(document.activeElement);
  toggle(offer, stuck !== null);
  toggle(find("[data-stuck-turn]", root), stuck === "turn");
  toggle(find("[data-skip]", root), stuck === "turn");
  toggle(find("[data-stuck-other]", root), stuck === "other");
  if (hadFocus && stuck !== "turn") find("[data-instruction]", root).focus({ preventScroll: true });
}

function visibleStep() {
  if (state.step === "details") return personId ? "capturing" : "details";
  return state.step === "done" ? "done" : "capturing";
}

function renderGuide() {
  const shown = calm.offer(guideNow(), performance.now(), !panel.camera.isOn || isComplete(state));
  const [mood, guidance, text] = shown.split("|");
  const line = find("[data-instruction]", root);
  line.dataset.mood = mood;
  setText(line, text);
  guide.dataset.mood = mood;
  guide.dataset.arrow = (mood === "good" && arrowFor(guidance, panel.mirrored)) || "none";
}

/** "mood|code|words": one value, so that it is held or replaced as a whole. */
function guideNow() {
  if (!panel.camera.isOn) return ["idle", "", gettext("Start the camera to begin.")].join("|");
  if (!socket.isOpen) return ["idle", "", gettext("Waiting for the connection…")].join("|");
  return `${guideMood(state)}|${state.code ?? ""}|${instruction(state)}`;
}

function renderSamples() {
  const finish = find("[data-finish]", root);
  finish.disabled = !canFinish(state);
  setText(finish, finishLabel(state));
  finish.classList.toggle("is-suggested", isComplete(state));
  finish.classList.toggle("btn--primary", poorQuality(state) === null);
  if (drawnSamples === state.samples) return;
  drawnSamples = state.samples;
  const missing = Math.max(0, state.needed - state.samples.length);
  setText(find("[data-progress]", root), interpolate(gettext("%(taken)s of %(needed)s"), { taken: state.samples.length, needed: state.needed }));
  find("[data-samples]", root).replaceChildren(
    ...state.samples.map(sampleItem),
    ...Array.from({ length: missing }, () => el("li", { class: "thumb thumb--empty", "aria-hidden": "true" }, icon("account"))),
  );
  find("[data-ring]", guide).replaceChildren(...ringSegments(state.samples.length, state.needed));
}

function sampleItem({ sample, pose, thumbnail, quality, liveness }) {
  const words = POSES[pose] ?? OTHER_POSE;
  return el(
    "li",
    { class: "thumb" },
    el("img", { src: thumbnail, alt: words.sample, width: 112, height: 112 }),
    el("p", { class: "thumb__note" }, el("span", {}, words.name), el("span", { title: gettext("Picture quality") }, formatScore(quality.score))),
    liveness?.verdict === "attack" ? el("p", { class: "thumb__note" }, gettext("Looks like a picture or a screen")) : null,
    el(
      "button",
      { class: "btn btn--icon btn--small thumb__action", type: "button", "aria-label": words.remove, click: () => discard(sample) },
      icon("close"),
    ),
  );
}

function ringSegments(filled, needed) {
  const share = 100 / needed;
  return Array.from({ length: needed }, (_, index) =>
    svg("path", {
      class: index < filled ? "guide__segment guide__segment--filled" : "guide__segment",
      d: RING,
      pathLength: 100,
      "stroke-dasharray": `${share - 2} ${100 - share + 2}`,
      "stroke-dashoffset": -(index * share + 1),
    }),
  );
}

function renderDialog() {
  const wanted = state.step === "duplicate";
  if (wanted && !duplicateDialog.open) {
    find("[data-candidates]", duplicateDialog).replaceChildren(...state.candidates.map(candidateItem));
    duplicateDialog.showModal();
  } else if (!wanted && duplicateDialog.open) {
    duplicateDialog.close();
    if (state.step === "capturing") find("[data-finish]", root).focus(); // it was disabled while the dialog opened, and lost the focus
  }
}

function candidateItem({ person, comparison_score: score, new_thumbnail: newFace, thumbnail }) {
  return el(
    "li",
    {},
    el(
      "div",
      { class: "facing" },
      facingFigure(newFace, gettext("New picture")),
      el("p", { class: "facing__score" }, formatScore(score), el("span", { class: "small muted" }, gettext("comparison score"))),
      facingFigure(thumbnail, person.name),
    ),
    el("button", { class: "btn", type: "button", click: () => finish({ add_to: person.id }) }, gettext("Same person: add the samples to them")),
  );
}

function facingFigure(source, caption) {
  return el("figure", {}, el("img", { src: source, alt: "", width: 112, height: 112 }), el("figcaption", {}, caption));
}

function savedSentence() {
  if (state.saved === 0) return gettext("These pictures are kept already, so nothing had to be saved.");
  const saved = ngettext("%(count)s sample was saved.", "%(count)s samples were saved.", state.saved);
  return `${interpolate(saved, { count: formatNumber(state.saved) })} ${state.message}`.trim();
}

function showDone(samples) {
  const known = personId || addedTo;
  setText(find("[data-done-title]", root), interpolate(known ? gettext("Saved for %(name)s") : gettext("%(name)s is enrolled"), state.person));
  setText(find("[data-done-text]", root), savedSentence());
  find("[data-done-faces]", root).replaceChildren(
    ...samples.map(({ sample, thumbnail }) => {
      const aside = state.setAside.includes(sample);
      return el("li", aside ? { class: "is-aside" } : {}, el("img", { src: thumbnail, alt: aside ? gettext("Set aside") : "", width: 64, height: 64 }));
    }),
  );
  find("[data-done-person]", root).href = personUrl(state.person);
  panel.camera.stop();
  socket.close();
  find("[data-done-title]", root).focus();
}

const personUrl = (person) => withUuid(root.dataset.personUrl, person.id);

// What the operator does

function discard(sample) {
  socket.send({ type: "discard", sample });
  dispatch({ type: "discarded", sample });
  find(canFinish(state) ? "[data-finish]" : "[data-instruction]", root).focus();
}

/** answer: what the operator says about a possible duplicate. */
function finish(answer = {}) {
  if (!canFinish(state) && state.step !== "duplicate") return;
  addedTo = answer.add_to ?? null;
  dispatch({ type: "finishing" });
  socket.send({ type: "finish", ...answer });
}

/** The first press of the button: a picture that hardly anybody is recognised by is not saved without a word. */
function askToFinish() {
  const poor = poorQuality(state);
  if (!canFinish(state) || poor === null) return finish();
  setText(find("[data-poor-score]", poorDialog), formatScore(poor));
  poorDialog.showModal();
}

function finishAllTheSame() {
  poorDialog.close();
  finish();
}

function skip() {
  socket.send({ type: "skip" });
  dispatch({ type: "skipped" });
}

function leaveFor(address) {
  state = newEnrollment(); // the operator has decided: the browser must not ask again
  location.assign(address);
}

function cancel() {
  if (hasUnsaved(state)) leaveDialog.showModal();
  else leave();
}

function leave() {
  leaveDialog.close();
  if (personId) return leaveFor(personUrl({ id: personId }));
  backToDetails();
  form.elements.name.focus();
}

function showFieldError(field, message) {
  const line = form.querySelector(`[data-error-for=${field}]`);
  if (!line) return; // groups that this operator does not see
  setText(line, message);
  toggle(line, Boolean(message));
  const control = form.querySelector(`[name=${field}]`); // the first one where there are several
  control.setAttribute("aria-invalid", String(Boolean(message)));
  if (!message) return;
  const fold = control.closest("details");
  if (fold) fold.open = true;
  control.focus();
}

function submitDetails(event) {
  event.preventDefault();
  const { name, consent } = form.elements;
  const faults = { groups: "", valid_until: "", valid_from: "", consent: "", external_id: "", name: "" };
  if (consent.required && !consent.checked) faults.consent = gettext("Pictures may only be taken once the person has agreed.");
  if (!name.value.trim()) faults.name = gettext("Please enter the person's name.");
  for (const day of ["valid_from", "valid_until"]) {
    if (form.elements[day].validity.badInput) faults[day] = gettext("This day is not complete. Finish it or leave it empty.");
  }
  for (const [field, fault] of Object.entries(faults)) showFieldError(field, fault); // the last call takes the focus: so the first fault comes last
  if (!Object.values(faults).some(Boolean)) begin();
}

form?.addEventListener("submit", submitDetails);
find("[data-finish]", root).addEventListener("click", askToFinish);
find("[data-skip]", root).addEventListener("click", skip);
find("[data-poor-more]").addEventListener("click", () => poorDialog.close());
find("[data-poor-save]").addEventListener("click", finishAllTheSame);
find("[data-cancel]", root).addEventListener("click", cancel);
find("[data-duplicate-back]").addEventListener("click", () => dispatch({ type: "reconsidered" }));
find("[data-duplicate-save]").addEventListener("click", () => finish({ despite_duplicate: true }));
duplicateDialog.addEventListener("cancel", () => dispatch({ type: "reconsidered" }));
find("[data-leave-stay]").addEventListener("click", () => leaveDialog.close());
find("[data-leave-go]").addEventListener("click", leave);
addEventListener("beforeunload", (event) => hasUnsaved(state) && event.preventDefault());
setInterval(() => {
  panel.showRate();
  renderGuide(); // so that a held instruction changes even when no frame comes
  renderStuck();
}, 1000);
render(state);
