/**
 * Keyed state as operators with user functions and general windows see it: byte strings in the arena, under names, for
 * the key of the row at hand; and timers. What is typed (values, lists, maps) is made on top of it (runtime/state).
 *
 *   key of the row -> select(key)
 *                      table 'name':  sub-key -> value        as a Map, in order of insertion
 *                      timers:        (time, tag)             each at most once
 *
 * Invariants
 *  1. All of it lives in the arena: checkpointed, budgeted, counted by name. Exhausted memory throws E1302 and changes
 *     nothing.
 *  2. Order never depends on memory: sub-keys of a key come in order of insertion; timers by time, then hash and bytes
 *     of the key, then bytes of the tag.
 *  3. Bytes that are handed out are views: valid until the next call of this port. Bytes handed in are copied.
 *  4. An expiry never goes back, so the order in which rows refresh an entry does not matter.
 */
import type { EventTimeMs } from '../base/time.ts';

/** A key, encoded by the row codec (kernel/row-codec.ts); the hash is the frozen key hash of it. */
export interface StateKey {
  readonly bytes: Uint8Array;
  readonly hash: number;
}

/** When entries expire. Times are event time, unless the state was opened for processing time. */
export interface Expiry {
  readonly ttlMs: number;
  /** 'write': set anew by every put; 'access': by every get too. */
  readonly refresh: 'write' | 'access';
}

/** One named state. Every call is about the selected key. An empty sub-key is the place of a single value. */
export interface KeyedTable {
  readonly name: string;
  get(sub: Uint8Array): Uint8Array | undefined;
  put(sub: Uint8Array, value: Uint8Array): void;
  /** Whether it was there. */
  delete(sub: Uint8Array): boolean;
  /**
   * Sub-keys and values of the selected key, in order of insertion. The table may be changed while it is walked: entries
   * put since are met, entries deleted are not. The key must be the selected one at every step.
   */
  entries(): IterableIterator<{ readonly sub: Uint8Array; readonly value: Uint8Array }>;
  /** Forgets all entries of the selected key; those that have expired too, untold. */
  clear(): void;
}

export interface Timer {
  /** Milliseconds on the clock of the service. */
  readonly time: number;
  readonly tag: Uint8Array;
}

/** Timers of one clock, for all keys of an operator. */
export interface TimerService {
  /** Registers for the selected key; false when this timer is there already. */
  register(time: number, tag: Uint8Array): boolean;
  /** Whether it was there. */
  delete(time: number, tag: Uint8Array): boolean;
  /** Time of the earliest timer of all keys. */
  readonly earliest: number | undefined;
  /** Takes the first timer at or before `until` out and selects its key; undefined when there is none. */
  next(until: number): Timer | undefined;
  readonly count: number;
}

export interface KeyedState {
  /** The key that all following calls are about. */
  select(key: StateKey): void;
  /** The selected key. */
  readonly key: StateKey;
  /** The state of this name, made when it is not there. Names are unique within the operator. */
  open(name: string, expiry?: Expiry): KeyedTable;
  readonly eventTimers: TimerService;
  readonly processingTimers: TimerService;
  /**
   * The clock of expiry goes on: entries whose time is at or before `now` are gone for every call that follows. What is
   * put from here on (or read, when that refreshes) lives from `written`, which is `now` unless it is given: a row may be
   * ahead of the watermark that is the clock. One that is behind it lives from the clock.
   */
  advance(now: EventTimeMs, written?: EventTimeMs): void;
  /**
   * Before this time no entry expires; undefined: none ever does, as things stand. The first may expire later, because it
   * was refreshed: `expire` at this time then finds nothing, and moves this on.
   */
  readonly earliestExpiry: number | undefined;
  /**
   * Removes up to `limit` expired entries, the earliest first, and tells of each, its key selected; whether more may
   * remain. Expired entries that were not removed yet are invisible already; putting over one removes it untold.
   */
  expire(limit: number, expired: (table: KeyedTable, sub: Uint8Array, value: Uint8Array) => void): boolean;
}
