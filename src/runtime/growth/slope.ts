/**
 * The slope of samples over time: the median of the slopes of all pairs, which a third of wild samples do not move.
 * Background: Sen, Estimates of the Regression Coefficient Based on Kendall's Tau (JASA 1968).
 */

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

/** Per millisecond; 0 for fewer than two moments. */
export function slopeOf(points: readonly Point[]): number {
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2);
  let found = 0;
  for (const [i, { atMs, value }] of points.entries()) {
    for (let k = 0; k < i; k++) {
      const before = points[k];
      if (before !== undefined && before.atMs !== atMs) slopes[found++] = (value - before.value) / (atMs - before.atMs);
    }
  }
  const sorted = slopes.subarray(0, found).sort();
  const middle = found >>> 1;
  const upper = sorted[middle] ?? 0;
  return found % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}
