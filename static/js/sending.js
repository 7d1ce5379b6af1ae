// A form with files is sent while its page says how much of them has gone. Without this script the browser sends it.
// Files that are larger than the form's data-most-bytes are refused before they are sent.

import { formatPercent } from "./core/format.js";
import { gettext, interpolate } from "./core/words.js";
import { connectAll, find, setText, toggle } from "./dom.js";

function connect(form) {
  const files = () => [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);

  form.addEventListener("submit", (event) => {
    const bytes = files().reduce((sum, file) => sum + file.size, 0);
    const tooLarge = bytes > Number(form.dataset.mostBytes ?? Infinity);
    toggle(find("[data-send-failed]", form), false);
    if (form.dataset.mostBytes) toggle(find("[data-too-large]", form), tooLarge);
    if (!bytes && !tooLarge) return; // nothing takes long: the browser sends it
    event.preventDefault();
    if (!tooLarge) send(form, event.submitter);
  });
}

function send(form, submitter) {
  const data = new FormData(form);
  if (submitter?.name) data.append(submitter.name, submitter.value);
  const request = new XMLHttpRequest(); // fetch() does not say how much has gone
  request.open("POST", form.action);
  request.setRequestHeader("accept", "application/json, text/html"); // see security.web.lead_to()
  request.upload.addEventListener("progress", ({ loaded, total }) => showSent(form, loaded / total));
  request.upload.addEventListener("load", () => showArrived(form));
  request.addEventListener("load", () => answered(form, request));
  request.addEventListener("error", () => failed(form));
  request.send(data);
  showState(form, "going");
  showSent(form, 0);
}

/** state: "going", "arrived", or null while nothing is sent. */
function showState(form, state) {
  toggle(find("[data-sending-progress]", form), state !== null);
  for (const sentence of form.querySelectorAll("[data-sending]")) toggle(sentence, sentence.dataset.sending === state);
  for (const button of form.querySelectorAll("button[type=submit]:not([hidden])")) button.disabled = state !== null;
}

function showSent(form, share) {
  find("progress", form).value = share;
  setText(find("[data-sent]", form), interpolate(gettext("%(percent)s sent"), { percent: formatPercent(share) }));
}

function showArrived(form) {
  showState(form, "arrived");
  find("progress", form).removeAttribute("value"); // nobody knows how long the pictures take
  setText(find("[data-sent]", form), "");
}

function answered(form, request) {
  const isAnswer = request.status === 200 && request.getResponseHeader("Content-Type")?.startsWith("application/json");
  if (isAnswer) return location.assign(JSON.parse(request.responseText).next);
  if (!isSamePage(request.responseURL, form.action)) return location.assign(request.responseURL); // signed out meanwhile
  const content = new DOMParser().parseFromString(request.responseText, "text/html").getElementById("content");
  if (!content) return failed(form); // a proxy's own words
  document.getElementById("content").replaceWith(content);
  document.dispatchEvent(new Event("contentreplaced"));
  scrollTo(0, 0);
  content.focus({ preventScroll: true });
}

const isSamePage = (one, other) => new URL(one).pathname === new URL(other).pathname;

function failed(form) {
  showState(form, null);
  toggle(find("[data-send-failed]", form), true);
}

connectAll("[data-sends]", connect);

// A page that the browser brings back from memory is as it was before anything was sent.
addEventListener("pageshow", (event) => event.persisted && location.reload());
