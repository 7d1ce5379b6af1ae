// Has anything moved before the camera? On a picture of 64 x 48 points, so that looking costs next to nothing.
// Means of blocks of 8 x 8 points are compared with a background that slowly follows the scene: a camera's noise averages
// out in a block, and what changes everywhere at once is the light.

export const WIDTH = 64;
export const HEIGHT = 48;
const BLOCK = 8;
const COLUMNS = WIDTH / BLOCK;
const BLOCKS = COLUMNS * (HEIGHT / BLOCK);
/** Levels of grey (of 255) by which one block, or each of two, must differ. A camera's noise stays below 2. */
const ONE_BLOCK = 10;
const TWO_BLOCKS = 6;
/** How much of each look goes into the background: what has stood still for some ten looks belongs to the scene. */
const LEARNED = 0.15;

export class MotionGate {
  #background = null;

  /** @param {Uint8ClampedArray} rgba WIDTH x HEIGHT points. @returns {boolean} Nothing moves on the first look. */
  look(rgba) {
    const means = blockMeans(rgba);
    this.#background ??= Float32Array.from(means);
    const changes = means.map((mean, block) => mean - this.#background[block]);
    const light = median(changes);
    let most = 0;
    let second = 0;
    changes.forEach((change, block) => {
      const size = Math.abs(change - light);
      if (size > most) [most, second] = [size, most];
      else if (size > second) second = size;
      this.#background[block] += LEARNED * change;
    });
    return most > ONE_BLOCK || second > TWO_BLOCKS;
  }

  /** Another camera, another scene. */
  reset() {
    this.#background = null;
  }
}

function blockMeans(rgba) {
  const sums = new Float32Array(BLOCKS);
  for (let y = 0; y < HEIGHT; y += 1) {
    const row = Math.floor(y / BLOCK) * COLUMNS;
    for (let x = 0; x < WIDTH; x += 1) {
      const point = 4 * (y * WIDTH + x);
      sums[row + Math.floor(x / BLOCK)] += 0.299 * rgba[point] + 0.587 * rgba[point + 1] + 0.114 * rgba[point + 2];
    }
  }
  return sums.map((sum) => sum / (BLOCK * BLOCK));
}

function median(values) {
  const sorted = Float32Array.from(values).sort();
  return sorted[Math.floor(sorted.length / 2)];
}
