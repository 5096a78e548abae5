/**
 * Keyed state at size, through its port: a value per key, put, got and updated in random order, then timers registered and
 * taken in order; against a Map of Maps of byte strings. Bytes per entry are pages over entries. Checked: every value read
 * is the one put, timers come in order, a walk over all state agrees with its counts.
 */
import { kernelsBase64 } from '#kernels';
import type { Bench, BenchOptions, BenchResult } from '../bench.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import { ArenaKeyedState } from '../../src/state/arena-keyed-state.ts';
import { StateArena } from '../../src/state/arena.ts';
import type { StateKey } from '../../src/state/keyed-state.ts';

const VALUE_BYTES = 16;
const NOTHING = new Uint8Array();

/** Keys of 9 bytes, one at a time in the same bytes. */
class Keys {
  readonly key: StateKey & { hash: number };
  readonly #words: DataView;

  constructor() {
    const bytes = new Uint8Array(9);
    this.#words = new DataView(bytes.buffer);
    this.key = { bytes, hash: 0 };
  }

  at(i: number): StateKey {
    this.#words.setUint32(1, i, true);
    let h = Math.imul(i ^ 0x9e3779b9, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    this.key.hash = (h ^ (h >>> 16)) >>> 0;
    return this.key;
  }
}

/** Visits all of [0, n) in an order that is none. */
const scattered = (i: number, n: number): number => (i * 7_368_787) % n;

function time(n: number, step: (i: number) => void): number {
  const began = performance.now();
  for (let i = 0; i < n; i++) step(i);
  return n / (performance.now() - began) / 1000;
}

function tableFigures(state: ArenaKeyedState, keys: number, figures: { [name: string]: number }): void {
  const table = state.open('value');
  const named = new Keys();
  const value = new Uint8Array(VALUE_BYTES);
  const words = new DataView(value.buffer);
  const put = (i: number): void => {
    state.select(named.at(scattered(i, keys)));
    words.setUint32(0, scattered(i, keys), true);
    table.put(NOTHING, value);
  };
  figures['insertM/s'] = time(keys, put);
  figures['updateM/s'] = time(keys, put);
  figures['getM/s'] = time(keys, (i) => {
    const n = scattered(keys - i, keys);
    state.select(named.at(n));
    const found = table.get(NOTHING);
    if (found === undefined || (found[0] ?? 0) !== (n & 255)) throw new Error(`key ${n} has another value`);
  });
}

function timerFigures(state: ArenaKeyedState, keys: number, figures: { [name: string]: number }): void {
  const named = new Keys();
  const timers = state.eventTimers;
  figures['registerM/s'] = time(keys, (i) => {
    state.select(named.at(scattered(i, keys)));
    timers.register(i + scattered(i, 1000), NOTHING);
  });
  let last = -1;
  figures['fireM/s'] = time(keys, () => {
    const timer = timers.next(Number.MAX_SAFE_INTEGER);
    if (timer === undefined || timer.time < last) throw new Error('timers out of order');
    last = timer.time;
  });
}

/** The twin: the same inserts into a Map of Maps, keyed by texts as bytes must be. */
function mapInsertRate(keys: number): number {
  const map = new Map<string, Map<string, Uint8Array>>();
  return time(keys, (i) => {
    map.set(String(scattered(i, keys)), new Map([['', new Uint8Array(VALUE_BYTES)]]));
  });
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const keys = short ? 20_000 : 1_000_000;
  const figures: { [name: string]: number } = {};
  const kernels = new KernelInstance(await compileKernels(kernelsBase64), 2 ** 30);
  const arena = new StateArena(kernels, 900 << 20);
  const state = new ArenaKeyedState({ kernels, arena, uid: 'bench' });
  tableFigures(state, keys, figures);
  const { bytes = 0, entries = 0 } = arena.states()[0] ?? {};
  figures['bytesPerEntry'] = bytes / entries;
  timerFigures(state, keys, figures);
  if (!arena.verify()) throw new Error('counts do not hold');
  figures['insertToMap'] = (figures['insertM/s'] ?? 0) / mapInsertRate(keys);
  return { figures, spread: {}, counters: { keys: entries, stateBytes: bytes } };
}

export const bench: Bench = {
  id: 'keyed',
  title: 'kernel: a million values and timers of keyed state; inserts against a Map of Maps',
  targets: {},
  run,
};
