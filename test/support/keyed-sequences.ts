/**
 * Generated sequences of operations on keyed state, done to the arena and to the oracle: every answer must be the same,
 * every count must hold, and a restore must bring back what was there when its snapshot began.
 */
import { below, type Random, seededRandom, uniform } from '../../src/base/random.ts';
import { eventTimeMs } from '../../src/base/time.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import { ArenaKeyedState } from '../../src/state/arena-keyed-state.ts';
import { StateArena } from '../../src/state/arena.ts';
import type { Expiry, KeyedTable } from '../../src/state/keyed-state.ts';
import { type OracleKey, OracleState, OracleTable } from '../oracle/keyed-state.ts';

export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
export const textOf = (bytes: Uint8Array): string => Array.from(bytes, (b) => String.fromCharCode(b)).join('');

const EXPIRIES: readonly (Expiry | undefined)[] = [
  undefined,
  { ttlMs: 40, refresh: 'write' },
  { ttlMs: 100, refresh: 'access' },
];

const HASHES = [0x11111111, 0x11111111, 0x80000000, 0xffffffff, 7] as const;
/** Some keys share a hash; some share a beginning; one is empty. */
const KEYS: readonly OracleKey[] = [
  '',
  'a',
  'ab',
  'a-key-of-more-than-16-bytes',
  'a-key-of-more-than-16-bytesX',
  '\xff\x00',
].map((bytes, i) => ({ bytes, hash: HASHES[i % HASHES.length] ?? 0 }));
const TAGS = ['', 'quiet', 'quiet ', '\xfe'];
const VALUE_BYTES = [0, 1, 8, 30, 31, 120, 700, 2041, 9000];

interface Checkpoint {
  readonly oracle: OracleState;
  readonly described: ReturnType<StateArena['describe']>;
}

class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

function same(what: string, found: unknown, expected: unknown): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Mismatch(`${what}: ${a?.slice(0, 200)}, expected ${b?.slice(0, 200)}`);
}

export class KeyedSequence {
  readonly #kernels: KernelInstance;
  readonly #arena: StateArena;
  readonly #random: Random;
  readonly #counts: { [operation: string]: number };
  #state: ArenaKeyedState;
  #tables: readonly KeyedTable[] = [];
  #oracle: OracleState;
  #now = 1000;
  #checkpoint = 0;
  #frames: { readonly bytes: Uint8Array; readonly checkpoint: number; readonly number: number }[] = [];
  #last: Checkpoint | undefined;
  #begun: Checkpoint | undefined;

  constructor(kernels: KernelInstance, arena: StateArena, seed: number, counts: { [operation: string]: number }) {
    this.#kernels = kernels;
    this.#arena = arena;
    this.#random = seededRandom(seed);
    this.#counts = counts;
    arena.reset();
    this.#oracle = new OracleState(EXPIRIES.map((e) => new OracleTable(e?.ttlMs, e?.refresh === 'access')));
    this.#state = this.#openAll();
    this.#select();
  }

  #openAll(): ArenaKeyedState {
    const state = new ArenaKeyedState({ kernels: this.#kernels, arena: this.#arena, uid: 'op' });
    this.#tables = EXPIRIES.map((expiry, i) => state.open(`t${i}`, expiry));
    return state;
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) this.#step();
    this.#compareAll();
  }

  /** The table and its oracle twin, at random. */
  #table(): readonly [KeyedTable, OracleTable] {
    const at = below(this.#random, this.#tables.length);
    const [table, twin] = [this.#tables[at], this.#oracle.tables[at]];
    if (table === undefined || twin === undefined) throw new Error(`no table ${at}`);
    return [table, twin];
  }

  #pick<T>(from: readonly T[]): T {
    const one = from[below(this.#random, from.length)];
    if (one === undefined) throw new Error('nothing to pick');
    return one;
  }

  #sub(): string {
    return `s${below(this.#random, 24)}`.slice(uniform(this.#random) < 0.2 ? 2 : 0);
  }

  #value(): string {
    const length = this.#pick(VALUE_BYTES);
    return String.fromCharCode(below(this.#random, 256)).repeat(length);
  }

  #select(): void {
    const key = this.#pick(KEYS);
    this.#state.select({ bytes: bytesOf(key.bytes), hash: key.hash });
    this.#oracle.key = key;
  }

  /** Operations with how often they come, of 100. */
  readonly #operations: readonly (readonly [number, string, () => void])[] = [
    [14, 'select', () => this.#select()],
    [32, 'put', () => this.#put()],
    [10, 'get', () => this.#get()],
    [8, 'delete', () => this.#delete()],
    [2, 'clear', () => this.#clear()],
    [4, 'walk', () => this.#walk()],
    [10, 'register', () => this.#register()],
    [4, 'delete timer', () => this.#deleteTimer()],
    [4, 'timers', () => this.#fire()],
    [4, 'advance', () => this.#advance()],
    [3, 'expire', () => this.#expire()],
    [2, 'snapshot', () => this.#snapshot()],
    [2, 'drain', () => this.#drain()],
    [1, 'restore', () => this.#restore()],
  ];

  #step(): void {
    let dice = uniform(this.#random) * 100;
    for (const [weight, name, operation] of this.#operations) {
      dice -= weight;
      if (dice >= 0) continue;
      this.#counts[name] = (this.#counts[name] ?? 0) + 1;
      operation();
      return;
    }
  }

  #put(): void {
    const [table, twin] = this.#table();
    const [sub, value] = [this.#sub(), this.#value()];
    table.put(bytesOf(sub), bytesOf(value));
    this.#oracle.put(twin, sub, value);
  }

  #get(): void {
    const [table, twin] = this.#table();
    const sub = this.#sub();
    const found = table.get(bytesOf(sub));
    same(`get ${sub}`, found === undefined ? null : textOf(found), this.#oracle.get(twin, sub) ?? null);
  }

  #delete(): void {
    const [table, twin] = this.#table();
    const sub = this.#sub();
    same(`delete ${sub}`, table.delete(bytesOf(sub)), this.#oracle.delete(twin, sub));
  }

  #clear(): void {
    const [table, twin] = this.#table();
    table.clear();
    twin.entries.delete(this.#oracle.key.bytes);
  }

  /** A walk that changes what it walks, as one over a Map would. */
  #walk(): void {
    const [table, twin] = this.#table();
    const seed = this.#random.u32();
    const mine = seededRandom(seed);
    let left = 40;
    const met: string[] = [];
    for (const { sub, value } of table.entries()) {
      met.push(`${textOf(sub)}=${textOf(value).slice(0, 3)}`);
      const other = `s${below(mine, 24)}`;
      const dice = uniform(mine);
      if (left-- < 0) break;
      if (dice < 0.3) table.delete(bytesOf(dice < 0.15 ? textOf(sub) : other));
      else if (dice < 0.6) table.put(bytesOf(other), new Uint8Array(below(mine, 100)));
    }
    same('walk', met, this.#walkOracle(twin, seededRandom(seed)));
  }

  #walkOracle(twin: OracleTable, mine: Random): string[] {
    let left = 40;
    const met: string[] = [];
    const done = new Map<string, unknown>();
    for (;;) {
      // The entries of a Map again, from the first one that was not met as this very entry.
      const live = [...twin.subs(this.#oracle.key)].filter(([, { expiry }]) => expiry > this.#oracle.clock);
      const next = live.find(([sub, entry]) => done.get(sub) !== entry);
      if (next === undefined) return met;
      const [sub, entry] = next;
      done.set(sub, entry);
      met.push(`${sub}=${entry.value.slice(0, 3)}`);
      const other = `s${below(mine, 24)}`;
      const dice = uniform(mine);
      if (left-- < 0) return met;
      if (dice < 0.3) this.#oracle.delete(twin, dice < 0.15 ? sub : other);
      else if (dice < 0.6) this.#oracle.put(twin, other, '\0'.repeat(below(mine, 100)));
    }
  }

  #register(): void {
    const time = this.#now + below(this.#random, 80);
    const tag = this.#pick(TAGS);
    same('register', this.#state.eventTimers.register(time, bytesOf(tag)), this.#oracle.register(time, tag));
    same('earliest', this.#state.eventTimers.earliest, this.#oracle.timers[0]?.time);
  }

  #deleteTimer(): void {
    const known = uniform(this.#random) < 0.8 && this.#oracle.timers.length > 0;
    const timer = known ? this.#pick(this.#oracle.timers) : { key: this.#pick(KEYS), time: this.#now, tag: 'quiet' };
    this.#state.select({ bytes: bytesOf(timer.key.bytes), hash: timer.key.hash });
    this.#oracle.key = timer.key;
    const found = this.#state.eventTimers.delete(timer.time, bytesOf(timer.tag));
    same('delete timer', found, this.#oracle.deleteTimer(timer.time, timer.tag));
  }

  #fire(): void {
    const until = this.#now + below(this.#random, 40);
    for (;;) {
      const timer = this.#state.eventTimers.next(until);
      const expected = this.#oracle.nextTimer(until);
      const found = timer && [timer.time, textOf(this.#state.key.bytes), textOf(timer.tag)];
      same('timer', found, expected && [expected.time, expected.key.bytes, expected.tag]);
      if (timer === undefined) return;
      if (uniform(this.#random) < 0.3) this.#register();
    }
  }

  #advance(): void {
    this.#now += below(this.#random, 30);
    const written = uniform(this.#random) < 0.7 ? this.#now - 20 + below(this.#random, 60) : undefined;
    this.#state.advance(eventTimeMs(this.#now), written === undefined ? undefined : eventTimeMs(written));
    this.#oracle.clock = this.#now;
    this.#oracle.time = written ?? this.#now;
  }

  #expire(): void {
    const limit = 1 + below(this.#random, 20);
    const found: string[] = [];
    const more = this.#state.expire(limit, (table, sub, value) => {
      found.push([table.name, textOf(this.#state.key.bytes), textOf(sub), textOf(value)].join(' '));
    });
    const expected = found.map(() => {
      const one = this.#oracle.expire();
      return one && [`t${one.table}`, one.key.bytes, one.sub, one.value].join(' ');
    });
    same('expired', found, expected);
    if (!more) same('expired to the end', this.#oracle.clone().expire() ?? null, null);
  }

  #snapshot(): void {
    this.#finishSnapshot();
    this.#arena.beginSnapshot();
    this.#checkpoint++;
    this.#begun = { oracle: this.#oracle.clone(), described: structuredClone(this.#arena.describe()) };
  }

  /** Takes all that the arena writes for the snapshot; what changed since it began must not be in it. */
  #finishSnapshot(): void {
    if (this.#begun === undefined) return;
    const number = this.#frames.length;
    let bytes = this.#arena.nextFrame(this.#checkpoint, number);
    while (bytes !== undefined) {
      this.#frames.push({ bytes, checkpoint: this.#checkpoint, number: this.#frames.length });
      bytes = this.#arena.nextFrame(this.#checkpoint, this.#frames.length);
    }
    this.#last = this.#begun;
    this.#begun = undefined;
  }

  #drain(): void {
    this.#finishSnapshot();
    same('counts hold', this.#arena.verify(), true);
  }

  #restore(): void {
    if (this.#last === undefined) return;
    this.#begun = undefined;
    this.#arena.reset();
    for (const { bytes, checkpoint, number } of this.#frames)
      same('frame restored', this.#arena.restoreFrame(bytes, checkpoint, number), true);
    this.#arena.finishRestore(this.#last.described);
    this.#oracle = this.#last.oracle.clone();
    this.#state = this.#openAll();
    const { clock, time } = this.#oracle;
    if (clock > Number.NEGATIVE_INFINITY) this.#state.advance(eventTimeMs(clock), eventTimeMs(time));
    this.#select();
    this.#compareAll();
    // Whole from here on, as the first checkpoint of a run is.
    this.#frames = [];
    this.#last = undefined;
    this.#arena.markAllDirty();
  }

  #compareAll(): void {
    same('counts hold', this.#arena.verify(), true);
    for (const [i, twin] of this.#oracle.tables.entries()) {
      const table = this.#tables[i];
      const size = this.#arena.states().find(({ name }) => name === `op/t${i}`);
      same(`entries of t${i}`, [size?.entries, size?.keys], [twin.size, twin.entries.size]);
      for (const key of KEYS) {
        this.#state.select({ bytes: bytesOf(key.bytes), hash: key.hash });
        this.#oracle.key = key;
        const found = [...(table?.entries() ?? [])].map(({ sub, value }) => [textOf(sub), textOf(value)]);
        same(`entries of ${key.bytes} in t${i}`, found, this.#oracle.entries(twin));
      }
    }
    same('timers', this.#state.eventTimers.count, this.#oracle.timers.length);
  }
}
