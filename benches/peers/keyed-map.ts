/**
 * The peer of keyed state: a Map from key to an object of count, sum, min and max, fed with the same keys and values in the
 * same order as the engine's source makes them while it fills and in one epoch of updates.
 */
import { type KeyedPlan, updateTables } from '../support/keyed-source.ts';

interface Totals {
  rows: number;
  total: number;
  lowest: number;
  highest: number;
}

export interface KeyedMapResult {
  readonly digest: string;
  readonly counters: { readonly [name: string]: number };
}

const VALUES = 1_000;

export function runKeyedMap(plan: KeyedPlan): KeyedMapResult {
  const table = updateTables(plan)[1] ?? new Uint32Array(1);
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const map = new Map<number, Totals>();
  for (let n = 0; n < plan.rowsMax; n++) add(map, n < plan.keys ? n : (table[n % table.length] ?? 0), n % VALUES);
  // What a collection gives back is not the Map's.
  globalThis.gc?.();
  const rssBytes = process.memoryUsage.rss() - before;
  let rows = 0;
  let total = 0;
  for (const each of map.values()) {
    rows += each.rows;
    total += each.total;
  }
  return { digest: `${rows} ${total}`, counters: { rows, rssBytes, keys: map.size } };
}

function add(map: Map<number, Totals>, key: number, value: number): void {
  const found = map.get(key);
  if (found === undefined) {
    map.set(key, { rows: 1, total: value, lowest: value, highest: value });
    return;
  }
  found.rows++;
  found.total += value;
  if (value < found.lowest) found.lowest = value;
  if (value > found.highest) found.highest = value;
}
