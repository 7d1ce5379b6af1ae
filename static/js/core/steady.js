/** Shows a value for at least `hold` ms before the next one, so that instructions can be read (and read aloud). */
export class Steady {
  #shown;
  #since = -Infinity;

  constructor(hold = 800) {
    this.hold = hold;
  }

  /** @param urgent show it at once. @returns what to show now. */
  offer(value, now, urgent = false) {
    if (value !== this.#shown && (urgent || now - this.#since >= this.hold)) {
      this.#shown = value;
      this.#since = now;
    }
    return this.#shown;
  }
}
