import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/base/json.ts';
import type { RecordBatch } from '../../../src/data/record-batch.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { emptyLedger } from '../../../src/metrics/ledger.ts';
import { Edge } from '../../../src/runtime/edge.ts';
import { SourceDriver } from '../../../src/runtime/source-driver.ts';
import { Task, type TaskOperator } from '../../../src/runtime/task.ts';
import { microtasks } from '../../../src/testing/virtual-clock.ts';
import { processingTimeMs, type ProcessingTimeMs } from '../../../src/base/time.ts';
import { newKernels } from '../../support/kernels.ts';
import { scriptedSource, type ScriptedOptions, type ScriptedSplit } from '../../support/scripted-source.ts';

/** No operator here has a timer, so the clock is not asked. */
const neverTold = (): ProcessingTimeMs => processingTimeMs(Number.NaN);

/** Hands every batch on and then again `extra` times, one a resume. */
class Repeating implements TaskOperator {
  readonly uid: string;
  readonly ledger = emptyLedger();
  readonly output = new Edge();
  readonly #extra: number;
  readonly #log: string[];
  #batch: RecordBatch | undefined;
  #left = 0;

  constructor(uid: string, extra: number, log: string[]) {
    this.uid = uid;
    this.#extra = extra;
    this.#log = log;
  }

  get more(): boolean {
    return this.#left > 0;
  }

  processBatch(batch: RecordBatch): void {
    this.#log.push(`${this.uid}:batch`);
    this.#batch = batch;
    this.#left = this.#extra;
    this.output.batch(batch);
  }

  resume(): void {
    this.#log.push(`${this.uid}:resume`);
    this.#left--;
    if (this.#batch !== undefined) this.output.batch(this.#batch);
  }

  processWatermark(): void {}
  processStatus(): void {}
  endOfInput(): void {}
  snapshot(): Json {
    return this.uid;
  }
  restore(): void {}
}

async function driver(
  kernels: KernelInstance,
  uid: string,
  splits: readonly ScriptedSplit[],
  target: TaskOperator,
  options: ScriptedOptions = {},
): Promise<SourceDriver> {
  const connector = scriptedSource(splits, options);
  const output = new Edge();
  output.connect({ operator: target, input: 0 });
  const made = new SourceDriver({
    uid,
    kernels,
    output,
    connector,
    splits: await connector.splits(),
    eventTime: { column: 0, type: { kind: 'timestamp', nullable: false } },
    open: (split, splitIndex, offset) =>
      connector.open(split, offset, {
        kernels,
        source: uid,
        splitIndex,
        columns: new Set(),
        batchRows: 2,
        chunkBytes: 1,
        deadLetter: () => undefined,
      }),
  });
  await made.open(undefined);
  return made;
}

async function isPending(promise: Promise<void>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await microtasks();
  return !done;
}

describe('a task', () => {
  test('resumes the operator furthest downstream first, and reads nothing until all are done', async () => {
    const log: string[] = [];
    const [a, b, c] = [new Repeating('a', 1, log), new Repeating('b', 2, log), new Repeating('c', 0, log)];
    a.output.connect({ operator: b, input: 0 });
    b.output.connect({ operator: c, input: 0 });
    const source = await driver(await newKernels(), 's', [{ times: [1] }], a);
    const task = new Task([source], [a, b, c], []);
    const quiet: boolean[] = [];
    while (task.step(neverTold) === 'worked') quiet.push(task.quiet);
    const round = ['b:batch', 'c:batch', 'b:resume', 'c:batch', 'b:resume', 'c:batch'];
    expect(log).toEqual(['a:batch', ...round, 'a:resume', ...round]);
    expect(quiet.slice(0, 6)).toEqual([false, false, false, false, false, true]);
  });

  test('fails an operator that is handed a batch before it has finished', async () => {
    const log: string[] = [];
    const [a, b] = [new Repeating('a', 0, log), new Repeating('b', 1, log)];
    a.output.connect({ operator: b, input: 0 });
    a.output.connect({ operator: b, input: 1 });
    const source = await driver(await newKernels(), 's', [{ times: [1] }], a);
    expect(() => new Task([source], [a, b], []).step(neverTold)).toThrow('b was handed a batch before it had finished');
  });

  test('gives replayable sources turns by their largest timestamps, whole turns at a time', async () => {
    const log: string[] = [];
    const kernels = await newKernels();
    const [a, b] = [new Repeating('a', 0, log), new Repeating('b', 0, log)];
    const sources = [
      await driver(kernels, 's', [{ times: [10, 20, 30, 40] }], a, { quantum: 2, batchRows: 1 }),
      await driver(kernels, 't', [{ times: [5, 15, 25, 50] }], b, { quantum: 2, batchRows: 1 }),
    ];
    const task = new Task(sources, [a, b], []);
    while (task.step(neverTold) !== 'end');
    expect(log.map((each) => each.slice(0, 1)).join('')).toBe('aabbbbaa');
  });

  test('waits for the replayable source in turn alone', async () => {
    const kernels = await newKernels();
    const a = new Repeating('a', 0, []);
    const sources = [
      await driver(kernels, 's', [{ times: [1, 2], arrived: 0 }], a),
      await driver(kernels, 't', [{ times: [1] }], a),
    ];
    const task = new Task(sources, [a], []);
    expect(task.step(neverTold)).toBe('wait');
    expect(await isPending(task.ready())).toBe(true);
    expect(task.step(neverTold)).toBe('wait');
  });

  test('reads a live source while a replayable one waits, and the other way round', async () => {
    const kernels = await newKernels();
    const log: string[] = [];
    const [a, b] = [new Repeating('a', 0, log), new Repeating('b', 0, log)];
    const replayable: ScriptedSplit = { times: [1, 2], arrived: 0 };
    const live: ScriptedSplit = { times: [1, 2], arrived: 1 };
    const task = new Task(
      [await driver(kernels, 's', [replayable], a), await driver(kernels, 't', [live], b, { live: true })],
      [a, b],
      [],
    );
    expect([task.step(neverTold), task.step(neverTold)]).toEqual(['worked', 'wait']);
    expect(log).toEqual(['b:batch']);
    replayable.arrived = 2;
    expect(await isPending(task.ready())).toBe(false);
    while (task.step(neverTold) === 'worked');
    expect(log).toEqual(['b:batch', 'a:batch']);
    expect(task.step(neverTold)).toBe('wait');
  });

  test('reads each live source that has something, however much another has', async () => {
    const kernels = await newKernels();
    const log: string[] = [];
    const [a, b, c] = [new Repeating('a', 0, log), new Repeating('b', 0, log), new Repeating('c', 0, log)];
    const late: ScriptedSplit = { times: [1, 2], arrived: 0 };
    const sources = [
      await driver(kernels, 's', [{ times: [1, 2, 3, 4, 5, 6, 7, 8] }], a, { live: true, batchRows: 1 }),
      await driver(kernels, 't', [{ times: [1, 2, 3] }], b, { live: true, batchRows: 1 }),
      await driver(kernels, 'u', [late], c, { live: true, batchRows: 1 }),
    ];
    const task = new Task(sources, [a, b, c], []);
    const steps = (count: number): string => {
      const from = log.length;
      for (let i = 0; i < count; i++) task.step(neverTold);
      return log
        .slice(from)
        .map((each) => each.slice(0, 1))
        .join('');
    };
    expect(steps(4)).toBe('abab');
    late.arrived = 2;
    expect(steps(4)).toBe('cabc');
    while (task.step(neverTold) !== 'end');
    expect(log.filter((each) => each === 'a:batch')).toHaveLength(8);
  });

  test('keeps what operators and sources say of themselves by uid', async () => {
    const a = new Repeating('a', 0, []);
    const source = await driver(await newKernels(), 's', [{ times: [1] }], a);
    const { operators, sources } = new Task([source], [a], []).snapshot();
    expect(operators).toEqual({ a: 'a' });
    expect(Object.keys(sources)).toEqual(['s']);
  });

  test('finds a ledger that does not balance', async () => {
    const a = new Repeating('a', 0, []);
    const source = await driver(await newKernels(), 's', [{ times: [1] }], a);
    const task = new Task([source], [a], []);
    expect(() => task.checkLedgers(false)).not.toThrow();
    a.ledger.in = 1;
    expect(() => task.checkLedgers(false)).toThrow('the ledger of a is off by 1');
  });
});
