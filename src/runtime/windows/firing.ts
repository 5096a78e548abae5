/**
 * What happens when a window fires: its contents become result rows.
 *
 * Invariants
 *  1. A window without rows gives no result.
 *  2. When results take earlier ones back, the accumulators behind the last result of each window are kept; a window that
 *     goes into another one, or ends, is forgotten, and in the first case its result is taken back.
 * Not here: when windows fire (operators/general-window.ts).
 */
import type { EventTimeMs } from '../../base/time.ts';
import type { RecordBatch } from '../../data/record-batch.ts';
import { RowKind } from '../../data/row-kind.ts';
import type { KeyedTable, StateKey } from '../../state/keyed-state.ts';
import { inWindow } from '../aggregates/aggregate-failure.ts';
import type { Entries } from '../aggregates/entries.ts';
import type { AggregateContents, Contents } from './contents.ts';
import { encodeWindow, type Window } from './window.ts';
import type { WindowResults } from './window-results.ts';

export interface Firing {
  readonly contents: Contents;
  /** Fires a window of the selected key; how many rows of it an evictor took out for good. */
  fire(key: StateKey, window: Window, place: Window): number;
  /** A window of the selected key went into another one. */
  joined(key: StateKey, window: Window): void;
  /** A window of the selected key is gone. */
  ended(window: Window): void;
  /** Whether results remain to be written, or there is no room for more. */
  readonly isFull: boolean;
  /** Result rows written since the last `take`. */
  readonly rows: number;
  /** Writes what there was no room for, as far as there is. */
  drain(): void;
  take(passed: EventTimeMs): RecordBatch;
}

interface TakenBack {
  readonly key: Uint8Array;
  readonly window: Window;
  readonly accumulators: Uint8Array;
}

export class AggregateFiring implements Firing {
  readonly contents: AggregateContents;
  readonly #accumulators: Entries;
  readonly #results: WindowResults;
  /** Accumulators behind the last result of each window; undefined: results take nothing back. */
  readonly #before: KeyedTable | undefined;
  /** Results to take back, for which there was no room yet. Empty between elements. */
  readonly #queue: TakenBack[] = [];

  constructor(
    contents: AggregateContents,
    accumulators: Entries,
    results: WindowResults,
    before: KeyedTable | undefined,
  ) {
    this.contents = contents;
    this.#accumulators = accumulators;
    this.#results = results;
    this.#before = before;
  }

  get rows(): number {
    return this.#results.rows;
  }

  get isFull(): boolean {
    return this.#queue.length > 0 || this.#results.isFull;
  }

  fire(key: StateKey, window: Window, place: Window): number {
    try {
      if (!this.contents.open(place)) return this.contents.evicted;
      if (this.#before === undefined) this.#accumulators.finish(this.#results.add(key.bytes, window));
      else this.#update(key, window, this.#before);
      return this.contents.evicted;
    } catch (error) {
      throw inWindow(error, key.bytes, window);
    }
  }

  #update(key: StateKey, window: Window, results: KeyedTable): void {
    const sub = encodeWindow(window);
    const after = this.#accumulators.store();
    const before = results.get(sub);
    if (before === undefined) {
      this.#accumulators.finish(this.#results.add(key.bytes, window));
    } else {
      this.#accumulators.load(before);
      this.#accumulators.finish(this.#results.add(key.bytes, window, RowKind.UPDATE_BEFORE));
      this.#accumulators.load(after);
      this.#accumulators.finish(this.#results.add(key.bytes, window, RowKind.UPDATE_AFTER));
      if (this.#results.dropEqualUpdate()) return;
    }
    results.put(sub, after);
  }

  joined(key: StateKey, window: Window): void {
    const accumulators = this.#before?.get(encodeWindow(window))?.slice();
    if (accumulators === undefined) return;
    this.#before?.delete(encodeWindow(window));
    this.#queue.push({ key: key.bytes.slice(), window, accumulators });
    this.drain();
  }

  ended(window: Window): void {
    this.#before?.delete(encodeWindow(window));
  }

  take(passed: EventTimeMs): RecordBatch {
    return this.#results.take(passed);
  }

  drain(): void {
    for (let next = this.#queue[0]; next !== undefined && !this.#results.isFull; next = this.#queue[0]) {
      this.#takeBack(next);
      this.#queue.shift();
    }
  }

  #takeBack({ key, window, accumulators }: TakenBack): void {
    try {
      this.#accumulators.load(accumulators);
      this.#accumulators.finish(this.#results.add(key, window, RowKind.DELETE));
    } catch (error) {
      throw inWindow(error, key, window);
    }
  }
}
