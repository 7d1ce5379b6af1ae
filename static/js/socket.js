// A WebSocket that connects again by itself and says in words what is going on.
// onState gets {name: "connecting" | "open" | "waiting" | "idle" | "stopped", text}.

import { backoffMs } from "./core/backoff.js";
import { explainClose } from "./core/closing.js";
import { gettext } from "./core/words.js";

const STABLE_MS = 5000;

export class Socket {
  #socket = null;
  #failures = 0;
  #timer = null;
  #wanted = false;
  #lastText = "";

  constructor({ path, loginUrl, onState, onMessage, onOpen = () => {}, onLost = () => {} }) {
    Object.assign(this, { path, loginUrl, onState, onMessage, onOpen, onLost });
    addEventListener("online", () => this.#hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.#hurry());
    addEventListener("pagehide", () => this.#socket?.close(1000));
    addEventListener("pageshow", (event) => event.persisted && this.#hurry());
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Connects, unless it is connected already or about to be. */
  connect() {
    this.#wanted = true;
    if (this.#socket || this.#timer) return;
    this.#open();
  }

  close() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#timer = null;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(1000);
    this.onState({ name: "idle", text: gettext("Not connected") });
  }

  send(message) {
    if (this.isOpen) this.#socket.send(JSON.stringify(message));
  }

  sendFrame(frame) {
    if (this.isOpen) this.#socket.send(frame);
  }

  #open() {
    this.onState({ name: "connecting", text: (this.#failures && this.#lastText) || gettext("Connecting…") });
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(`${scheme}//${location.host}${this.path}`);
    this.#socket = socket;
    let openedAt = null;
    socket.addEventListener("open", () => {
      if (socket !== this.#socket) return;
      openedAt = performance.now();
      this.onState({ name: "open", text: gettext("Connected") });
      this.onOpen();
    });
    socket.addEventListener("message", ({ data }) => {
      if (socket === this.#socket) this.onMessage(JSON.parse(data));
    });
    socket.addEventListener("close", ({ code }) => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      // A server that accepts and closes at once must not be asked again in a tight loop.
      if (openedAt !== null && performance.now() - openedAt > STABLE_MS) this.#failures = 0;
      this.#closed(code);
    });
  }

  #closed(code) {
    this.onLost(code);
    if (!this.#wanted) return;
    const { action, text, wait } = explainClose(code, this.#failures);
    if (action === "retry") {
      const pause = Math.max(wait, backoffMs(this.#failures));
      this.#failures += 1;
      this.#lastText = text ?? this.#lastText;
      this.onState({ name: "waiting", text: this.#lastText });
      this.#timer = setTimeout(() => {
        this.#timer = null;
        this.#open();
      }, pause);
      return;
    }
    this.#wanted = false;
    this.onState({ name: action === "idle" ? "idle" : "stopped", text });
    if (action === "login") location.assign(`${this.loginUrl}?next=${encodeURIComponent(location.pathname)}`);
  }

  /** The network is back, or the person is: connect now, without the rest of the wait. */
  #hurry() {
    if (!this.#timer || !this.#wanted) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#open();
  }
}
