// The prompts of a challenge over the preview: words, arrow, steps and time. Nothing flashes; every change is said once.

import { arrowOf, isRunning, isShown, secondsLeft, shareLeft, stepSentence } from "./core/challenge.js";
import { gettext, interpolate } from "./core/words.js";
import { find, setText, toggle } from "./dom.js";

export class ChallengePanel {
  #parts;
  #challenge = null;
  #mirrored = false;

  constructor(root, { onCancel }) {
    this.#parts = {
      panel: find("[data-challenge]", root),
      text: find("[data-challenge-text]", root),
      step: find("[data-challenge-step]", root),
      seconds: find("[data-challenge-seconds]", root),
      time: find("[data-challenge-time]", root),
      cancel: find("[data-challenge-cancel]", root),
      say: find("[data-challenge-say]", root),
    };
    this.#parts.cancel.addEventListener("click", onCancel);
    setInterval(() => this.#tick(), 250);
  }

  /** @param challenge of core/challenge.js, or null. @returns whether the focus was in the panel and has to move. */
  draw(challenge, { mirrored }) {
    if (challenge === this.#challenge && mirrored === this.#mirrored) return false;
    const began = isRunning(challenge) && !isRunning(this.#challenge);
    const { panel, text, step, say, cancel } = this.#parts;
    const hadFocus = panel.contains(document.activeElement);
    this.#challenge = challenge;
    this.#mirrored = mirrored;
    if (challenge) {
      panel.dataset.arrow = arrowOf(challenge, mirrored);
      setText(text, challenge.text);
      setText(step, stepSentence(challenge));
    }
    setText(say, challenge ? `${challenge.text} ${stepSentence(challenge)}` : "");
    toggle(cancel, isRunning(challenge));
    this.#tick();
    if (began) {
      cancel.focus({ preventScroll: true });
      panel.parentElement.scrollIntoView({ block: "nearest" }); // on a phone the button was pressed below the picture
    }
    return hadFocus && !isRunning(challenge);
  }

  #tick() {
    const now = performance.now();
    const left = secondsLeft(this.#challenge, now);
    toggle(this.#parts.panel, isShown(this.#challenge, now));
    toggle(this.#parts.time, left !== null);
    setText(this.#parts.seconds, left === null ? "" : interpolate(gettext("%(seconds)s s left"), { seconds: left }));
    this.#parts.time.style.setProperty("--left", shareLeft(this.#challenge, now).toFixed(3));
  }
}
