// From the video element to one binary frame: in a worker where the browser can, else with a canvas of the page.

import { HEADER_BYTES, fitInside, packFrame } from "./core/frame.js";

const QUALITY = 0.8;

/** @param {string|null} workerUrl frame_worker.js as the template addresses it. */
export function createEncoder(workerUrl) {
  const able = workerUrl && "OffscreenCanvas" in self && ("VideoFrame" in self || "createImageBitmap" in self);
  return able ? new WorkerEncoder(workerUrl) : new CanvasEncoder();
}

class WorkerEncoder {
  #worker;
  #waiting = new Map(); // seq -> resolve
  #fallback = null;

  constructor(workerUrl) {
    this.#worker = new Worker(workerUrl, { type: "module" });
    this.#worker.addEventListener("message", ({ data }) => {
      this.#waiting.get(data.seq)?.(data.frame ?? null);
      this.#waiting.delete(data.seq);
    });
    // No module workers, no 2D context in workers, ...: the page's own canvas does the work from now on.
    this.#worker.addEventListener("error", () => this.#giveUp());
  }

  /** @returns {Promise<ArrayBuffer|null>} null: this frame could not be made, but the next one may. */
  async encode(video, job) {
    if (this.#fallback) return this.#fallback.encode(video, job);
    const picture = await grab(video);
    // The video element may know its new shape later than its pictures, when a phone is turned.
    const { width, height } = fitInside(picture.displayWidth ?? picture.width, picture.displayHeight ?? picture.height);
    if (this.#fallback) {
      picture.close();
      return null;
    }
    return new Promise((resolve) => {
      this.#waiting.set(job.seq, resolve);
      this.#worker.postMessage({ ...job, picture, width, height, quality: QUALITY }, [picture]);
    });
  }

  close() {
    this.#worker.terminate();
    this.#settle();
  }

  #giveUp() {
    this.#fallback ??= new CanvasEncoder();
    this.#worker.terminate();
    this.#settle();
  }

  #settle() {
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
  }
}

class CanvasEncoder {
  #canvas = document.createElement("canvas");

  async encode(video, { seq, capturedAt, limit }) {
    Object.assign(this.#canvas, fitInside(video.videoWidth, video.videoHeight));
    this.#canvas.getContext("2d", { alpha: false }).drawImage(video, 0, 0, this.#canvas.width, this.#canvas.height);
    for (const quality of [QUALITY, QUALITY / 2]) {
      const blob = await new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", quality));
      if (!blob) return null;
      if (blob.size + HEADER_BYTES <= limit) return packFrame(seq, capturedAt, await blob.arrayBuffer());
    }
    return null;
  }

  close() {}
}

/** A VideoFrame copies nothing; older browsers copy into a bitmap. */
async function grab(video) {
  if ("VideoFrame" in self) {
    try {
      return new VideoFrame(video);
    } catch {
      // Some browsers cannot make one from a video element that shows a camera.
    }
  }
  return createImageBitmap(video);
}
