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
  const slopes: number[] = [];
  for (const [i, a] of points.entries()) {
    for (const b of points.slice(i + 1)) {
      if (b.atMs !== a.atMs) slopes.push((b.value - a.value) / (b.atMs - a.atMs));
    }
  }
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  const upper = slopes[middle] ?? 0;
  return slopes.length % 2 === 1 ? upper : ((slopes[middle - 1] ?? 0) + upper) / 2;
}
