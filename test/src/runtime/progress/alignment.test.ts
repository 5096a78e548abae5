/** Splits of two sources in one group, read by real drivers over the operator that makes watermarks. */
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../../src/base/json.ts';
import { below, seededRandom } from '../../../../src/base/random.ts';
import { processingTimeMs } from '../../../../src/base/time.ts';
import type { KernelInstance } from '../../../../src/kernel/instance.ts';
import { AssignWatermarks } from '../../../../src/runtime/operators/assign-watermarks.ts';
import { AlignmentGroup, limitOf } from '../../../../src/runtime/progress/alignment.ts';
import { SourceDriver } from '../../../../src/runtime/source-driver.ts';
import { Task } from '../../../../src/runtime/task.ts';
import { newKernels } from '../../../support/kernels.ts';
import { RecordingOutput } from '../../../support/recording-output.ts';
import { SCRIPTED, scriptedSource, type ScriptedSplit } from '../../../support/scripted-source.ts';
import { eventTimeMs, MAX_TIME, MIN_TIME } from '../../../../src/base/time.ts';

const DRIFT_MS = 100;
const TYPE = { kind: 'timestamp', nullable: false } as const;
const SKEW_MS = 1_000_000;

interface Running {
  readonly task: Task;
  readonly drivers: readonly SourceDriver[];
  readonly outputs: readonly RecordingOutput[];
  snapshot(): Json;
}

interface Sources {
  readonly splits: readonly (readonly ScriptedSplit[])[];
  readonly live?: boolean;
  readonly batchRows: number;
  readonly idleAfterMs?: number;
}

async function start(kernels: KernelInstance, sources: Sources, restored?: readonly Json[]): Promise<Running> {
  const group = new AlignmentGroup();
  const outputs: RecordingOutput[] = [];
  const assigners: AssignWatermarks[] = [];
  const drivers: SourceDriver[] = [];
  for (const [s, splits] of sources.splits.entries()) {
    const connector = scriptedSource(splits, { live: sources.live ?? false, quantum: 7, batchRows: sources.batchRows });
    const output = new RecordingOutput(kernels.memory);
    const assigner = new AssignWatermarks({
      uid: `w${s}`,
      kernels,
      output,
      future: new RecordingOutput(kernels.memory),
      column: 0,
      type: TYPE,
      rule: { delayMs: 10 },
      skewMs: SKEW_MS,
      splits: splits.map((_, i) => String(i)),
      splitOf: ({ split }) => split,
      deadLetter: () => undefined,
    });
    const driver = new SourceDriver({
      uid: `s${s}`,
      kernels,
      output: {
        batch: (batch) => assigner.processBatch(batch),
        watermark: () => undefined,
        status: (status, split) => assigner.processStatus(status, 0, split),
        end: (split) => assigner.endOfInput(0, split),
      },
      connector,
      splits: await connector.splits(),
      eventTime: { column: 0, type: TYPE },
      maxOf: (origin) => assigner.maxOf(origin),
      idleAfterMs: sources.idleAfterMs,
      align: { group, maxDriftMs: DRIFT_MS, skewMs: SKEW_MS },
      open: (split, splitIndex, offset) =>
        connector.open(split, offset, {
          kernels,
          source: `s${s}`,
          splitIndex,
          columns: new Set(SCRIPTED.fields.map(({ name }) => name)),
          batchRows: sources.batchRows,
          chunkBytes: 1,
          deadLetter: () => undefined,
        }),
    });
    // What snapshot wrote.
    const state = restored?.[s] as { driver: Json; assigner: Json } | undefined;
    if (state !== undefined) assigner.restore(state.assigner);
    outputs.push(output);
    assigners.push(assigner);
    drivers.push(driver);
    await driver.open(state?.driver);
  }
  return {
    task: new Task(drivers, assigners, []),
    drivers,
    outputs,
    snapshot: () =>
      drivers.map((driver, s) => ({ driver: driver.snapshot(), assigner: assigners[s]?.snapshot() ?? null })),
  };
}

const storyOf = ({ outputs }: Running): string[][] =>
  outputs.map((output) => output.rows.map(({ row, watermark }) => `${row['split']}@${row['at']}^${watermark}`));

/** Rows of steps below the drift, of splits of different pace. */
function randomSources(seed: number): readonly (readonly ScriptedSplit[])[] {
  const random = seededRandom(seed);
  return Array.from({ length: 2 }, () =>
    Array.from({ length: 1 + below(random, 2) }, () => {
      const pace = 1 + below(random, 40);
      let now = below(random, DRIFT_MS / 2);
      return { times: Array.from({ length: 20 + below(random, 60) }, () => (now += below(random, pace) + 1)) };
    }),
  );
}

/** The largest drift between splits that still have rows, looked at after every step. */
function driftAfterEachStep(running: Running, splits: Sources['splits']): number {
  let worst = 0;
  const max = new Map<string, number>();
  const left = new Map<string, number>();
  splits.forEach((source, s) => source.forEach(({ times }, i) => left.set(`${s}/${i}`, times.length)));
  for (let steps = 0; steps < 20_000; steps++) {
    const step = running.task.step(() => processingTimeMs(0));
    running.outputs.forEach((output, s) => {
      for (const { row } of output.rows.slice(max.get(`rows${s}`) ?? 0)) {
        const id = `${s}/${String(row['split'])}`;
        max.set(id, Number(row['at']));
        left.set(id, (left.get(id) ?? 0) - 1);
      }
      max.set(`rows${s}`, output.rows.length);
    });
    const going = [...left].filter(([, rows]) => rows > 0).map(([id]) => max.get(id));
    const ahead = [...left].map(([id]) => max.get(id)).filter((at) => at !== undefined);
    const slowest = Math.min(...going.map((at) => at ?? 0));
    if (going.length > 0 && going.every((at) => at !== undefined))
      worst = Math.max(worst, Math.max(...ahead) - slowest);
    if (step === 'end') return worst;
  }
  throw new Error('no end');
}

describe('aligned splits', () => {
  test('are never farther apart than the drift, and all rows come', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const splits = randomSources(seed);
      const running = await start(await newKernels(8 << 20), { splits, batchRows: 1 + (seed % 16) });
      expect(driftAfterEachStep(running, splits), `seed ${seed}`).toBeLessThanOrEqual(DRIFT_MS);
      const rows = splits.flat().reduce((sum, { times }) => sum + times.length, 0);
      expect(storyOf(running).flat().length, `seed ${seed}`).toBe(rows);
    }
  });

  test('give the same rows with the same watermarks for any batches and restarts', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(seed);
      const splits = randomSources(seed);
      const kernels = await newKernels(16 << 20);
      const whole = await start(kernels, { splits, batchRows: 64 });
      while (whole.task.step(() => processingTimeMs(0)) !== 'end');
      const expected = storyOf(whole);
      const story: string[][] = [[], []];
      let state: readonly Json[] | undefined;
      for (let isDone = false; !isDone; ) {
        kernels.reset();
        const part = await start(kernels, { splits, batchRows: 1 + below(random, 9) }, state);
        for (let steps = 1 + below(random, 40); (steps > 0 || !part.task.quiet) && !isDone; steps--)
          isDone = part.task.step(() => processingTimeMs(0)) === 'end';
        state = JSON.parse(JSON.stringify(part.snapshot())) as Json[]; // what was written is JSON
        storyOf(part).forEach((rows, s) => story[s]?.push(...rows));
      }
      expect(story, `seed ${seed}`).toEqual(expected);
    }
  });

  test('that are live wait for a silent one until it is idle, and are not idle themselves meanwhile', async () => {
    const times = Array.from({ length: 30 }, (_, i) => i * 20);
    const splits: ScriptedSplit[][] = [[{ times }], [{ times, arrived: 1 }]];
    const sources = { splits, live: true, batchRows: 4, idleAfterMs: 60 };
    const running = await start(await newKernels(8 << 20), sources);
    const stepAt = (now: number): void => {
      for (let i = 0; i < 40; i++) running.task.step(() => processingTimeMs(now));
    };
    stepAt(0);
    expect(running.outputs[0]?.rows.length).toBe(6);
    expect(running.drivers[0]?.positions()[0]).toMatchObject({ isHeldBack: true, isIdle: false });
    stepAt(59);
    expect(running.outputs[0]?.rows.length).toBe(6);
    expect(running.task.nextTimer()).toBe(60);
    stepAt(60);
    expect(running.drivers[1]?.positions()[0]).toMatchObject({ isIdle: true });
    expect(running.outputs[0]?.rows.length).toBe(30);
    expect(running.outputs[1]?.elements).toContainEqual({ kind: 'status', status: 'idle' });
  });
});

test('the limit of a group follows its slowest member, and there is none without others', () => {
  expect(limitOf(eventTimeMs(50), 7)).toBe(57);
  expect([limitOf(MAX_TIME, 7), limitOf(MIN_TIME, 7)]).toEqual([MAX_TIME, MIN_TIME]);
});
