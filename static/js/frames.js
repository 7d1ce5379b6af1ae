// Takes pictures from the preview as fast as answers come back, and never faster.

import { Flight } from "./core/flight.js";
import { createEncoder } from "./encoder.js";

const FRAMES_PER_SECOND = 15; // smooth for the eye; more would only cost the server
const TIMER_MS = 33;

/**
 * `socket` has isOpen, bufferedAmount and sendFrame(buffer); `wanted()` says whether a frame is of use now.
 * The page calls answered(seq) and refused(seq) when the server says so.
 */
export class FramePump {
  #encoder = null;
  #seq = 0;
  #nextAt = 0;
  #running = false;
  #request = null;

  constructor({ video, socket, workerUrl, wanted }) {
    Object.assign(this, { video, socket, workerUrl, wanted });
    this.flight = new Flight();
    this.limit = 524288;
    this.spacing = 1000 / FRAMES_PER_SECOND;
  }

  /** Keep to what `hello` allows. A fifth of the rate is left unused, because the clocks of both sides differ. */
  obey({ frame_bytes: bytes, frames_per_second: rate }) {
    if (bytes) this.limit = bytes;
    if (rate) this.spacing = 1000 / Math.min(FRAMES_PER_SECOND, rate * 0.8);
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    this.#encoder ??= createEncoder(this.workerUrl);
    this.#schedule();
  }

  stop() {
    this.#running = false;
    if (this.#request !== null) this.#unschedule();
  }

  /** A new connection knows nothing of the frames sent over the last one. */
  reset() {
    this.flight.clear();
  }

  /** @returns {number|null} ms from taking the picture to its answer. */
  answered(seq) {
    return this.flight.answered(seq, performance.now());
  }

  refused(seq) {
    this.flight.release(seq);
  }

  #schedule() {
    if (this.video.requestVideoFrameCallback) {
      this.#request = this.video.requestVideoFrameCallback((now, metadata) => this.#tick(now, metadata.captureTime));
    } else {
      this.#request = setTimeout(() => this.#tick(performance.now()), TIMER_MS);
    }
  }

  #unschedule() {
    if (this.video.cancelVideoFrameCallback) this.video.cancelVideoFrameCallback(this.#request);
    else clearTimeout(this.#request);
    this.#request = null;
  }

  #tick(now, captureTime = now) {
    if (!this.#running) return;
    this.#schedule();
    if (now < this.#nextAt || !this.socket.isOpen || !this.video.videoWidth || !this.wanted()) return;
    if (!this.flight.canSend(now, this.socket.bufferedAmount)) return;
    this.#nextAt = now + this.spacing * 0.9; // 0.9: a 30 Hz camera's jitter must not halve the rate
    this.#send(now, performance.timeOrigin + captureTime);
  }

  async #send(now, capturedAt) {
    const seq = this.#seq;
    this.#seq = (this.#seq + 1) % 0x100000000;
    this.flight.take(seq, now);
    const frame = await this.#encoder.encode(this.video, { seq, capturedAt, limit: this.limit }).catch(() => null);
    if (frame && this.#running && this.socket.isOpen && this.wanted()) {
      this.flight.sent(frame.byteLength);
      this.socket.sendFrame(frame);
    } else {
      this.flight.release(seq);
    }
  }
}
