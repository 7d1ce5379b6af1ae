// A pattern of colours that no camera shows and no noise hits: drawn, read back and compared.

const TOLERANCE = 2; // of 255: colour management may round

/** @returns {number[]} red, green and blue, 0..255, of the pixel at this place. */
export function patternPixel(place) {
  return [(place * 73) % 256, (place * 151 + 40) % 256, (place * 199 + 90) % 256];
}

/** @param {ArrayLike<number>} data red, green, blue and alpha of each pixel, as getImageData gives them. */
export function isPattern(data) {
  for (let place = 0; place < data.length / 4; place += 1) {
    const wrong = patternPixel(place).some((value, channel) => Math.abs(value - data[4 * place + channel]) > TOLERANCE);
    if (wrong) return false;
  }
  return data.length > 0;
}
