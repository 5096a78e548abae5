/**
 * A single value per key, and what folds values into one (reducing, aggregating).
 *
 * Invariants
 *  1. Decoded values are kept for the keys of the batch at hand and written once, by `writeBack`: at the end of the batch
 *     and so before every barrier. What expires is not kept: it must be seen to expire within a batch.
 *  2. A read gives what was set last, also when it is not written back yet, and never the cached value itself where that
 *     could be changed.
 */
import type { StateSpec } from '../../plan/process.ts';
import type { KeyedTable, StateKey } from '../../state/keyed-state.ts';
import type { KeyScope } from './key-scope.ts';
import type { Kept } from './kept.ts';

const VALUE = new Uint8Array(0);

interface Entry {
  readonly key: StateKey;
  value: unknown;
  isDirty: boolean;
}

export class ValueState {
  readonly #scope: KeyScope;
  readonly #table: KeyedTable;
  readonly #kept: Kept;
  readonly #initial: unknown;
  /** By key, for the batch at hand; undefined: this state expires and is not kept. */
  readonly #cache: Map<StateKey, Entry> | undefined;
  #dirty: Entry[] = [];

  constructor(scope: KeyScope, table: KeyedTable, spec: StateSpec, kept: Kept) {
    this.#scope = scope;
    this.#table = table;
    this.#kept = kept;
    this.#initial = spec.initial;
    this.#cache = spec.expiry === undefined ? new Map() : undefined;
  }

  get(): unknown {
    const value = this.stored();
    return value === undefined ? this.#kept.handOut(this.#initial) : value;
  }

  /** What was set, undefined when nothing was. */
  stored(): unknown {
    if (this.#cache === undefined) return this.#read();
    const { key } = this.#scope;
    let entry = this.#cache.get(key);
    if (entry === undefined) {
      entry = { key, value: this.#read(), isDirty: false };
      this.#cache.set(key, entry);
    }
    return this.#kept.handOut(entry.value);
  }

  /** As `get`, for those who look on: nothing lives longer for it. */
  peek(): unknown {
    this.#scope.select(this.#scope.key);
    for (const { value } of this.#table.entries()) return this.#kept.decode(value);
    return this.#kept.handOut(this.#initial);
  }

  /** Of an entry of the table that is gone. */
  expired(_sub: Uint8Array, value: Uint8Array): { readonly value: unknown } {
    return { value: this.#kept.decode(value) };
  }

  set(value: unknown): void {
    this.#change(this.#kept.conform(value));
  }

  clear(): void {
    this.#change(undefined);
  }

  /** Writes what was set since the last time, and forgets what is cached. */
  writeBack(): void {
    for (const { key, value } of this.#dirty) {
      this.#scope.select(key);
      this.#write(value);
    }
    this.#dirty = [];
    this.#cache?.clear();
  }

  #change(value: unknown): void {
    if (this.#cache === undefined) {
      this.#scope.select(this.#scope.key);
      this.#write(value);
      return;
    }
    const { key } = this.#scope;
    let entry = this.#cache.get(key);
    if (entry === undefined) {
      entry = { key, value, isDirty: false };
      this.#cache.set(key, entry);
    }
    entry.value = value;
    if (entry.isDirty) return;
    entry.isDirty = true;
    this.#dirty.push(entry);
  }

  #read(): unknown {
    this.#scope.select(this.#scope.key);
    const bytes = this.#table.get(VALUE);
    return bytes === undefined ? undefined : this.#kept.decode(bytes);
  }

  #write(value: unknown): void {
    if (value === undefined) this.#table.delete(VALUE);
    else this.#table.put(VALUE, this.#kept.encode(value));
  }
}
