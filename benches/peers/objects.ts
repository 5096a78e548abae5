/**
 * The peer of P10: the functions of the jobs over an array of plain objects, as a good JavaScript engineer writes it. For
 * 'unique' the objects come from JSON.parse, line by line.
 *
 *   methods: rows.filter(keep).map(change), then every result is hashed
 *   loop:    one loop that calls keep and change and hashes what comes at once: no array, nothing kept. Machine code in
 *            which the objects are never made; no pipeline that is put together at run time is as quick
 *   windows: the loop, into totals per key in one Map per open window; lateness as in plain-js.ts
 *
 * Each case has functions of its own, so that none meets code that another has made general.
 */
import {
  changeNumeric,
  changeRepeating,
  changeUnique,
  keepNumeric,
  keepRepeating,
  keepUnique,
  type NumericOut,
  type NumericRow,
  type RepeatingOut,
  type RepeatingRow,
  type UniqueOut,
  type UniqueRow,
} from '../support/closures.ts';
import type { ClosurePlan, ClosureRun } from '../support/closure-run.ts';
import {
  BASE_TIME,
  DISORDER_MS,
  lapMsOf,
  lineFile,
  numericColumns,
  repeatingColumns,
  WINDOW_MS,
} from '../support/readings.ts';
import {
  addHash,
  emptyRowDigest,
  firstHash,
  mixDouble,
  mixInt64,
  mixText,
  mixWord,
  type RowDigest,
  rowDigestText,
} from '../support/row-digest.ts';
import { forEachLine } from './plain-js.ts';

export type PeerStyle = 'methods' | 'loop';
export type ObjectsPlan = ClosurePlan & { readonly style: PeerStyle };

type Timed<R> = R & { readonly at: number };

/** Made once for a process, as objects in memory: not what is measured. */
const kept = new Map<string, readonly unknown[]>();

function keptRows<R>(name: string, make: () => readonly R[]): readonly R[] {
  const rows = kept.get(name) ?? make();
  kept.set(name, rows);
  // Under one name stand the rows of one maker.
  return rows as readonly R[];
}

function numericRows(rows: number): readonly Timed<NumericRow>[] {
  return keptRows(`numeric ${rows}`, () => {
    const { at, device, value, scale, count } = numericColumns(rows);
    return Array.from(at, (time, n) => ({
      at: BASE_TIME + time,
      device: device[n] ?? 0,
      value: value[n] ?? 0,
      scale: Number.isNaN(scale[n]) ? null : (scale[n] ?? 0),
      count: count[n] ?? 0,
    }));
  });
}

function repeatingRows(rows: number): readonly Timed<RepeatingRow>[] {
  return keptRows(`repeating ${rows}`, () => {
    const { at, sensor, unit, site, value } = repeatingColumns(rows);
    return Array.from(at, (time, n) => ({
      at: BASE_TIME + time,
      sensor: sensor.distinct[sensor.index[n] ?? 0] ?? '',
      unit: unit.distinct[unit.index[n] ?? 0] ?? '',
      site: site.distinct[site.index[n] ?? 0] ?? null,
      value: value[n] ?? 0,
    }));
  });
}

const addNumeric = (digest: RowDigest, { device, adjusted, total }: NumericOut): void =>
  addHash(digest, mixInt64(mixDouble(mixWord(firstHash, device), adjusted), total));

const addRepeating = (digest: RowDigest, { sensor, site, kelvin }: RepeatingOut): void =>
  addHash(digest, mixDouble(mixText(mixText(firstHash, sensor), site), kelvin));

const addUnique = (digest: RowDigest, { customer, id, note, cents }: UniqueOut): void =>
  addHash(digest, mixInt64(mixText(mixText(mixText(firstHash, customer), id), note), cents));

function numericMethods(rows: readonly NumericRow[], digest: RowDigest): void {
  for (const made of rows.filter(keepNumeric).map(changeNumeric)) addNumeric(digest, made);
}

function numericLoop(rows: readonly NumericRow[], digest: RowDigest): void {
  for (const row of rows) if (keepNumeric(row)) addNumeric(digest, changeNumeric(row));
}

function repeatingMethods(rows: readonly RepeatingRow[], digest: RowDigest): void {
  for (const made of rows.filter(keepRepeating).map(changeRepeating)) addRepeating(digest, made);
}

function repeatingLoop(rows: readonly RepeatingRow[], digest: RowDigest): void {
  for (const row of rows) if (keepRepeating(row)) addRepeating(digest, changeRepeating(row));
}

interface Totals {
  rows: number;
  sum: number;
}

/** Totals per key and window, judged late row by row, hashed when they fire. */
class Windows<K> {
  readonly #hash: (key: K, start: number, totals: Totals) => number;
  readonly #digest: RowDigest;
  readonly #windows = new Map<number, Map<K, Totals>>();
  #largest = -Infinity;
  #firstOpen = -Infinity;
  late = 0;

  constructor(digest: RowDigest, hash: (key: K, start: number, totals: Totals) => number) {
    this.#digest = digest;
    this.#hash = hash;
  }

  /** Before any row at `at` is judged or left out. */
  add(key: K, value: number, at: number): void {
    const start = at - (at % WINDOW_MS);
    if (start < this.#firstOpen) {
      this.late++;
      return;
    }
    let window = this.#windows.get(start);
    if (window === undefined) this.#windows.set(start, (window = new Map()));
    const totals = window.get(key);
    if (totals === undefined) {
      window.set(key, { rows: 1, sum: value });
      return;
    }
    totals.rows++;
    totals.sum += value;
  }

  /** After every row, also one that the filter leaves out. */
  advance(at: number): void {
    if (at <= this.#largest) return;
    this.#largest = at;
    if (at - DISORDER_MS >= this.#firstOpen + WINDOW_MS || this.#firstOpen === -Infinity)
      this.fire(at - DISORDER_MS - 1);
  }

  fire(watermark: number): void {
    for (const [start, window] of this.#windows) {
      if (start + WINDOW_MS - 1 > watermark) continue;
      for (const [key, totals] of window) addHash(this.#digest, this.#hash(key, start, totals));
      this.#windows.delete(start);
    }
    this.#firstOpen = Math.floor((watermark + 1) / WINDOW_MS) * WINDOW_MS;
  }
}

const mixWindow = (hash: number, start: number, rows: number): number =>
  mixInt64(mixInt64(mixInt64(hash, start), start + WINDOW_MS), rows);

function numericWindows({ rows, laps }: ClosurePlan, digest: RowDigest): number {
  const windows = new Windows<number>(digest, (device, start, totals) =>
    mixDouble(mixWindow(mixWord(firstHash, device), start, totals.rows), totals.sum),
  );
  for (let lap = 0; lap < laps; lap++) {
    const shift = lap * lapMsOf(rows);
    for (const row of numericRows(rows)) {
      const at = row.at + shift;
      if (keepNumeric(row)) {
        const made = changeNumeric(row);
        windows.add(made.device, made.adjusted, at);
      }
      windows.advance(at);
    }
  }
  windows.fire(Infinity);
  return windows.late;
}

function repeatingWindows({ rows, laps }: ClosurePlan, digest: RowDigest): number {
  const windows = new Windows<string>(digest, (sensor, start, totals) =>
    mixDouble(mixWindow(mixText(firstHash, sensor), start, totals.rows), totals.sum),
  );
  for (let lap = 0; lap < laps; lap++) {
    const shift = lap * lapMsOf(rows);
    for (const row of repeatingRows(rows)) {
      const at = row.at + shift;
      if (keepRepeating(row)) {
        const made = changeRepeating(row);
        windows.add(made.sensor, made.kelvin, at);
      }
      windows.advance(at);
    }
  }
  windows.fire(Infinity);
  return windows.late;
}

function uniqueLoop({ rows, laps, lines = 'mixed' }: ClosurePlan, digest: RowDigest): void {
  for (let lap = 0; lap < laps; lap++) {
    forEachLine(lineFile(lines, rows), (line) => {
      // The files are ours: each line has these members with these types.
      const row = JSON.parse(line) as UniqueRow;
      if (keepUnique(row)) addUnique(digest, changeUnique(row));
    });
  }
}

function uniqueWindows({ rows, laps, lines = 'mixed' }: ClosurePlan, digest: RowDigest): number {
  const windows = new Windows<string>(digest, (customer, start, totals) =>
    mixInt64(mixWindow(mixText(firstHash, customer), start, totals.rows), totals.sum),
  );
  for (let lap = 0; lap < laps; lap++) {
    const shift = lap * lapMsOf(rows);
    forEachLine(lineFile(lines, rows), (line) => {
      // As above.
      const row = JSON.parse(line) as Timed<UniqueRow>;
      const at = row.at + shift;
      if (keepUnique(row)) {
        const made = changeUnique(row);
        windows.add(made.customer, made.cents, at);
      }
      windows.advance(at);
    });
  }
  windows.fire(Infinity);
  return windows.late;
}

function plain(plan: ObjectsPlan, digest: RowDigest): void {
  const { of, rows, style, laps } = plan;
  if (of === 'unique') uniqueLoop(plan, digest);
  for (let lap = 0; lap < laps; lap++) {
    if (of === 'numeric') (style === 'methods' ? numericMethods : numericLoop)(numericRows(rows), digest);
    if (of === 'repeating') (style === 'methods' ? repeatingMethods : repeatingLoop)(repeatingRows(rows), digest);
  }
}

const WINDOWED = { numeric: numericWindows, repeating: repeatingWindows, unique: uniqueWindows };

/** Makes what is measured over ready; then runs it. */
export async function runObjects(plan: ObjectsPlan): Promise<ClosureRun> {
  const digest = emptyRowDigest();
  let late = 0;
  if (plan.windowed) late = WINDOWED[plan.of](plan, digest);
  else plain(plan, digest);
  return { digest: `${rowDigestText(digest)} late ${late}`, counters: { rows: plan.rows * plan.laps } };
}
