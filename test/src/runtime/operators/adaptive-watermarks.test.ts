/** Adaptive watermarks over virtual time: how late rows are changes by a factor of ten, up and down again. */
import { describe, expect, test } from 'vitest';
import { type Random, seededRandom, uniform } from '../../../../src/base/random.ts';
import type { RecordBatch } from '../../../../src/data/record-batch.ts';
import type { TableSchema } from '../../../../src/data/schema.ts';
import { BatchBuilder } from '../../../../src/format/batch-builder.ts';
import { AssignWatermarks } from '../../../../src/runtime/operators/assign-watermarks.ts';
import { newKernels } from '../../../support/kernels.ts';
import { RecordingOutput } from '../../../support/recording-output.ts';

const SCHEMA: TableSchema = { fields: [{ name: 'at', type: { kind: 'timestamp', nullable: false } }] };
const START_MS = 1_700_000_000_000;
const PHASE_MS = 600_000;
/** Delays' 99th percentile in each phase, ms. */
const P99_MS = [2_000, 20_000, 2_000];
const MAX_MS = 3 * 3_600_000;

/** Delays of mean 1 by their distribution, and the quantiles of it. */
interface Shape {
  readonly name: string;
  readonly draw: (random: Random) => number;
}

const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - uniform(random))) * Math.cos(2 * Math.PI * uniform(random));

const SHAPES: readonly Shape[] = [
  { name: 'exponential', draw: (random) => -Math.log(1 - uniform(random)) },
  { name: 'lognormal', draw: (random) => Math.exp(normal(random)) },
];

const quantileOf = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? 0;

interface Tape {
  /** Timestamps by arrival. */
  readonly times: readonly number[];
  readonly phaseOf: (row: number) => number;
  readonly arrivalOf: (row: number) => number;
}

function tapeOf({ draw }: Shape, perSecond: number, random: Random): Tape {
  const sample = Array.from({ length: 100_000 }, () => draw(random)).sort((a, b) => a - b);
  const p99 = quantileOf(sample, 0.99);
  const gap = 1000 / perSecond;
  const rows = Math.round((PHASE_MS * P99_MS.length) / gap);
  const phaseOf = (row: number): number => Math.floor((row * gap) / PHASE_MS);
  const arrivalOf = (row: number): number => row * gap;
  const times = Array.from({ length: rows }, (_, row) =>
    Math.round(START_MS + arrivalOf(row) - (draw(random) / p99) * (P99_MS[phaseOf(row)] ?? 0)),
  );
  return { times, phaseOf, arrivalOf };
}

async function watermarksOf(times: readonly number[], batchRows: number, restartEvery = 0): Promise<number[]> {
  const kernels = await newKernels();
  const output = new RecordingOutput(kernels.memory);
  const builder = new BatchBuilder(kernels, SCHEMA);
  const make = (): AssignWatermarks =>
    new AssignWatermarks({
      uid: 'w',
      kernels,
      output,
      future: output,
      column: 0,
      type: { kind: 'timestamp', nullable: false },
      rule: { lateRate: 0.001, maxMs: MAX_MS },
      skewMs: 31 * 86_400_000,
      splits: ['a'],
      splitOf: () => 0,
      deadLetter: () => undefined,
    });
  let operator = make();
  const watermarks: number[] = [];
  for (let from = 0, batches = 1; from < times.length; from += batchRows, batches++) {
    builder.reset();
    for (const at of times.slice(from, from + batchRows)) builder.append({ at });
    const batch: RecordBatch = builder.finish({ source: 's', split: 0 });
    operator.processBatch(batch);
    while (operator.more) operator.resume();
    for (const element of output.take())
      if (element.kind === 'batch') watermarks.push(...element.rows.map(({ watermark }) => watermark ?? Number.NaN));
    if (restartEvery === 0 || batches % restartEvery !== 0) continue;
    const saved = JSON.parse(JSON.stringify(operator.snapshot()));
    operator = make();
    operator.restore(saved);
  }
  return watermarks;
}

interface PhaseReport {
  readonly lateRate: number;
  /** Delay of the watermark behind the largest timestamp over the quantile that was needed: the mean, and in 95 of 100 rows. */
  readonly meanRatio: number;
  readonly highRatio: number;
}

/** Each phase without its recovery: twice its 99.5th percentile after its start. */
function reportsOf({ times, phaseOf, arrivalOf }: Tape, watermarks: readonly number[]): PhaseReport[] {
  let max = Number.NEGATIVE_INFINITY;
  const rows = times.map((at, row) => {
    const lateness = Math.max(0, max - at);
    const delay = max - 1 - (watermarks[row] ?? 0);
    max = Math.max(max, at);
    return { row, lateness, delay, isLate: at <= (watermarks[row] ?? 0) };
  });
  return P99_MS.map((_, phase) => {
    const all = rows.filter(({ row }) => phaseOf(row) === phase);
    const sorted = (list: readonly number[]): number[] => [...list].sort((a, b) => a - b);
    const recoveryMs = 2 * quantileOf(sorted(all.map(({ lateness }) => lateness)), 0.995);
    const steady = all.filter(({ row }) => arrivalOf(row) >= phase * PHASE_MS + recoveryMs);
    const needed = quantileOf(sorted(steady.map(({ lateness }) => lateness)), 0.999);
    const delays = sorted(steady.map(({ delay }) => delay));
    return {
      lateRate: steady.filter(({ isLate }) => isLate).length / steady.length,
      meanRatio: delays.reduce((sum, delay) => sum + delay, 0) / delays.length / needed,
      highRatio: quantileOf(delays, 0.95) / needed,
    };
  });
}

describe('an adaptive watermark', () => {
  for (const shape of SHAPES) {
    for (const [perSecond, seeds] of [
      [100, 3],
      [300, 1],
    ] as const) {
      test(`holds one late row in a thousand through three phases of ${shape.name} delays, ${perSecond} rows a second`, async () => {
        for (let seed = 1; seed <= seeds; seed++) {
          const tape = tapeOf(shape, perSecond, seededRandom(seed));
          const reports = reportsOf(tape, await watermarksOf(tape.times, 1000));
          reports.forEach(({ lateRate, meanRatio, highRatio }, phase) => {
            const what = `${shape.name}, ${perSecond}/s, seed ${seed}, phase ${phase}: late ${lateRate}, delay ${meanRatio}, ${highRatio}`;
            expect(lateRate, what).toBeLessThanOrEqual(0.001);
            expect(meanRatio, what).toBeLessThanOrEqual(1.5);
            expect(highRatio, what).toBeLessThanOrEqual(1.5);
          });
        }
      });
    }
  }

  test('never goes back, and depends neither on batches nor on restarts', async () => {
    const tape = tapeOf(SHAPES[0] ?? { name: '', draw: uniform }, 20, seededRandom(7));
    const whole = await watermarksOf(tape.times, 4096);
    expect(whole.slice(1).every((watermark, i) => watermark >= (whole[i] ?? 0))).toBe(true);
    expect(await watermarksOf(tape.times, 37, 5)).toEqual(whole);
  });
});
