/** Where a score and its threshold stand on the drawn scale (0 to 1; a negative score sits at 0), in `width` units. */
export function scalePositions({ score, threshold, width }) {
  const place = (value) => Math.min(Math.max(value, 0), 1) * width;
  return { score: score === null ? null : place(score), threshold: place(threshold) };
}

/** Moves a centred label of `half` width so that it stays on the drawing. */
export function clampLabel(x, half, width) {
  return Math.min(Math.max(x, half), width - half);
}
