/**
 * How long to wait before reconnection number `attempt` (0 is the first), in ms. The wait doubles up to a cap. Half of
 * it is random, so that the browsers of a site do not all come back in the same instant after a restart.
 */
export function backoffMs(attempt, random = Math.random, { base = 1000, cap = 20000 } = {}) {
  const ceiling = Math.min(cap, base * 2 ** attempt);
  return ceiling / 2 + (random() * ceiling) / 2;
}
