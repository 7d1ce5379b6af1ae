// The webcam: starts it, stops it and explains what goes wrong. onState gets one state at a time:
//   {name: "off" | "starting" | "on" | "paused" | "error", problem?: {code, title, text}}
// "starting" has a problem, too, once the browser has kept the person waiting. "paused" means that the page is hidden.

import { canvasTellsTheTruth } from "./canvas_check.js";
import { cameraObstacle, explainCamera } from "./core/camera_errors.js";
import { gettext, interpolate } from "./core/words.js";
import { recall, remember } from "./dom.js";

const CHOICE = "facesite.camera";
const PATIENCE_MS = 8000;
const IDEAL = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };

export class Camera {
  #stream = null;
  #attempt = 0;
  #wanted = false;
  #readsPixels = null;

  constructor(video, onState) {
    this.video = video;
    this.onState = onState;
    this.state = { name: "off" };
    document.addEventListener("visibilitychange", () => this.#follow(document.visibilityState === "visible"));
    addEventListener("pagehide", () => this.#follow(false));
    addEventListener("pageshow", () => this.#follow(true));
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#devicesChanged());
  }

  get isOn() {
    return this.state.name === "on";
  }

  /** Why starting would fail at once (an insecure address, an old browser, hidden pixels); null when it may work. */
  get obstacle() {
    this.#readsPixels ??= canvasTellsTheTruth();
    const hasApi = Boolean(navigator.mediaDevices?.getUserMedia);
    return cameraObstacle({ secure: isSecureContext, hasApi, readsPixels: this.#readsPixels });
  }

  /** A front camera (or a webcam, which names no direction) shows the person as a mirror would. */
  get mirrored() {
    return this.#track?.getSettings?.().facingMode !== "environment";
  }

  get #track() {
    return this.#stream?.getVideoTracks()[0] ?? null;
  }

  /** @param {string|null} deviceId the camera picked just now. null: the remembered one, else the front one. */
  async start(deviceId = null) {
    this.#wanted = true;
    if (deviceId) remember(CHOICE, deviceId);
    const attempt = this.#beginAttempt();
    if (this.obstacle) return this.#fail(this.obstacle);
    this.#tell({ name: "starting" });
    const impatience = setTimeout(() => {
      if (attempt === this.#attempt) this.#tell({ name: "starting", problem: explainCamera("waiting") });
    }, PATIENCE_MS);
    try {
      const stream = await this.#open();
      if (attempt !== this.#attempt) return stopTracks(stream); // stopped, or started anew, while we waited
      await this.#show(stream, attempt);
    } catch (error) {
      if (attempt === this.#attempt) this.#fail(explainCamera(error.name));
    } finally {
      clearTimeout(impatience);
    }
  }

  stop() {
    this.#wanted = false;
    this.#release();
    this.#tell({ name: "off" });
  }

  /** Cameras with their names; names are known only once the camera was allowed. */
  async cameras() {
    const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    const current = this.#track?.getSettings?.().deviceId;
    return devices
      .filter((device) => device.kind === "videoinput" && device.deviceId)
      .map((device, index) => ({
        id: device.deviceId,
        label: device.label || interpolate(gettext("Camera %(number)s"), { number: index + 1 }),
        current: device.deviceId === current,
      }));
  }

  async #open() {
    const remembered = recall(CHOICE);
    if (!remembered) return requestVideo({ facingMode: { ideal: "user" } });
    try {
      return await requestVideo({ deviceId: { exact: remembered } });
    } catch (error) {
      if (!["OverconstrainedError", "NotFoundError"].includes(error.name)) throw error;
      remember(CHOICE, null); // it was unplugged since: any other camera is better than none
      return requestVideo({ facingMode: { ideal: "user" } });
    }
  }

  async #show(stream, attempt) {
    this.#stream = stream;
    this.#track.addEventListener("ended", () => {
      if (stream === this.#stream) this.#fail(explainCamera("ended"));
    });
    this.video.srcObject = stream;
    await this.video.play();
    if (attempt === this.#attempt) this.#tell({ name: "on" });
  }

  #beginAttempt() {
    this.#release();
    return this.#attempt;
  }

  /** Every start and stop is a new attempt, so that a late answer to an older one is thrown away. */
  #release() {
    this.#attempt += 1;
    stopTracks(this.#stream);
    this.#stream = null;
    this.video.srcObject = null;
  }

  #fail(problem) {
    this.#release();
    this.#tell({ name: "error", problem });
  }

  #tell(state) {
    this.state = state;
    this.onState(state);
  }

  /** The camera is off, and so is its light, while nobody looks at the page. */
  #follow(visible) {
    if (!visible && ["on", "starting"].includes(this.state.name)) {
      this.#release();
      this.#tell({ name: "paused" });
    } else if (visible && this.#wanted && this.state.name === "paused") {
      this.start();
    }
  }

  #devicesChanged() {
    if (this.#wanted && this.state.name === "error" && ["ended", "NotFoundError"].includes(this.state.problem.code)) {
      this.cameras().then((cameras) => cameras.length && this.start());
    } else if (this.isOn) {
      this.onState(this.state); // the list of cameras changed
    }
  }
}

function requestVideo(constraints) {
  return navigator.mediaDevices.getUserMedia({ audio: false, video: { ...IDEAL, ...constraints } });
}

function stopTracks(stream) {
  stream?.getTracks().forEach((track) => track.stop());
}
