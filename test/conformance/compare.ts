/**
 * What an operator put out, and whether it is what a case expects.
 *
 * Invariants
 *  1. Between two watermarks (or statuses) records are a multiset, unless the kind binds their order (ORDER_BINDS) and
 *     the case asks for it. Watermarks and statuses stand at their places.
 *  2. A timestamp that is not given is not compared; a row kind that is not given is '+I'.
 */
import type { Json } from '../../src/base/json.ts';
import { MAX_TIME, MIN_TIME } from '../../src/base/time.ts';
import { isObject, type JsonObject, listOf, objectOf, type Step } from './case.ts';

export interface SeenRecord {
  readonly element: Json;
  readonly op: string;
  readonly timestamp: number | undefined;
}

export type Seen = SeenRecord | { readonly watermark: number } | { readonly status: string };

export interface Mismatch {
  readonly expected: unknown;
  readonly got: unknown;
}

/** Kinds whose order within two watermarks binds. */
const ORDER_BINDS: ReadonlySet<string> = new Set(['temporalSort', 'timers', 'over', 'topN', 'alignment']);

const EXPECTATIONS = ['expect', 'expectContains', 'expectNot', 'late', 'side', 'noLateOutput', 'ignoreOutput'] as const;

/** 'MAX', 'MIN', a number or its decimal text as milliseconds; what no time can hold is an end of time. */
export function timeOf(value: Json | undefined, what = 'a time'): number {
  if (value === 'MAX') return MAX_TIME;
  if (value === 'MIN') return MIN_TIME;
  const ms = typeof value === 'number' || typeof value === 'string' ? Number(value) : Number.NaN;
  if (Number.isNaN(ms)) throw new TypeError(`${what} is no time: ${JSON.stringify(value)}`);
  return Math.min(MAX_TIME, Math.max(MIN_TIME, ms));
}

/** Equal values; ends of time equal their names wherever they stand. */
export function sameValue(expected: Json | undefined, got: Json | undefined): boolean {
  if (expected === got) return true;
  if (Array.isArray(expected)) {
    return Array.isArray(got) && expected.length === got.length && expected.every((one, i) => sameValue(one, got[i]));
  }
  if (isObject(expected)) {
    if (!isObject(got)) return false;
    const names = Object.keys(expected);
    return names.length === Object.keys(got).length && names.every((name) => sameValue(expected[name], got[name]));
  }
  if (typeof expected !== 'string' || typeof got !== 'number') return false;
  return /^(MAX|MIN|-?\d{16,})$/.test(expected) && timeOf(expected) === got;
}

/** All that came out of an operator so far, and what has not been looked at yet. */
export class Transcript {
  readonly #ordered: boolean;
  readonly #all: Seen[] = [];
  readonly #sides = new Map<string, SeenRecord[]>();
  #from = 0;

  constructor(kind: string) {
    this.#ordered = ORDER_BINDS.has(kind);
  }

  record(element: Json, op = '+I', timestamp?: number): void {
    this.#all.push({ element, op, timestamp });
  }

  watermark(watermark: number): void {
    this.#all.push({ watermark });
  }

  status(status: string): void {
    this.#all.push({ status });
  }

  /** `name` 'late': the late side output. */
  side(name: string, element: Json, timestamp?: number): void {
    const list = this.#sides.get(name) ?? [];
    this.#sides.set(name, list);
    list.push({ element, op: '+I', timestamp });
  }

  /** Everything since the last `expect` or `ignoreOutput`. */
  get unseen(): readonly Seen[] {
    return this.#all.slice(this.#from);
  }

  /** Whether a step asks about output. */
  asks(step: Step): boolean {
    return EXPECTATIONS.some((name) => name in step);
  }

  /** Answers a step that asks; undefined: as expected. */
  check(step: Step): Mismatch | undefined {
    const { expect, expectContains, expectNot, late, side, noLateOutput } = step;
    if (expectContains !== undefined) return contains(listOf(expectContains, 'expectContains'), this.#chosen(step, 0));
    if (expectNot !== undefined) return containsNone(listOf(expectNot, 'expectNot'), this.#chosen(step, 0));
    if (noLateOutput !== undefined) return noneLate(this.#all);
    const main =
      expect === undefined
        ? undefined
        : sameOutput(listOf(expect, 'expect'), this.#chosen(step, this.#from), this.#binds(step));
    if (expect !== undefined || step['ignoreOutput'] !== undefined) this.#from = this.#all.length;
    return (
      main
      ?? this.#checkSides({
        ...(late === undefined ? {} : { late }),
        ...(side === undefined ? {} : objectOf(side, 'side')),
      })
    );
  }

  #binds(step: Step): boolean {
    return this.#ordered && step['ordered'] === true;
  }

  #checkSides(expected: JsonObject): Mismatch | undefined {
    for (const [name, list] of Object.entries(expected)) {
      const got = this.#sides.get(name) ?? [];
      this.#sides.set(name, []);
      const mismatch = sameOutput(listOf(list, name), got, false);
      if (mismatch !== undefined) return mismatch;
    }
    return undefined;
  }

  #chosen({ only }: Step, from: number): readonly Seen[] {
    const seen = this.#all.slice(from);
    if (only === 'records') return seen.filter((one) => 'element' in one);
    if (only === 'watermarks') return seen.filter((one) => !('element' in one));
    return only === 'statuses' ? seen.filter((one) => 'status' in one) : seen;
  }
}

function sameOutput(expected: readonly Json[], got: readonly Seen[], ordered: boolean): Mismatch | undefined {
  const wanted = expected.map((one) => objectOf(one, 'an expectation'));
  if (wanted.length !== got.length) return { expected, got };
  let from = 0;
  for (let i = 0; i <= wanted.length; i++) {
    const one = wanted[i];
    if (one !== undefined && 'element' in one && !ordered) continue;
    if (one !== undefined && !matches(one, got[i])) return { expected, got };
    if (!sameRecords(wanted.slice(from, i), got.slice(from, i))) return { expected, got };
    from = i + 1;
  }
  return undefined;
}

/** As multisets; records with a timestamp choose first, because those without take any. */
function sameRecords(wanted: readonly JsonObject[], got: readonly Seen[]): boolean {
  const rest = [...got];
  const strictFirst = [...wanted].sort((a, b) => Number('timestamp' in b) - Number('timestamp' in a));
  return strictFirst.every((one) => {
    const at = rest.findIndex((seen) => matches(one, seen));
    if (at >= 0) rest.splice(at, 1);
    return at >= 0;
  });
}

function matches(wanted: JsonObject, got: Seen | undefined): boolean {
  if (got === undefined) return false;
  if ('watermark' in wanted) return 'watermark' in got && timeOf(wanted['watermark']) === got.watermark;
  if ('status' in wanted) return 'status' in got && wanted['status'] === got.status;
  if (!('element' in got) || (wanted['op'] ?? '+I') !== got.op) return false;
  const { timestamp } = wanted;
  if (timestamp !== undefined && (got.timestamp === undefined || timeOf(timestamp) !== got.timestamp)) return false;
  return sameValue(wanted['element'], got.element);
}

function contains(wanted: readonly Json[], got: readonly Seen[]): Mismatch | undefined {
  const rest = [...got];
  for (const one of wanted) {
    const at = rest.findIndex((seen) => matches(objectOf(one, 'an expectation'), seen));
    if (at < 0) return { expected: one, got };
    rest.splice(at, 1);
  }
  return undefined;
}

function containsNone(wanted: readonly Json[], got: readonly Seen[]): Mismatch | undefined {
  const found = wanted.find((one) => got.some((seen) => matches(objectOf(one, 'an expectation'), seen)));
  return found === undefined ? undefined : { expected: { not: found }, got };
}

function noneLate(got: readonly Seen[]): Mismatch | undefined {
  let watermark = Number.NEGATIVE_INFINITY;
  for (const one of got) {
    if ('watermark' in one) watermark = one.watermark;
    else if ('element' in one && (one.timestamp ?? Number.POSITIVE_INFINITY) <= watermark) {
      return { expected: `nothing at or below the watermark ${watermark}`, got: one };
    }
  }
  return undefined;
}
