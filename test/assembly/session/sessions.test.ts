/** Session windows against a row-by-row oracle: any batches, any steps of firing, restored in the middle. */
import { expect, test } from 'vitest';
import { below, type Random, seededRandom, uniform } from '../../../src/base/random.ts';
import type { ColumnVector } from '../../../src/data/record-batch.ts';
import { Physical, widthOf } from '../../../src/data/types.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { SessionWindow } from '../../../src/kernel/session-window.ts';
import { StateArena } from '../../../src/state/arena.ts';
import { OracleSessions, type SessionRow } from '../../oracle/sessions.ts';
import { specOf } from '../../support/aggregate-specs.ts';
import { newKernels } from '../../support/kernels.ts';

const BATCH = 300;
const GAP = 20;
const END = Number.MAX_SAFE_INTEGER;

interface Fired {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly results: readonly (number | null)[];
}

class Harness {
  readonly fired: Fired[] = [];
  readonly late: number[] = [];
  readonly arena: StateArena;
  fireRows = BATCH;
  pause: () => void = () => {};
  readonly #kernels: KernelInstance;
  readonly #isText: boolean;
  #window: SessionWindow;
  #key: ColumnVector;
  #columns: readonly ColumnVector[];
  #times: number;
  #watermarks: number;
  #texts: number;

  constructor(kernels: KernelInstance, isText: boolean, budget = 16 << 20) {
    this.#kernels = kernels;
    this.#isText = isText;
    this.arena = new StateArena(kernels, budget);
    [this.#window, this.#key, this.#columns, this.#times, this.#watermarks, this.#texts] = this.#open();
  }

  #open(): [SessionWindow, ColumnVector, readonly ColumnVector[], number, number, number] {
    const { memory } = this.#kernels;
    const key = this.#isText ? Physical.VIEW : Physical.I64;
    const value = { input: Physical.F64, nullable: false } as const;
    const aggregates = [
      specOf({ name: 'n', fn: 'count', input: undefined, nullable: false }),
      specOf({ name: 'sum', fn: 'sum', ...value }),
      specOf({ name: 'min', fn: 'min', ...value }),
    ];
    const window = new SessionWindow(
      this.#kernels,
      { state: this.arena.open('s'), key, gapMs: GAP, aggregates },
      BATCH,
    );
    const column = (width: number): ColumnVector => ({ values: memory.allocate(BATCH * width), validity: 0 });
    const columns = [column(8), column(8), column(8)];
    const instants = (): number => memory.allocate(BATCH * 8);
    return [window, column(widthOf(key)), columns, instants(), instants(), memory.allocate(BATCH * 64)];
  }

  add(rows: readonly SessionRow[], from: number, to: number): void {
    const selected = to - from;
    this.#fill(rows.slice(from, to));
    const { values } = this.#columns[1] ?? { values: 0 };
    const input = {
      selected,
      selection: 0,
      key: this.#key,
      times: this.#times,
      watermarks: this.#watermarks,
      columns: [undefined, { values, validity: 0 }, { values, validity: 0 }],
      filters: [0, 0, 0],
    };
    if (!this.#window.add(input)) throw this.arena.exhausted();
    for (let i = 0; i < this.#window.lateCount; i++)
      this.late.push(from + (this.#kernels.memory.u32[(this.#window.late >>> 2) + i] ?? 0));
  }

  fireThrough(watermark: number): void {
    while (this.#window.due(watermark) === true) {
      for (let rows = this.#window.fire(watermark, this.fireRows); rows !== 0; ) {
        if (rows === 'out of memory') throw this.arena.exhausted();
        for (let i = 0; i < rows; i++) this.fired.push(this.#read(i));
        this.pause();
        rows = this.#window.fire(watermark, this.fireRows);
      }
    }
  }

  #fill(rows: readonly SessionRow[]): void {
    const { memory } = this.#kernels;
    let text = this.#texts;
    for (const [i, { key, time, watermark, value }] of rows.entries()) {
      memory.i64[(this.#times >>> 3) + i] = BigInt(time);
      memory.i64[(this.#watermarks >>> 3) + i] = BigInt(watermark);
      memory.f64[((this.#columns[1]?.values ?? 0) >>> 3) + i] = value;
      if (!this.#isText) {
        memory.i64[(this.#key.values >>> 3) + i] = BigInt(key);
        continue;
      }
      const { written } = new TextEncoder().encodeInto(key, memory.u8.subarray(text, text + 64));
      memory.u32.set([text, written], (this.#key.values >>> 2) + i * 2);
      text += written;
    }
  }

  #read(i: number): Fired {
    const { memory } = this.#kernels;
    const { key, start, end, results } = this.#window.output;
    const instant = ({ values }: ColumnVector): number => Number(memory.i64[(values >>> 3) + i]);
    const at = ((key?.values ?? 0) >>> 2) + i * 2;
    const ptr = memory.u32[at] ?? 0;
    const bytes = memory.u8.slice(ptr, ptr + (memory.u32[at + 1] ?? 0));
    const floats = results.slice(1).map(({ values }) => memory.f64[(values >>> 3) + i] ?? null);
    return {
      key: this.#isText ? new TextDecoder().decode(bytes) : String(memory.i64[((key?.values ?? 0) >>> 3) + i]),
      start: instant(start),
      end: instant(end),
      results: [instant(results[0] ?? start), ...floats],
    };
  }

  frames(): Uint8Array[] {
    this.arena.beginSnapshot();
    const frames: Uint8Array[] = [];
    for (let frame = this.arena.nextFrame(1, 0); frame !== undefined; frame = this.arena.nextFrame(1, frames.length))
      frames.push(frame);
    return frames;
  }

  restore(frames: readonly Uint8Array[], described: ReturnType<StateArena['describe']>): void {
    this.arena.reset();
    frames.forEach((frame, i) => expect(this.arena.restoreFrame(frame, 1, i)).toBe(true));
    this.arena.finishRestore(described);
    [this.#window, this.#key, this.#columns, this.#times, this.#watermarks, this.#texts] = this.#open();
  }
}

function makeRows(random: Random, count: number, isText: boolean): SessionRow[] {
  const keys = 1 + below(random, 12);
  const disorder = below(random, 4) * 25;
  const delay = below(random, 80);
  let largest = -50;
  let now = -50;
  return Array.from({ length: count }, () => {
    now += below(random, uniform(random) < 0.05 ? 80 : 6);
    const time = now - below(random, disorder + 1);
    const watermark = Math.max(largest - delay - 1, -10_000);
    largest = Math.max(largest, time);
    const key = below(random, keys);
    const text = key % 3 === 0 ? `${key}` : `${key} is a key of more than sixteen bytes`;
    // Quarters add exactly in any order; what matters beyond that is checked by the oracle's own order.
    return { key: isText ? text : `${key - 3}`, time, watermark, value: below(random, 1000) / 3 };
  });
}

function oracleOf(rows: readonly SessionRow[]): { readonly late: number[]; readonly fired: string[] } {
  const oracle = new OracleSessions(GAP);
  for (const [i, row] of rows.entries()) oracle.add(row, i);
  oracle.fireThrough(END);
  return { late: oracle.late, fired: oracle.fired.map(textOf).sort() };
}

const textOf = (s: { key: string; start: number; end: number; count: number; sum: number; min: number }): string =>
  `${s.key} [${s.start}, ${s.end}) ${s.count} ${s.sum} ${s.min}`;
const firedText = ({ key, start, end, results: [count, sum, min] }: Fired): string =>
  textOf({ key, start, end, count: count ?? 0, sum: sum ?? 0, min: min ?? 0 });

test('sessions are what following row by row makes of them, in any batches and steps, through restores', async () => {
  const kernels = await newKernels(32 << 20);
  let merged = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    const isText = seed % 2 === 0;
    const rows = makeRows(random, 150, isText);
    const expected = oracleOf(rows);
    kernels.reset();
    const harness = new Harness(kernels, isText);
    harness.fireRows = 1 + below(random, 7);
    harness.pause = () => {
      if (uniform(random) > 0.02) return;
      const described = structuredClone(harness.arena.describe());
      harness.arena.markAllDirty();
      harness.restore(harness.frames(), described);
    };
    for (let at = 0; at < rows.length; ) {
      const to = Math.min(rows.length, at + 1 + below(random, BATCH));
      harness.add(rows, at, to);
      // No watermark of a later row is behind that of the last one taken.
      if (uniform(random) < 0.7) harness.fireThrough(rows[to - 1]?.watermark ?? END);
      expect(harness.arena.verify(), `seed ${seed}, counts hold`).toBe(true);
      at = to;
    }
    harness.pause = () => {};
    harness.fireThrough(END);
    expect(harness.late, `seed ${seed}, late`).toEqual(expected.late);
    expect(harness.fired.map(firedText).sort(), `seed ${seed}`).toEqual(expected.fired);
    const ends = harness.fired.map(({ end }) => end);
    merged += harness.fired.filter(({ start, end }) => end - start > GAP).length;
    expect(harness.arena.rowsHeld('s')).toBe(0);
    expect(harness.arena.verify(), `seed ${seed}, counts hold`).toBe(true);
    expect(ends.length).toBe(expected.fired.length);
  }
  expect(merged).toBeGreaterThan(2000);
});
