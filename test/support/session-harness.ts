/**
 * The kernels of session windows by hand: rows of (key, time, watermark, value) in, fired sessions with count, sum and
 * minimum out; keys as int64 or text. Its state can be taken out as frames and put into another one.
 */
import { expect } from 'vitest';
import type { ColumnVector } from '../../src/data/record-batch.ts';
import { Physical, widthOf } from '../../src/data/types.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import { SessionWindow } from '../../src/kernel/session-window.ts';
import { StateArena } from '../../src/state/arena.ts';
import type { SessionRow } from '../oracle/sessions.ts';
import { specOf } from './aggregate-specs.ts';

/** Most rows of one call. */
export const BATCH = 300;

export interface Fired {
  readonly key: string;
  readonly start: number;
  readonly end: number;
  readonly results: readonly (number | null)[];
}

export class SessionHarness {
  readonly fired: Fired[] = [];
  readonly late: number[] = [];
  readonly arena: StateArena;
  fireRows = BATCH;
  pause: () => void = () => {};
  readonly #kernels: KernelInstance;
  readonly #isText: boolean;
  readonly #gapMs: number;
  #window: SessionWindow;
  #key: ColumnVector;
  #columns: readonly ColumnVector[];
  #times: number;
  #watermarks: number;
  #texts: number;

  constructor(kernels: KernelInstance, isText: boolean, gapMs: number, budget = 16 << 20) {
    this.#kernels = kernels;
    this.#isText = isText;
    this.#gapMs = gapMs;
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
      { state: this.arena.open('s'), key, gapMs: this.#gapMs, aggregates },
      BATCH,
    );
    const column = (width: number): ColumnVector => ({ values: memory.allocate(BATCH * width), validity: 0 });
    const columns = [column(8), column(8), column(8)];
    const instants = (): number => memory.allocate(BATCH * 8);
    return [window, column(widthOf(key)), columns, instants(), instants(), memory.allocate(BATCH * 64)];
  }

  add(rows: readonly SessionRow[], from: number, to: number): void {
    if (!this.tryAdd(rows, from, to)) throw this.arena.exhausted();
  }

  tryAdd(rows: readonly SessionRow[], from: number, to: number): boolean {
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
    if (!this.#window.add(input)) return false;
    for (let i = 0; i < this.#window.lateCount; i++)
      this.late.push(from + (this.#kernels.memory.u32[(this.#window.late >>> 2) + i] ?? 0));
    return true;
  }

  fireThrough(watermark: number): void {
    if (!this.tryFireThrough(watermark)) throw this.arena.exhausted();
  }

  /** False when memory runs out. */
  tryFireThrough(watermark: number): boolean {
    for (let due = this.#window.due(watermark); due !== false; due = this.#window.due(watermark)) {
      if (due === 'out of memory') return false;
      for (let rows = this.#window.fire(watermark, this.fireRows); rows !== 0; ) {
        if (rows === 'out of memory') return false;
        for (let i = 0; i < rows; i++) this.fired.push(this.#read(i));
        this.pause();
        rows = this.#window.fire(watermark, this.fireRows);
      }
    }
    return true;
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

export const textOf = (s: {
  key: string;
  start: number;
  end: number;
  count: number;
  sum: number;
  min: number;
}): string => `${s.key} [${s.start}, ${s.end}) ${s.count} ${s.sum} ${s.min}`;
export const firedText = ({ key, start, end, results: [count, sum, min] }: Fired): string =>
  textOf({ key, start, end, count: count ?? 0, sum: sum ?? 0, min: min ?? 0 });
