/**
 * Aggregates of the oracle, from their definitions over the list of values of one key in one window.
 *
 * Invariants
 *  1. Nulls are ignored by everything but count(); over nothing, all but count() are null.
 *  2. Integer sums are exact (bigint). The average of integers is that exact sum, rounded once to a double, divided by
 *     the count.
 *  3. A float sum has one defined order: values of a slice in record order, starting from 0; slices in time order.
 *  4. stddev is of the sample (n - 1), null below two values. Its last bits are no one's promise: compare with a
 *     tolerance.
 *
 * `SliceMerge` says how the sums of slices join: 'left' is ((s0 + s1) + s2) + s3; 'blocks' cuts absolute slice numbers
 * into blocks as long as a window, folds the part of the window in the earlier block from its end backwards
 * (s0 + (s1 + s2)), the part in the later block forwards, and adds the two; a window that is a block folds forwards.
 * Slices without a value of the key take no part. The two agree for tumbling windows.
 */
import type { TypeKind } from '../../src/data/types.ts';
import { compareCells, type Cell } from './cells.ts';

export type AggregateKind = 'count' | 'sum' | 'min' | 'max' | 'avg' | 'stddev';
export type SliceMerge = 'left' | 'blocks';

/** A value with the absolute number of the slice that its row lies in. */
export interface SlicedValue {
  readonly slice: number;
  readonly value: Cell;
}

export interface Fold {
  readonly merge: SliceMerge;
  /** Absolute number of the window's first slice. */
  readonly firstSlice: number;
  /** Slices that one window covers. */
  readonly slicesPerWindow: number;
}

const FLOATS: readonly TypeKind[] = ['float32', 'float64'];

/** The aggregate over values in record order; for count() the values are the rows, whatever is in them. */
export function aggregate(kind: AggregateKind, type: TypeKind, values: readonly SlicedValue[], fold: Fold): Cell {
  if (kind === 'count') return BigInt(values.length);
  const present = values.filter(({ value }) => value !== null);
  if (present.length === 0) return null;
  if (kind === 'min') return extreme(present, -1);
  if (kind === 'max') return extreme(present, 1);
  const isFloat = FLOATS.includes(type);
  if (kind === 'stddev') return isFloat ? floatDeviation(present) : integerDeviation(present);
  const sum = isFloat ? floatSum(present, fold) : integerSum(present);
  return kind === 'sum' ? sum : Number(sum) / present.length;
}

function extreme(values: readonly SlicedValue[], sign: 1 | -1): Cell {
  let best: Cell = values[0]?.value ?? null;
  for (const { value } of values) if (compareCells(value, best) * sign > 0) best = value;
  return best;
}

function integerOf(value: Cell): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(value);
  throw new Error(`oracle: ${String(value)} is not an integer`);
}

function floatOf(value: Cell): number {
  if (typeof value === 'number') return value;
  throw new Error(`oracle: ${String(value)} is not a float`);
}

const integerSum = (values: readonly SlicedValue[]): bigint =>
  values.reduce((sum, { value }) => sum + integerOf(value), 0n);

function floatSum(values: readonly SlicedValue[], fold: Fold): number {
  const sums = new Map<number, number>();
  for (const { slice, value } of values) sums.set(slice, (sums.get(slice) ?? 0) + floatOf(value));
  const slices = [...sums.entries()].sort(([a], [b]) => a - b);
  // The first slice of the block that begins inside the window, or at its start.
  const border = Math.ceil(fold.firstSlice / fold.slicesPerWindow) * fold.slicesPerWindow;
  const isEarlier = (slice: number): boolean => fold.merge === 'blocks' && slice < border;
  const earlier = backwards(slices.filter(([slice]) => isEarlier(slice)).map(([, sum]) => sum));
  const later = forwards(slices.filter(([slice]) => !isEarlier(slice)).map(([, sum]) => sum));
  return earlier === undefined || later === undefined ? (earlier ?? later ?? 0) : earlier + later;
}

const forwards = (sums: readonly number[]): number | undefined =>
  sums.length === 0 ? undefined : sums.reduce((sum, next) => sum + next);

const backwards = (sums: readonly number[]): number | undefined =>
  sums.length === 0 ? undefined : sums.reduceRight((sum, earlier) => earlier + sum);

/** Exact up to the final division and root: (n * sum of squares - square of the sum) / (n * (n - 1)). */
function integerDeviation(values: readonly SlicedValue[]): number | null {
  const n = BigInt(values.length);
  if (n < 2n) return null;
  const sum = integerSum(values);
  const squares = values.reduce((total, { value }) => total + integerOf(value) ** 2n, 0n);
  return Math.sqrt(Number(n * squares - sum * sum) / Number(n * (n - 1n)));
}

/** Two passes, the second corrected for the rounding of the mean. */
function floatDeviation(values: readonly SlicedValue[]): number | null {
  const n = values.length;
  if (n < 2) return null;
  const numbers = values.map(({ value }) => floatOf(value));
  const mean = numbers.reduce((sum, x) => sum + x, 0) / n;
  const deviations = numbers.map((x) => x - mean);
  const squares = deviations.reduce((sum, d) => sum + d * d, 0);
  const rest = deviations.reduce((sum, d) => sum + d, 0);
  return Math.sqrt(Math.max(squares - (rest * rest) / n, 0) / (n - 1));
}
