/**
 * Keyed state in the arena: the port of keyed-state.ts on the kernels of kernel/keyed.ts. States are named 'uid/name'.
 *
 * Invariants
 *  1. A walk over entries stands on a live entry or before the first: what removes or moves the entry it stands on moves
 *     the walk.
 *  2. Entries expire by time, those of one time in the order in which their tables were opened.
 * Not here: where bytes lie (assembly/keyed), types of values (runtime/state).
 */
import { assert } from '../base/assert.ts';
import { UserError } from '../base/errors.ts';
import type { EventTimeMs } from '../base/time.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import { KEYED_BYTES_MAX, KeyedSelection, KeyedTableKernels, TimerKernels } from '../kernel/keyed.ts';
import type { StateArena } from './arena.ts';
import type { Expiry, KeyedState, KeyedTable, StateKey, Timer, TimerService } from './keyed-state.ts';

/** Names that hold timers; names of states are identifiers, which have no blank. */
const EVENT_TIMERS = 'event timers';
const PROCESSING_TIMERS = 'processing timers';

export interface ArenaKeyedStateOptions {
  readonly kernels: KernelInstance;
  readonly arena: StateArena;
  readonly uid: string;
}

/** Where a walk over the entries of a key stands: at an entry, 0 before the first. */
interface Cursor {
  entry: number;
  readonly key: Uint8Array;
  /** The last selection that was of its key. */
  selection: number;
}

function checkSize(state: string, bytes: number): void {
  if (bytes > KEYED_BYTES_MAX) throw new UserError('E1337', { state, bytes, most: KEYED_BYTES_MAX });
}

class ArenaTable implements KeyedTable {
  readonly name: string;
  readonly kernels: KeyedTableKernels;
  readonly #arena: StateArena;
  readonly #selection: KeyedSelection;
  readonly #cursors = new Set<Cursor>();

  constructor(name: string, kernels: KeyedTableKernels, arena: StateArena) {
    this.name = name;
    this.kernels = kernels;
    this.#arena = arena;
    this.#selection = kernels.selection;
  }

  get(sub: Uint8Array): Uint8Array | undefined {
    const found = this.kernels.get(sub);
    if (found === 'out of memory') throw this.#arena.exhausted();
    return found ? this.kernels.value : undefined;
  }

  put(sub: Uint8Array, value: Uint8Array): void {
    checkSize(this.name, this.#selection.keyLength + sub.length + value.length);
    const status = this.kernels.put(sub, value);
    this.moveCursors();
    if (status === 'out of memory') throw this.#arena.exhausted();
  }

  delete(sub: Uint8Array): boolean {
    const found = this.kernels.delete(sub);
    if (found) this.moveCursors();
    return found;
  }

  clear(): void {
    this.kernels.clear();
    for (const cursor of this.#cursors) if (this.#isSelected(cursor)) cursor.entry = 0;
  }

  /** After a call that may have taken an entry away. */
  moveCursors(): void {
    if (this.#cursors.size === 0) return;
    const { gone, instead } = this.kernels;
    if (gone === 0) return;
    for (const cursor of this.#cursors) if (cursor.entry === gone) cursor.entry = instead;
  }

  #isSelected(cursor: Cursor): boolean {
    const { number, key } = this.#selection;
    if (cursor.selection === number) return true;
    const isSame = key.length === cursor.key.length && key.every((byte, i) => byte === cursor.key[i]);
    if (isSame) cursor.selection = number;
    return isSame;
  }

  *entries(): IterableIterator<{ readonly sub: Uint8Array; readonly value: Uint8Array }> {
    const cursor: Cursor = { entry: 0, key: this.#selection.key.slice(), selection: this.#selection.number };
    this.#cursors.add(cursor);
    try {
      for (;;) {
        assert(this.#isSelected(cursor), `another key is selected while '${this.name}' is walked`);
        if (!this.kernels.next(cursor.entry)) return;
        cursor.entry = this.kernels.entry;
        yield { sub: this.kernels.sub, value: this.kernels.value };
      }
    } finally {
      this.#cursors.delete(cursor);
    }
  }
}

class ArenaTimers implements TimerService {
  readonly #kernels: TimerKernels;
  readonly #arena: StateArena;
  readonly #name: string;
  /** The earliest time, NaN for none; undefined when it must be asked for. */
  #earliest: number | undefined;

  constructor(name: string, kernels: TimerKernels, arena: StateArena) {
    this.#name = name;
    this.#kernels = kernels;
    this.#arena = arena;
  }

  register(time: number, tag: Uint8Array): boolean {
    assert(Number.isSafeInteger(time), `a timer at ${time}`);
    checkSize(this.#name, this.#kernels.selection.keyLength + tag.length);
    const added = this.#kernels.register(time, tag);
    if (added === 'out of memory') throw this.#arena.exhausted();
    this.#earliest = undefined;
    return added;
  }

  delete(time: number, tag: Uint8Array): boolean {
    this.#earliest = undefined;
    return this.#kernels.delete(time, tag);
  }

  get earliest(): number | undefined {
    const time = (this.#earliest ??= this.#kernels.earliest);
    return Number.isNaN(time) ? undefined : time;
  }

  next(until: number): Timer | undefined {
    const earliest = this.earliest;
    if (earliest === undefined || earliest > until) return undefined;
    this.#earliest = undefined;
    if (!this.#kernels.next(until)) return undefined;
    this.#kernels.selectAnswered();
    return { time: this.#kernels.time, tag: this.#kernels.sub };
  }

  get count(): number {
    return this.#kernels.entries;
  }
}

export class ArenaKeyedState implements KeyedState {
  readonly #options: ArenaKeyedStateOptions;
  readonly #selection: KeyedSelection;
  readonly #tables = new Map<string, ArenaTable>();
  /** Tables whose entries expire. */
  readonly #expiring: ArenaTable[] = [];
  #eventTimers: ArenaTimers | undefined;
  #processingTimers: ArenaTimers | undefined;

  /** After a restore, which gives states their numbers. */
  constructor(options: ArenaKeyedStateOptions) {
    this.#options = options;
    this.#selection = new KeyedSelection(options.kernels);
  }

  select(key: StateKey): void {
    this.#selection.select(key.bytes, key.hash);
  }

  get key(): StateKey {
    return { bytes: this.#selection.key, hash: this.#selection.hash };
  }

  open(name: string, expiry?: Expiry): KeyedTable {
    const { kernels, arena, uid } = this.#options;
    const opened = this.#tables.get(name);
    if (opened !== undefined) return opened;
    assert(expiry === undefined || expiry.ttlMs > 0, `a time to live of ${expiry?.ttlMs} ms`);
    const state = arena.open(`${uid}/${name}`);
    const onAccess = expiry?.refresh === 'access';
    const ttl = expiry === undefined ? undefined : { ttlMs: expiry.ttlMs, onAccess };
    const table = new ArenaTable(name, new KeyedTableKernels(kernels, state, this.#selection, ttl), arena);
    this.#tables.set(name, table);
    if (expiry !== undefined) this.#expiring.push(table);
    return table;
  }

  get eventTimers(): TimerService {
    return (this.#eventTimers ??= this.#timers(EVENT_TIMERS));
  }

  get processingTimers(): TimerService {
    return (this.#processingTimers ??= this.#timers(PROCESSING_TIMERS));
  }

  #timers(name: string): ArenaTimers {
    const { kernels, arena, uid } = this.#options;
    const state = arena.open(`${uid}/${name}`);
    return new ArenaTimers(name, new TimerKernels(kernels, state, this.#selection), arena);
  }

  advance(now: EventTimeMs, written: EventTimeMs = now): void {
    this.#selection.setTimes(Math.max(this.#selection.clock, now), written);
  }

  get earliestExpiry(): number | undefined {
    let earliest: number | undefined;
    for (const { kernels } of this.#expiring) {
      // NaN, for an empty queue, is never smaller.
      const time = kernels.earliest;
      if (time < (earliest ?? Number.POSITIVE_INFINITY)) earliest = time;
    }
    return earliest;
  }

  expire(limit: number, expired: (table: KeyedTable, sub: Uint8Array, value: Uint8Array) => void): boolean {
    for (let steps = 0; steps < limit; steps++) {
      const table = this.#firstToExpire();
      if (table === undefined) return false;
      const status = table.kernels.expire();
      if (status === 'out of memory') throw this.#options.arena.exhausted();
      if (status !== 'one') continue;
      table.moveCursors();
      table.kernels.selectAnswered();
      expired(table, table.kernels.sub, table.kernels.value);
    }
    return this.#firstToExpire() !== undefined;
  }

  /** The table whose queue has the earliest time, when that has come. */
  #firstToExpire(): ArenaTable | undefined {
    let first: ArenaTable | undefined;
    let at = this.#selection.clock;
    for (const table of this.#expiring) {
      const { earliest } = table.kernels;
      // NaN, for an empty queue, is never smaller.
      if (earliest < at || (first === undefined && earliest <= at)) {
        first = table;
        at = earliest;
      }
    }
    return first;
  }
}
