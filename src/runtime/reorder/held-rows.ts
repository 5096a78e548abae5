/**
 * Rows that wait for their turn, in state: under their key by place, each with a timer at the end of its wait.
 *
 *   hold(sub, time, bytes) -> 'held': sub -> time, bytes;  timer (time + maxWait, sub)
 *
 * Invariants
 *  1. A row is held exactly as long as its timer stands, or until the timer that fired is answered by `take`.
 *  2. Bytes of subs compare as the places that they are made of.
 * All calls are about the selected key.
 */
import { assert } from '../../base/assert.ts';
import { MAX_TIME } from '../../base/time.ts';
import type { LedgerEntry } from '../../metrics/ledger.ts';
import type { KeyedState, KeyedTable } from '../../state/keyed-state.ts';

export interface HeldRow {
  /** Event time. */
  readonly time: number;
  /** A copy. */
  readonly bytes: Uint8Array;
}

const TIME_BYTES = 8;
const NUMBER_BYTES = 8;
const SIGN = 2 ** 31;

export class HeldRows {
  readonly #state: KeyedState;
  readonly #rows: KeyedTable;
  readonly #waitMs: number;
  readonly #ledger: LedgerEntry;

  readonly #subs = [new Uint8Array(NUMBER_BYTES), new Uint8Array(2 * NUMBER_BYTES)] as const;
  readonly #views = [new DataView(this.#subs[0].buffer), new DataView(this.#subs[1].buffer)] as const;

  constructor(state: KeyedState, waitMs: number, ledger: LedgerEntry) {
    this.#state = state;
    this.#rows = state.open('held');
    this.#waitMs = waitMs;
    this.#ledger = ledger;
  }

  /** When a row of this time has waited long enough. */
  deadlineOf(time: number): number {
    return Math.min(MAX_TIME, time + this.#waitMs);
  }

  /** A place as a sub, valid until the next call. With `second`, several may have one place. */
  subOf(place: number, second?: number): Uint8Array {
    const size = second === undefined ? 0 : 1;
    const view = this.#views[size];
    writeNumber(view, 0, place);
    if (second !== undefined) writeNumber(view, NUMBER_BYTES, second);
    return this.#subs[size];
  }

  has(sub: Uint8Array): boolean {
    return this.#rows.get(sub) !== undefined;
  }

  hold(sub: Uint8Array, { time, bytes }: HeldRow): void {
    const value = new Uint8Array(TIME_BYTES + bytes.length);
    new DataView(value.buffer).setFloat64(0, time, true);
    value.set(bytes, TIME_BYTES);
    this.#rows.put(sub, value);
    this.#state.eventTimers.register(this.deadlineOf(time), sub);
    this.#ledger.held++;
  }

  /** Takes a row out; undefined when it is not held. */
  take(sub: Uint8Array): HeldRow | undefined {
    const value = this.#rows.get(sub);
    if (value === undefined) return undefined;
    const row = { time: timeIn(value), bytes: value.slice(TIME_BYTES) };
    this.#rows.delete(sub);
    this.#state.eventTimers.delete(this.deadlineOf(row.time), sub);
    this.#ledger.held--;
    return row;
  }

  /** Event time of a row that is held. */
  timeOf(sub: Uint8Array): number {
    const value = this.#rows.get(sub);
    assert(value !== undefined, 'a row that is not held');
    return timeIn(value);
  }

  /** The first of the key's rows by place, and the earliest time of any of them. Looks at all. */
  survey(): { readonly first: Uint8Array; readonly earliest: number } {
    let first: Uint8Array | undefined;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { sub, value } of this.#rows.entries()) {
      if (first === undefined || compareBytes(sub, first) < 0) first = sub.slice();
      earliest = Math.min(earliest, timeIn(value));
    }
    assert(first !== undefined, 'no row is held');
    return { first, earliest };
  }

  /** Places of the key's rows, ascending. Looks at all. */
  places(): readonly number[] {
    return Array.from(this.#rows.entries(), ({ sub }) => placeIn(sub)).sort((a, b) => a - b);
  }
}

const timeIn = (value: Uint8Array): number =>
  new DataView(value.buffer, value.byteOffset, TIME_BYTES).getFloat64(0, true);

function writeNumber(view: DataView, at: number, number: number): void {
  view.setUint32(at, Math.floor(number / 2 ** 32) + SIGN);
  view.setUint32(at + 4, number >>> 0);
}

/** The first number of a sub. */
export function placeIn(sub: Uint8Array): number {
  const view = new DataView(sub.buffer, sub.byteOffset, NUMBER_BYTES);
  return (view.getUint32(0) - SIGN) * 2 ** 32 + view.getUint32(4);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const differs = a.findIndex((byte, i) => byte !== b[i]);
  return differs < 0 ? 0 : (a[differs] ?? 0) - (b[differs] ?? 0);
}
