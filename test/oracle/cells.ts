/**
 * Values of the oracle: one normal form for each column type, their order, and when two of them are the same.
 *
 * Invariants
 *  1. Integers of every width and timestamps compare as exact integers, however they are held (number or bigint).
 *  2. Floats order as Java's Double.compare: -0 below 0, NaN above everything and equal to itself.
 *  3. Strings order by code point, which is the order of their UTF-8 bytes.
 *  4. null is a value like any other where keys are concerned, and below all others where rows are sorted.
 */
export type Cell = null | boolean | number | bigint | string;

export type Row = Readonly<Record<string, Cell>>;

/** Double.compare: negative, zero or positive. */
export function compareDoubles(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : 1;
  if (Number.isNaN(b)) return -1;
  if (a < b) return -1;
  if (a > b) return 1;
  return (Object.is(a, -0) ? 0 : 1) - (Object.is(b, -0) ? 0 : 1);
}

function compareTexts(a: string, b: string): number {
  const left = Array.from(a, (letter) => letter.codePointAt(0) ?? 0);
  const right = Array.from(b, (letter) => letter.codePointAt(0) ?? 0);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Order of two values of one column. */
export function compareCells(a: Cell, b: Cell): number {
  if (a === null || b === null) return (a === null ? 0 : 1) - (b === null ? 0 : 1);
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  if (typeof a === 'number' && typeof b === 'number') return compareDoubles(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  // What is left is a bigint beside a number or a bigint; the operators compare those exactly.
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Text that is equal for two cells of one column when, and only when, they are the same key. */
export function keyText(cell: Cell): string {
  if (cell === null) return 'null';
  if (typeof cell === 'string') return JSON.stringify(cell);
  return Object.is(cell, -0) ? '-0' : String(cell);
}

/** The same for several cells; quotes keep ['a', 'b,c'] and ['a,b', 'c'] apart. */
export const keyTextOf = (cells: readonly Cell[]): string => cells.map(keyText).join(',');

/**
 * True when two cells say the same: integers by value whatever holds them, floats bit for bit (one NaN is as good as
 * another) or, with a tolerance, within that part of the larger of the two.
 */
export function sameCell(a: Cell, b: Cell, tolerance = 0): boolean {
  if (typeof a === 'bigint' || typeof b === 'bigint') return sameInteger(a, b);
  if (typeof a !== 'number' || typeof b !== 'number') return a === b;
  if (Object.is(a, b)) return true;
  return tolerance > 0 && Math.abs(a - b) <= tolerance * Math.max(Math.abs(a), Math.abs(b));
}

function sameInteger(a: Cell, b: Cell): boolean {
  const [x, y] = [integerOf(a), integerOf(b)];
  return x !== undefined && x === y;
}

const integerOf = (cell: Cell): bigint | undefined =>
  typeof cell === 'bigint' ? cell : typeof cell === 'number' && Number.isInteger(cell) ? BigInt(cell) : undefined;
