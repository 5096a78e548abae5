/** Deduplication recomputed from its description: the rows of a key in order, one after the other. */

export interface DedupRow {
  readonly key: string;
  readonly value: number;
  readonly time: number;
  /** In force before it; never goes back. */
  readonly watermark: number;
}

/** Kind, key and value. */
export type DedupChange = readonly [op: '+I' | '-U' | '+U', key: string, value: number];

/** The first by event time of those that were not late, then the next one that is at least `within` later. By time. */
export function firstByTime(rows: readonly DedupRow[], within = Number.POSITIVE_INFINITY): readonly DedupChange[] {
  const given = new Map<string, number>();
  return rows
    .filter(({ time, watermark }) => time > watermark)
    .sort((a, b) => a.time - b.time)
    .flatMap(({ key, value, time }): readonly DedupChange[] => {
      const before = given.get(key);
      if (before !== undefined && time - before < within) return [];
      given.set(key, time);
      return [['+I', key, value]];
    });
}

/** The first as they arrive, and again when the watermark or the row is `within` beyond the one that was given. */
export function firstByArrival(rows: readonly DedupRow[], within = Number.POSITIVE_INFINITY): readonly DedupChange[] {
  const given = new Map<string, { readonly time: number; readonly until: number }>();
  return rows.flatMap(({ key, value, time, watermark }): readonly DedupChange[] => {
    const before = given.get(key);
    if (before !== undefined && watermark < before.until && time - before.time < within) return [];
    given.set(key, { time, until: Math.max(time, watermark) + within });
    return [['+I', key, value]];
  });
}

/** The last as they arrive, or by event time; equal rows of arrival tell nothing. */
export function last(rows: readonly DedupRow[], byTime: boolean): readonly DedupChange[] {
  const kept = new Map<string, DedupRow>();
  return rows.flatMap((row): readonly DedupChange[] => {
    const before = kept.get(row.key);
    if (before !== undefined && (byTime ? row.time < before.time : row.value === before.value)) return [];
    kept.set(row.key, row);
    if (before === undefined) return [['+I', row.key, row.value]];
    return [
      ['-U', row.key, before.value],
      ['+U', row.key, row.value],
    ];
  });
}
