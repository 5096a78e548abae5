/**
 * Maps and lists per key, and states that fold values into one.
 *
 *   map 'm':   sub-key = the key's bytes            -> value
 *   list 'l':  sub-key = nothing                    -> number of the next element, 4 bytes
 *              sub-key = number, 4 bytes            -> value
 *
 * Invariants
 *  1. What is iterated comes in order of insertion. Changing the state meanwhile is allowed (state/keyed-state.ts).
 *  2. The number of a list's next element is written with every element, and lives on with every one that is read, so it
 *     never expires before one.
 *  3. Where reading lets entries live on, each that is met does; looking on (`peek`) is no reading.
 */
import type { Fold } from '../../plan/process.ts';
import type { KeyedTable } from '../../state/keyed-state.ts';
import type { KeyScope } from './key-scope.ts';
import type { Kept } from './kept.ts';
import type { ValueState } from './value-state.ts';

/** How a collection is read. */
interface Reading {
  /** Whether reading an entry lets it live on. */
  readonly refreshes: boolean;
}

export class MapState {
  readonly #scope: KeyScope;
  readonly #table: KeyedTable;
  readonly #keys: Kept;
  readonly #values: Kept;
  /** Whether reading lets entries live on. */
  readonly #refreshes: boolean;

  constructor(scope: KeyScope, table: KeyedTable, kept: { readonly keys: Kept; readonly values: Kept } & Reading) {
    this.#scope = scope;
    this.#table = table;
    this.#keys = kept.keys;
    this.#values = kept.values;
    this.#refreshes = kept.refreshes;
  }

  get(key: unknown): unknown {
    const bytes = this.#at().get(this.#sub(key));
    return bytes === undefined ? undefined : this.#values.decode(bytes);
  }

  has(key: unknown): boolean {
    return this.#at().get(this.#sub(key)) !== undefined;
  }

  set(key: unknown, value: unknown): void {
    const conformed = this.#values.conform(value);
    this.#at().put(this.#sub(key), this.#values.encode(conformed));
  }

  delete(key: unknown): boolean {
    return this.#at().delete(this.#sub(key));
  }

  clear(): void {
    this.#at().clear();
  }

  entries(): IterableIterator<[unknown, unknown]> {
    return this.#walk(this.#refreshes);
  }

  *#walk(refreshes: boolean): IterableIterator<[unknown, unknown]> {
    const owner = this.#scope.key;
    const entries = this.#at().entries();
    for (;;) {
      // Other handles may have selected another key while the loop's body ran.
      this.#scope.select(owner);
      const next = entries.next();
      if (next.done === true) return;
      const { sub, value } = next.value;
      const entry: [unknown, unknown] = [this.#keys.decode(sub), this.#values.decode(value)];
      // The views end with the next call.
      if (refreshes) this.#table.get(sub.slice());
      yield entry;
    }
  }

  /** A copy, for those who look on. */
  peek(): ReadonlyMap<unknown, unknown> {
    return new Map(this.#walk(false));
  }

  /** Of an entry of the table that is gone. */
  expired(sub: Uint8Array, value: Uint8Array): { readonly entry: unknown; readonly value: unknown } {
    return { entry: this.#keys.decode(sub), value: this.#values.decode(value) };
  }

  *keys(): IterableIterator<unknown> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): IterableIterator<unknown> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): IterableIterator<[unknown, unknown]> {
    return this.entries();
  }

  #sub(key: unknown): Uint8Array {
    return this.#keys.encode(this.#keys.conform(key));
  }

  #at(): KeyedTable {
    this.#scope.select(this.#scope.key);
    return this.#table;
  }
}

const NEXT = new Uint8Array(0);

/** State that is a list of values, in the order in which they were added. */
export class ListState {
  readonly #scope: KeyScope;
  readonly #table: KeyedTable;
  readonly #kept: Kept;
  readonly #sub = new Uint8Array(4);
  /** Whether reading lets elements live on. */
  readonly #refreshes: boolean;

  constructor(scope: KeyScope, table: KeyedTable, kept: Kept, { refreshes }: Reading) {
    this.#scope = scope;
    this.#table = table;
    this.#kept = kept;
    this.#refreshes = refreshes;
  }

  add(value: unknown): void {
    const conformed = this.#kept.conform(value);
    const table = this.#at();
    const bytes = table.get(NEXT);
    const next = bytes === undefined ? 0 : viewOf(bytes).getUint32(0, true);
    const sub = viewOf(this.#sub);
    sub.setUint32(0, next + 1, true);
    table.put(NEXT, this.#sub);
    sub.setUint32(0, next, true);
    table.put(this.#sub, this.#kept.encode(conformed));
  }

  get(): IterableIterator<unknown> {
    return this.#walk(this.#refreshes);
  }

  *#walk(refreshes: boolean): IterableIterator<unknown> {
    const owner = this.#scope.key;
    const entries = this.#at().entries();
    for (;;) {
      // Other handles may have selected another key while the loop's body ran.
      this.#scope.select(owner);
      const next = entries.next();
      if (next.done === true) return;
      const { sub, value } = next.value;
      if (sub.length === 0) continue;
      const element = this.#kept.decode(value);
      if (refreshes) this.#refresh(sub.slice());
      yield element;
    }
  }

  #refresh(sub: Uint8Array): void {
    this.#table.get(sub);
    this.#table.get(NEXT);
  }

  /** A copy, for those who look on. */
  peek(): readonly unknown[] {
    return [...this.#walk(false)];
  }

  /** Of an entry of the table that is gone; undefined for the number of the next element, which is none. */
  expired(sub: Uint8Array, value: Uint8Array): { readonly value: unknown } | undefined {
    return sub.length === 0 ? undefined : { value: this.#kept.decode(value) };
  }

  /** Replaces what it holds. */
  set(values: Iterable<unknown>): void {
    const all = [...values];
    this.clear();
    for (const value of all) this.add(value);
  }

  clear(): void {
    this.#at().clear();
  }

  [Symbol.iterator](): IterableIterator<unknown> {
    return this.get();
  }

  #at(): KeyedTable {
    this.#scope.select(this.#scope.key);
    return this.#table;
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export class FoldState {
  readonly #value: ValueState;
  readonly #fold: Fold;

  constructor(value: ValueState, fold: Fold) {
    this.#value = value;
    this.#fold = fold;
  }

  add(value: unknown): void {
    const before = this.#value.stored();
    // The API's types tie the functions to what the state holds and takes.
    const made =
      before === undefined ? this.#fold.first(value as never) : this.#fold.add(before as never, value as never);
    this.#value.set(made);
  }

  /** Undefined when nothing was added. */
  get(): unknown {
    return this.#finished(this.#value.stored());
  }

  /** As `get`, for those who look on. */
  peek(): unknown {
    return this.#finished(this.#value.peek());
  }

  /** Of an entry of the table that is gone. */
  expired(sub: Uint8Array, value: Uint8Array): { readonly value: unknown } {
    return { value: this.#finished(this.#value.expired(sub, value).value) };
  }

  #finished(accumulator: unknown): unknown {
    // As in add.
    return accumulator === undefined ? undefined : this.#fold.finish(accumulator as never);
  }

  clear(): void {
    this.#value.clear();
  }
}
