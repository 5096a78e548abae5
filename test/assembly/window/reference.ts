/**
 * Windowed aggregation, row by row over plain objects: the oracle of the kernels of assembly/window. Slow and plain;
 * imports nothing of the engine.
 */

export interface Row {
  readonly key: bigint | string | null;
  readonly time: number;
  /** The watermark before the row. */
  readonly watermark: number;
  /** One value per aggregate, null when the row has none (or its filter says no). */
  readonly values: readonly Value[];
  /** One value per aggregate to order by. */
  readonly by?: readonly Value[];
}

export type Value = number | bigint | string | null;

export interface ReferenceAggregate {
  readonly fn: string;
  readonly float: boolean;
  /** Rank of a quantile, how many of topK, limit of lists. */
  readonly parameter?: number;
  /** Whether the values to order by are floats. */
  readonly byFloat?: boolean;
}

export interface ReferenceWindow {
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
}

export interface FiredWindow {
  readonly end: number;
  /** Results by key, in the order of aggregates. */
  readonly rows: ReadonlyMap<bigint | string | null, readonly Value[]>;
}

interface Item {
  readonly value: number | bigint | string;
  readonly time: number;
  readonly by: Value;
}
type Values = Item[];

const TWO_63 = 2n ** 63n;

export class ReferenceWindows {
  readonly late: number[] = [];
  readonly fired: FiredWindow[] = [];
  /** Slice start, then key, then for each aggregate its values in record order. */
  readonly #slices = new Map<number, Map<bigint | string | null, Values[]>>();
  readonly #window: ReferenceWindow;
  readonly #aggregates: readonly ReferenceAggregate[];
  readonly #sliceMs: number;
  #firedThrough = Number.MIN_SAFE_INTEGER;

  constructor(window: ReferenceWindow, aggregates: readonly ReferenceAggregate[]) {
    this.#window = window;
    this.#aggregates = aggregates;
    this.#sliceMs = gcd(window.sizeMs, window.slideMs);
  }

  add(row: Row, index: number): void {
    this.fireThrough(row.watermark);
    const lastStart = floorTo(row.time, this.#window.offsetMs, this.#window.slideMs);
    if (lastStart + this.#window.sizeMs - 1 <= row.watermark) {
      this.late.push(index);
      return;
    }
    const start = floorTo(row.time, this.#window.offsetMs, this.#sliceMs);
    const slice = this.#slices.get(start) ?? new Map<bigint | string | null, Values[]>();
    this.#slices.set(start, slice);
    const group = slice.get(row.key) ?? this.#aggregates.map((): Values => []);
    slice.set(row.key, group);
    row.values.forEach((value, i) => {
      if (value !== null) group[i]?.push({ value, time: row.time, by: row.by?.[i] ?? null });
    });
  }

  fireThrough(watermark: number): void {
    if (watermark <= this.#firedThrough) return;
    const ends = new Set<number>();
    for (const start of this.#slices.keys()) {
      const { sizeMs, slideMs, offsetMs } = this.#window;
      for (let w = floorTo(start, offsetMs, slideMs); w + sizeMs > start; w -= slideMs) ends.add(w + sizeMs);
    }
    for (const end of [...ends].sort((a, b) => a - b)) {
      if (end - 1 > this.#firedThrough && end - 1 <= watermark) this.#fire(end);
    }
    this.#firedThrough = watermark;
    for (const start of this.#slices.keys()) {
      if (floorTo(start, this.#window.offsetMs, this.#window.slideMs) + this.#window.sizeMs - 1 <= watermark)
        this.#slices.delete(start);
    }
  }

  #fire(end: number): void {
    const starts = [...this.#slices.keys()]
      .filter((s) => s < end && s >= end - this.#window.sizeMs)
      .sort((a, b) => a - b);
    const keys = new Set(starts.flatMap((s) => [...(this.#slices.get(s)?.keys() ?? [])]));
    const rows = new Map<bigint | string | null, Value[]>();
    for (const key of keys) {
      const parts = starts.map((s) => this.#slices.get(s)?.get(key)).filter((part) => part !== undefined);
      rows.set(
        key,
        this.#aggregates.map((aggregate, i) =>
          finish(
            aggregate,
            parts.map((part) => part[i] ?? []),
          ),
        ),
      );
    }
    if (rows.size > 0) this.fired.push({ end, rows });
  }

  get openSlices(): number {
    return this.#slices.size;
  }
}

/** Result of one aggregate from the values of each slice. */
function finish(aggregate: ReferenceAggregate, slices: readonly Values[]): Value {
  const { fn, float } = aggregate;
  const items = slices.flat();
  const all = items.map(({ value }) => value);
  if (fn === 'count') return BigInt(all.length);
  // A map knows one zero and one NaN.
  if (fn.endsWith('ountDistinct')) return BigInt(new Set(all).size);
  if (all.length === 0) return null;
  switch (fn) {
    case 'quantile':
    case 'median':
    case 'topK':
    case 'collectList':
    case 'joinText':
      return several(aggregate, all);
    case 'min':
      return all.toSorted(comparing(float))[0] ?? null;
    case 'max':
      return all.toSorted(comparing(float)).at(-1) ?? null;
    case 'stddev':
    case 'variance':
      return deviation(all.map(Number), fn);
    case 'any':
      return BigInt(all.includes(1n));
    case 'all':
      return BigInt(!all.includes(0n));
    case 'firstValue':
    case 'lastValue':
    case 'argMin':
    case 'argMax':
      return picked(aggregate, items);
    default:
      return float ? floats(fn, slices) : integers(fn, all);
  }
}

function several(
  { fn, float, parameter = 0.5 }: ReferenceAggregate,
  all: readonly (number | bigint | string)[],
): Value {
  if (fn === 'joinText') return all.slice(0, parameter).join(', ');
  if (fn === 'collectList') return `[${all.slice(0, parameter).map(spelled).join(',')}]`;
  if (fn !== 'topK') return Number(all.toSorted(comparing(float))[Math.floor(parameter * (all.length - 1))]);
  const counts = new Map<string, number>();
  for (const value of all) counts.set(spelled(value), (counts.get(spelled(value)) ?? 0) + 1);
  return JSON.stringify([parameter, ...counts]);
}

const spelled = (value: number | bigint | string): string =>
  typeof value === 'bigint' ? String(value) : JSON.stringify(value);

function floats(fn: string, slices: readonly Values[]): number {
  const sums = slices
    .filter((s) => s.length > 0)
    .map((s) => s.reduce<number>((sum, { value }) => sum + Number(value), 0));
  const total = sums.reduce((a, b) => a + b);
  return fn === 'sum' ? total : total / slices.flat().length;
}

function integers(fn: string, all: readonly (number | bigint | string)[]): Value {
  const exact = all.reduce<bigint>((sum, value) => sum + BigInt(value), 0n);
  if (fn === 'avg') return Number(exact) / all.length;
  return exact >= -TWO_63 && exact < TWO_63 ? exact : null;
}

/** Items are in record order within a slice, and a time lies in one slice: sorting by time leaves its ties in order. */
function picked({ fn, byFloat = false }: ReferenceAggregate, items: readonly Item[]): Value {
  const inTime = items.toSorted((a, b) => a.time - b.time);
  if (fn === 'firstValue') return inTime[0]?.value ?? null;
  if (fn === 'lastValue') return inTime.at(-1)?.value ?? null;
  const compare = comparing(byFloat);
  const sign = fn === 'argMin' ? 1 : -1;
  const [best] = inTime
    .flatMap(({ value, by }) => (by === null ? [] : [{ value, by }]))
    .toSorted((a, b) => sign * compare(a.by, b.by));
  return best?.value ?? null;
}

function comparing(float: boolean): (a: number | bigint | string, b: number | bigint | string) => number {
  return float ? (a, b) => compareFloats(Number(a), Number(b)) : (a, b) => (a < b ? -1 : a > b ? 1 : 0);
}

/** Two passes: mean, then squared distances. */
function deviation(values: readonly number[], fn: string): number | null {
  if (values.length < 2) return null;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return fn === 'variance' ? variance : Math.sqrt(variance);
}

/** -0 below +0, NaN above everything. */
function compareFloats(x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
  if (x === 0 && y === 0) return Number(Object.is(y, -0)) - Number(Object.is(x, -0));
  return x - y;
}

function floorTo(at: number, base: number, step: number): number {
  return base + Math.floor((at - base) / step) * step;
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
