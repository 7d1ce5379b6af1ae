// Ties a Camera to templates/_stage.html: cover, start and stop buttons, camera picker, status line.

import { Camera } from "./camera.js";
import { stageShape } from "./core/boxes.js";
import { formatMs, formatNumber } from "./core/format.js";
import { RateMeter } from "./core/rate.js";
import { gettext, interpolate } from "./core/words.js";
import { el, find, setIcon, setText, toggle } from "./dom.js";

const COVERS = {
  off: { icon: "camera", title: gettext("The camera is off"), text: gettext("Pictures go to this server only. Frames are looked at and forgotten.") },
  starting: { icon: "camera", title: gettext("Starting the camera…"), text: gettext("Allow the camera if the browser asks.") },
  paused: { icon: "camera-off", title: gettext("Paused"), text: gettext("The camera rests while this page is hidden.") },
};

export class CameraPanel {
  /** onChange(state) is called after the panel has drawn a state of the camera. */
  constructor(root, { onChange, onStartPressed = null }) {
    this.stage = find("[data-stage]", root);
    this.video = find("[data-video]", root);
    this.parts = {
      cover: find("[data-cover]", root),
      title: find("[data-cover-title]", root),
      text: find("[data-cover-text]", root),
      start: find("[data-camera-start]", root),
      startText: find("[data-camera-start-text]", root),
      stop: find("[data-camera-stop]", root),
      field: find("[data-camera-field]", root),
      picker: find("[data-camera-picker]", root),
      connection: find("[data-connection]", root),
      connectionText: find("[data-connection-text]", root),
      rate: find("[data-rate]", root),
      outage: find("[data-outage]", root),
      outageText: find("[data-outage-text]", root),
    };
    this.interrupted = false;
    this.onChange = onChange;
    this.meter = new RateMeter();
    this.camera = new Camera(this.video, (state) => this.#show(state));
    this.video.addEventListener("resize", () => this.#fitStage()); // a phone was turned
    this.parts.start.addEventListener("click", () => (onStartPressed ? onStartPressed() : this.camera.start()));
    this.parts.stop.addEventListener("click", () => {
      this.camera.stop();
      this.parts.start.focus();
    });
    this.parts.picker.addEventListener("change", () => this.camera.start(this.parts.picker.value));
  }

  get mirrored() {
    return this.camera.mirrored;
  }

  showConnection({ name, text }) {
    this.parts.connection.dataset.state = name;
    setText(this.parts.connectionText, text);
    if (name !== "open") this.meter.clear();
    this.#coverOutage(name, text);
  }

  /** The picture goes on without a server: what has happened stands over it, where everybody looks. */
  #coverOutage(name, text) {
    if (name !== "connecting") this.interrupted = name === "waiting" || name === "stopped";
    this.stage.dataset.interrupted = String(this.interrupted);
    setText(this.parts.outageText, text);
    toggle(this.parts.outage, this.interrupted);
  }

  /** @param {number|null} latency ms of the frame that was answered just now. */
  countAnswer(latency) {
    if (latency !== null) this.meter.add(performance.now(), latency);
  }

  /** The page calls this once a second: that is often enough for numbers to read. */
  showRate() {
    const read = this.camera.isOn ? this.meter.read(performance.now()) : null;
    const words = gettext("%(rate)s frames/s · %(latency)s");
    setText(this.parts.rate, read ? interpolate(words, { rate: formatNumber(read.fps, 1), latency: formatMs(read.latency) }) : "");
  }

  #show(state) {
    const { cover, title, text, start, startText, stop } = this.parts;
    const hadFocus = [start, stop].includes(document.activeElement);
    this.stage.dataset.state = state.name;
    this.stage.dataset.mirrored = String(this.mirrored);
    toggle(cover, state.name !== "on");
    toggle(stop, state.name === "on" || state.name === "starting");
    toggle(start, ["off", "error"].includes(state.name));
    setText(startText, state.name === "error" ? gettext("Try again") : gettext("Start the camera"));
    if (hadFocus) ([start, stop].find((button) => !button.closest("[hidden]")) ?? this.stage).focus({ preventScroll: true });
    if (state.name !== "on") {
      const words = state.problem ? { icon: "camera-off", ...state.problem } : COVERS[state.name];
      setText(title, words.title);
      setText(text, words.text);
      setIcon(cover, words.icon ?? "camera-off");
      cover.setAttribute("role", state.problem ? "alert" : "status");
      this.meter.clear();
    }
    this.#fitStage();
    this.#listCameras();
    this.onChange(state);
  }

  #fitStage() {
    const { videoWidth, videoHeight } = this.video;
    if (videoWidth) this.stage.style.aspectRatio = stageShape(videoWidth, videoHeight).toFixed(4);
  }

  async #listCameras() {
    const { field, picker } = this.parts;
    const cameras = await this.camera.cameras();
    toggle(field, cameras.length > 1);
    picker.replaceChildren(
      ...cameras.map(({ id, label, current }) => el("option", { value: id, selected: current }, label)),
    );
  }
}
