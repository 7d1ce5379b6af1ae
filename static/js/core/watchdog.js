// What a kiosk does by itself when something has stopped: nobody is there to press a button. Times in ms.

const FROZEN = 8000;
const FIRST_PAUSE = 2000;
const LONGEST_PAUSE = 30000;
const CAMERA_TRIES = 5;
const SILENT = 180000;
const OLD = 24 * 3600 * 1000;

export class Watchdog {
  #begunAt;
  #videoTime = null;
  #videoChangedAt;
  #openAt;
  #tries = 0;
  #nextTryAt = 0;

  constructor(now) {
    this.#begunAt = this.#videoChangedAt = this.#openAt = now;
  }

  /**
   * @param {{now: number, camera: string, videoTime: number, socketOpen: boolean, nobody: boolean}} seen
   * camera: the Camera's state; videoTime: the video element's. @returns {"camera"|"reload"|null} what to start anew.
   */
  look({ now, camera, videoTime, socketOpen, nobody }) {
    if (socketOpen) this.#openAt = now;
    if (now - this.#openAt > SILENT || (nobody && now - this.#begunAt > OLD)) return "reload";
    if (videoTime !== this.#videoTime) {
      this.#videoTime = videoTime;
      this.#videoChangedAt = now;
      if (camera === "on") this.#tries = 0;
    }
    const frozen = camera === "on" && now - this.#videoChangedAt > FROZEN;
    if ((camera !== "error" && camera !== "off" && !frozen) || now < this.#nextTryAt) return null;
    this.#videoChangedAt = now;
    this.#nextTryAt = now + Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#tries);
    this.#tries += 1;
    return this.#tries > CAMERA_TRIES ? this.#giveUp() : "camera";
  }

  #giveUp() {
    this.#tries = 0;
    return "reload";
  }
}
