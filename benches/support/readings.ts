/**
 * The input of P10 as columns in memory, and the same as lines of NDJSON, made from a seed. Times are ms after BASE_TIME: a
 * thousand rows are a second, one row in five is out of order by less than DISORDER_MS, one in a thousand comes up to half
 * a minute late.
 *
 * Lines are 'uniform', or 'mixed': three key orders, whitespace in every other run, escapes in one line of a hundred,
 * the note absent in one of ten. Not here: what the engine (reading-source.ts) and its peer (peers/objects.ts) make of it.
 */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { below, type Random, seededRandom, uniform } from '../../src/base/random.ts';

export const BASE_TIME = 1_600_000_000_000;
export const DISORDER_MS = 1_000;
export const WINDOW_MS = 10_000;
const ROWS_PER_MS = 1;
const LINES_VERSION = 1;

export type LineShape = 'uniform' | 'mixed';

/** Texts as an index into the distinct ones; -1: null. */
export interface Texts {
  readonly distinct: readonly string[];
  readonly index: Int32Array;
}

export interface NumericColumns {
  readonly at: Int32Array;
  readonly device: Int32Array;
  readonly value: Float64Array;
  /** NaN: null. */
  readonly scale: Float64Array;
  readonly count: Float64Array;
}

export interface RepeatingColumns {
  readonly at: Int32Array;
  readonly sensor: Texts;
  readonly unit: Texts;
  readonly site: Texts;
  readonly value: Float64Array;
}

/** By how much a lap over so many rows moves event time on: whole windows. */
export const lapMsOf = (rows: number): number => Math.ceil((rows * ROWS_PER_MS) / WINDOW_MS + 6) * WINDOW_MS;

function timesOf(rows: number, random: Random): Int32Array {
  return Int32Array.from({ length: rows }, (_, n) => {
    const draw = below(random, 1_000);
    const late = draw === 0 ? 2_000 + below(random, 28_000) : draw <= 200 ? below(random, DISORDER_MS) : 0;
    return Math.max(0, Math.floor(n / ROWS_PER_MS) - late);
  });
}

export function numericColumns(rows: number, seed = 1): NumericColumns {
  const random = seededRandom(seed);
  const at = timesOf(rows, random);
  const device = Int32Array.from({ length: rows }, () => below(random, 1_000));
  const value = Float64Array.from({ length: rows }, () => uniform(random) * 100);
  const scale = Float64Array.from({ length: rows }, () =>
    below(random, 10) === 0 ? Number.NaN : 0.5 + uniform(random),
  );
  const count = Float64Array.from({ length: rows }, () => below(random, 1_000_000));
  return { at, device, value, scale, count };
}

export function repeatingColumns(rows: number, seed = 2): RepeatingColumns {
  const random = seededRandom(seed);
  const texts = (distinct: readonly string[], nullOneIn = 0): Texts => ({
    distinct,
    index: Int32Array.from({ length: rows }, () =>
      nullOneIn > 0 && below(random, nullOneIn) === 0 ? -1 : below(random, distinct.length),
    ),
  });
  const named = (count: number, name: string): string[] => Array.from({ length: count }, (_, i) => `${name}${i}`);
  return {
    at: timesOf(rows, random),
    sensor: texts(named(1_000, 'sensor-')),
    unit: texts(['celsius', 'percent', 'volt', 'ampere', 'kilopascal']),
    site: texts(named(40, 'hall north, row '), 10),
    value: Float64Array.from({ length: rows }, () => uniform(random) * 100),
  };
}

/** The file of so many lines, made if the cache does not have it. */
export function lineFile(shape: LineShape, lines: number, seed = 3): string {
  const folder = join(tmpdir(), 'millrace-benches');
  const path = join(folder, `orders-v${LINES_VERSION}-${shape}-${lines}-${seed}.ndjson`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  const random = seededRandom(seed);
  const times = timesOf(lines, random);
  const write = shape === 'uniform' ? uniformLine : mixedLine;
  writeFileSync(partial, Array.from(times, (at, n) => `${write(order(BASE_TIME + at, random), n, random)}\n`).join(''));
  renameSync(partial, path);
  return path;
}

interface Order {
  readonly at: number;
  readonly id: string;
  readonly customer: string;
  readonly note: string;
  readonly amount: number;
}

const order = (at: number, random: Random): Order => ({
  at,
  id: `${letters(random, 8)}-${letters(random, 12)}`,
  customer: `customer-${below(random, 10_000)}`,
  note: `${letters(random, 6)} ${letters(random, 4 + below(random, 30))}`,
  amount: below(random, 10_000) / 100,
});

function letters(random: Random, length: number): string {
  let out = '';
  for (let i = 0; i < length; i++) out += String.fromCharCode(97 + below(random, 26));
  return out;
}

const uniformLine = (one: Order): string => JSON.stringify(one);

const ORDERS = [
  ['at', 'id', 'customer', 'note', 'amount'],
  ['id', 'amount', 'at', 'customer', 'note'],
  ['customer', 'note', 'id', 'at', 'amount'],
] as const;

function mixedLine(one: Order, n: number, random: Random): string {
  const run = n >> 6;
  const space = run % 2 === 0 ? '' : ' ';
  const hasEscapes = below(random, 100) === 0;
  const isShort = below(random, 10) === 0;
  const members = (ORDERS[run % ORDERS.length] ?? ORDERS[0]).flatMap((name) => {
    if (name === 'note' && isShort) return [];
    const text = name === 'note' && hasEscapes ? `"${one.note}\\n\\"\\u00e9\\ud83d\\ude95"` : JSON.stringify(one[name]);
    return [`"${name}":${space}${text}`];
  });
  return `{${members.join(`,${space}`)}}`;
}
