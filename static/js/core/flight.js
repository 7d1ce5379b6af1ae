/**
 * Which frames the server has not answered yet. At most `limit` at a time, so that the pictures shown are never old;
 * nothing is sent while the network still holds more than one frame. A frame that got no answer within `patience` ms
 * is given up, so that one lost answer cannot stop the stream.
 */
export class Flight {
  #waiting = new Map(); // seq -> when it was taken, ms
  #frameBytes = 0;

  constructor({ limit = 2, patience = 5000 } = {}) {
    this.limit = limit;
    this.patience = patience;
  }

  get count() {
    return this.#waiting.size;
  }

  canSend(now, bufferedAmount = 0) {
    for (const [seq, taken] of this.#waiting) if (now - taken > this.patience) this.#waiting.delete(seq);
    if (this.#frameBytes && bufferedAmount > this.#frameBytes) return false;
    return this.#waiting.size < this.limit;
  }

  /** A frame is being made: it takes its place before it is encoded. */
  take(seq, now) {
    this.#waiting.set(seq, now);
  }

  sent(bytes) {
    this.#frameBytes = bytes;
  }

  /** This one frame was answered by an error, or never left. */
  release(seq) {
    this.#waiting.delete(seq);
  }

  /**
   * A result for `seq`. Answers come in order, so every older frame has been answered or dropped as well.
   * @returns {number|null} ms from taking the picture to the answer; null for a frame that was given up.
   */
  answered(seq, now) {
    const taken = this.#waiting.get(seq);
    for (const older of this.#waiting.keys()) if (older <= seq) this.#waiting.delete(older);
    return taken === undefined ? null : now - taken;
  }

  clear() {
    this.#waiting.clear();
  }
}
