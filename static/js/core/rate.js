/** Frames per second and median latency over the last few seconds. Times in ms. */
export class RateMeter {
  #samples = []; // [when, latency]

  constructor(span = 3000) {
    this.span = span;
  }

  add(now, latency) {
    this.#samples.push([now, latency]);
    this.#forget(now);
  }

  clear() {
    this.#samples = [];
  }

  /** @returns {{fps: number, latency: number}|null} null before two answers have come. */
  read(now) {
    this.#forget(now);
    if (this.#samples.length < 2) return null;
    const first = this.#samples[0][0];
    const last = this.#samples.at(-1)[0];
    if (last <= first) return null;
    const latencies = this.#samples.map(([, latency]) => latency).sort((a, b) => a - b);
    return {
      fps: ((this.#samples.length - 1) * 1000) / (last - first),
      latency: latencies[Math.floor(latencies.length / 2)],
    };
  }

  #forget(now) {
    this.#samples = this.#samples.filter(([when]) => now - when <= this.span);
  }
}
