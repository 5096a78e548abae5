/**
 * What is remembered of a key whose rows are put in order, besides the rows that wait: how far it has come, and which
 * numbers were given up.
 *
 * Invariants
 *  1. What a key costs is bounded: at most GAPS_MAX runs of numbers that were given up, beside one head.
 *  2. A key that is forgotten after a time is so as a whole: its head and its runs are written or read together.
 *  3. A number that was given up is in a run above `forgotten`, or at or below `forgotten`; one in neither has come.
 */
import { SHA256_BYTES } from '../../base/sha256.ts';
import type { ReorderSpec } from '../../plan/reorder.ts';
import type { KeyedState, KeyedTable } from '../../state/keyed-state.ts';

export interface Head {
  /** The next number; by event time: that of the last row that went out. NaN: nothing has gone out. */
  next: number;
  /** Rows that wait. */
  held: number;
  /** Event time of the first of the numbers too far ahead, while no other number comes. NaN: none. */
  farSince: number;
  /** What became of numbers up to here is not known. */
  forgotten: number;
  /** Rows that have come, which tells those of one time apart. */
  arrivals: number;
  /** Rows that have gone out. */
  rows: number;
  /** Hash of the last row that went out; zeros before the first, and when there is no audit. */
  chain: Uint8Array;
}

/** Runs of numbers that were given up, of which a key remembers so many. */
export const GAPS_MAX = 64;
const NOTHING = new Uint8Array(0);
const NO_CHAIN = new Uint8Array(SHA256_BYTES);
const NUMBERS = 6;
const NUMBER_BYTES = 8;

/** Of the selected key. */
export class Heads {
  readonly #heads: KeyedTable;
  readonly #gaps: KeyedTable;
  readonly #first: number | undefined;
  readonly #hasChain: boolean;
  readonly #forgets: boolean;
  /** A head as bytes. */
  readonly #room: Uint8Array;
  readonly #view: DataView;

  constructor(state: KeyedState, { first, audit, forgetAfterMs }: ReorderSpec) {
    const ttl = forgetAfterMs === undefined ? undefined : { ttlMs: forgetAfterMs };
    this.#heads = state.open('heads', ttl && { ...ttl, refresh: 'write' });
    this.#gaps = state.open('gaps', ttl && { ...ttl, refresh: 'access' });
    this.#forgets = ttl !== undefined;
    this.#first = first;
    this.#hasChain = audit;
    this.#room = new Uint8Array(NUMBERS * NUMBER_BYTES + (audit ? SHA256_BYTES : 0));
    this.#view = new DataView(this.#room.buffer);
  }

  /** Whether the selected key has a head. */
  get isKnown(): boolean {
    return this.#heads.get(NOTHING) !== undefined;
  }

  read(): Head {
    const bytes = this.#heads.get(NOTHING);
    if (bytes === undefined) return newHead(this.#first);
    this.#room.set(bytes);
    const number = (i: number): number => this.#view.getFloat64(i * NUMBER_BYTES, true);
    return {
      next: number(0),
      held: number(1),
      farSince: number(2),
      forgotten: number(3),
      arrivals: number(4),
      rows: number(5),
      chain: this.#hasChain ? this.#room.slice(NUMBERS * NUMBER_BYTES) : NO_CHAIN,
    };
  }

  write({ next, held, farSince, forgotten, arrivals, rows, chain }: Head): void {
    const view = this.#view;
    view.setFloat64(0, next, true);
    view.setFloat64(NUMBER_BYTES, held, true);
    view.setFloat64(2 * NUMBER_BYTES, farSince, true);
    view.setFloat64(3 * NUMBER_BYTES, forgotten, true);
    view.setFloat64(4 * NUMBER_BYTES, arrivals, true);
    view.setFloat64(5 * NUMBER_BYTES, rows, true);
    if (this.#hasChain) this.#room.set(chain, NUMBERS * NUMBER_BYTES);
    this.#heads.put(NOTHING, this.#room);
    // Runs live as long as the head: being read is what renews them.
    if (this.#forgets) this.#gaps.get(NOTHING);
  }

  /** Remembers that the numbers from `from` to `to`, above all others, were given up. */
  addGap(head: Head, from: number, to: number): void {
    this.#writeGaps(head, [...this.#readGaps(), from, to]);
  }

  /** Whether this number was given up. It has come with this. */
  takeFromGap(head: Head, place: number): boolean {
    const gaps = this.#readGaps();
    const at = gaps.findIndex((from, i) => i % 2 === 0 && from <= place && place <= (gaps[i + 1] ?? from));
    if (at < 0) return false;
    const [from = place, to = place] = [gaps[at], gaps[at + 1]];
    const rest = [...(from < place ? [from, place - 1] : []), ...(place < to ? [place + 1, to] : [])];
    this.#writeGaps(head, [...gaps.slice(0, at), ...rest, ...gaps.slice(at + 2)]);
    return true;
  }

  /** First and last number of each run, ascending. */
  #readGaps(): readonly number[] {
    const bytes = this.#gaps.get(NOTHING);
    if (bytes === undefined) return [];
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return Array.from({ length: bytes.length / NUMBER_BYTES }, (_, i) => view.getFloat64(i * NUMBER_BYTES, true));
  }

  #writeGaps(head: Head, gaps: readonly number[]): void {
    const lost = Math.max(0, gaps.length - GAPS_MAX * 2);
    if (lost > 0) head.forgotten = gaps[lost - 1] ?? head.forgotten;
    const kept = gaps.slice(lost);
    const bytes = new Uint8Array(kept.length * NUMBER_BYTES);
    const view = new DataView(bytes.buffer);
    kept.forEach((number, i) => view.setFloat64(i * NUMBER_BYTES, number, true));
    if (kept.length === 0) this.#gaps.delete(NOTHING);
    else this.#gaps.put(NOTHING, bytes);
  }
}

const newHead = (first: number | undefined): Head => ({
  next: first ?? Number.NaN,
  held: 0,
  farSince: Number.NaN,
  forgotten: (first ?? Number.NEGATIVE_INFINITY) - 1,
  arrivals: 0,
  rows: 0,
  chain: NO_CHAIN,
});
