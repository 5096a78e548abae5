/** Rows from an instant on, a sample of them, so many a second: over any batches and restarts the same, and all accounted for. */
import { describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { effectiveIntake, type IntakeSpec, RowIntake } from '../../../src/connector/intake.ts';
import { collectSink, type CollectSink } from '../../../src/format/collect-sink.ts';
import { boundedOutOfOrderness, from, int32, type Job, job, schema, timestamp, utf8 } from '../../../src/index.ts';
import { makeSink, makeSource } from '../../../src/platform.ts';
import { tableOf } from '../../../src/api/schema.ts';
import type { JobRun } from '../../../src/runtime/job-run.ts';
import { memoryFilesConnector } from '../../../src/testing/memory-files.ts';
import { MemoryMedium } from '../../../src/testing/memory-store.ts';
import { drive, driveThrough, TickingClock } from '../../support/engine.ts';

const Line = schema({ at: timestamp(), file: utf8(), n: int32() });
const ROWS = 400;

interface Line {
  readonly at: number;
  readonly file: string;
  readonly n: number;
}

/** Rows of two files, somewhat out of order with a bad line now and then. */
function linesOf(seed: number): { readonly files: Record<string, Uint8Array>; readonly rows: readonly Line[] } {
  const random = seededRandom(seed);
  const rows: Line[] = [];
  const files: Record<string, Uint8Array> = {};
  for (const file of ['a', 'b']) {
    let text = '';
    for (let n = 0; n < ROWS; n++) {
      const row = { at: n * 1000 + below(random, 5000), file, n };
      rows.push(row);
      text += `${JSON.stringify(row)}\n`;
      if (below(random, 20) === 0) text += 'not a row\n';
    }
    files[file] = new TextEncoder().encode(text);
  }
  return { files, rows };
}

interface Made {
  readonly job: Job;
  readonly results: CollectSink;
}

function jobOf(files: Record<string, Uint8Array>, clock: TickingClock, spec: IntakeSpec, isAligned = false): Made {
  const results = collectSink();
  const connector = memoryFilesConnector(files, tableOf(Line, 'lines'), { clock, quantumBytes: 700 });
  const source = makeSource(
    Line,
    {
      ...connector,
      intake: (context) => new RowIntake(context.kernels, effectiveIntake(spec, context.saved), context),
    },
    'lines',
  );
  const options = isAligned ? { align: { group: 'all', maxDrift: '10 s' as const } } : {};
  const rows = from(source, { uid: 'lines' }).watermark('at', boundedOutOfOrderness('5 s'), options);
  return { job: job('taking', rows.to(makeSink('inserts only', results, 'out'), { uid: 'out' })), results };
}

const namesOf = ({ rows }: CollectSink): string[] => rows.map((row) => `${String(row['file'])}${String(row['n'])}`);

async function whole(files: Record<string, Uint8Array>, spec: IntakeSpec, settings = {}): Promise<[string[], JobRun]> {
  const clock = new TickingClock(0.1);
  const made = jobOf(files, clock, spec);
  const { run } = await drive({ job: made.job, medium: new MemoryMedium(), clock, settings });
  return [namesOf(made.results), run];
}

describe('a start at an instant', () => {
  test('lets go on what happened then or later, and counts the rest', async () => {
    const { files, rows } = linesOf(1);
    const fromMs = 100_000;
    const [taken, run] = await whole(files, { fromMs });
    const expected = rows.filter(({ at }) => at >= fromMs).map(({ file, n }) => `${file}${n}`);
    expect([...taken].sort()).toEqual(expected.sort());
    const before = rows.filter(({ at }) => at < fromMs).length;
    expect(run.ledger()['lines']).toMatchObject({ filtered: before, out: 2 * ROWS - before });
    expect(run.metrics()['lines']?.['beforeStart']).toEqual({ value: before, unit: 'records' });
  });

  test('is that of the first start: a checkpoint keeps it, whatever the options say later', async () => {
    const { files, rows } = linesOf(2);
    const clock = new TickingClock(0.1);
    const medium = new MemoryMedium();
    const first = jobOf(files, clock, { fromMs: 50_000 });
    const stop = { how: 'suspend', when: (run: JobRun) => run.progress().recordsIn > 100 } as const;
    await drive({ job: first.job, medium, clock, stop });
    const second = jobOf(files, clock, { fromMs: 200_000 });
    await drive({ job: second.job, medium, clock });
    const expected = rows.filter(({ at }) => at >= 50_000).length;
    expect([...namesOf(first.results), ...namesOf(second.results)]).toHaveLength(expected);
  });
});

describe('a sample', () => {
  test('is about the share that was asked for, another in each split, and the same for any batches', async () => {
    const { files } = linesOf(3);
    const [taken, run] = await whole(files, { sample: 0.2 }, { batchRows: 64 });
    const counts = ['a', 'b'].map((file) => taken.filter((name) => name.startsWith(file)).length);
    // Six standard deviations of a binomial distribution.
    for (const count of counts) expect(Math.abs(count - ROWS * 0.2)).toBeLessThan(6 * Math.sqrt(ROWS * 0.16));
    expect(taken.filter((name) => taken.includes(name.replace('a', 'b')) && name.startsWith('a')).length).toBeLessThan(
      (counts[0] ?? 0) - 10,
    );
    const { in: all = 0, out = 0, filtered = 0, deadLetters = 0 } = run.ledger()['lines'] ?? {};
    expect([filtered, out + filtered + deadLetters]).toEqual([2 * ROWS - out, all]);
    expect(run.metrics()['lines']?.['sampledOut']?.value).toBe(filtered);
    for (const batchRows of [1, 7]) expect((await whole(files, { sample: 0.2 }, { batchRows }))[0]).toEqual(taken);
  });

  test('of everything is everything', async () => {
    const { files, rows } = linesOf(4);
    const [taken] = await whole(files, { sample: 1 });
    expect(taken).toHaveLength(rows.length);
  });
});

describe('a pace', () => {
  test('lets so many rows go on in a second of the clock, without a burst after a pause', async () => {
    const { files } = linesOf(5);
    const clock = new TickingClock();
    const { job: paced, results } = jobOf(files, clock, { rowsPerSecond: 100 });
    const seen: [number, number][] = [];
    let paused = false;
    const look = (run: JobRun): void => {
      const { out = 0 } = run.ledger()['lines'] ?? {};
      seen.push([clock.monotonicMs(), out]);
      paused ||= (run.metrics()['lines']?.['pausedByRate']?.value ?? 0) > 0;
    };
    await drive({ job: paced, medium: new MemoryMedium(), clock, look });
    const began = seen[0]?.[0] ?? 0;
    for (const [at, rows] of seen) expect(rows).toBeLessThanOrEqual(((at - began) * 100) / 1000 + 10);
    expect(clock.monotonicMs() - began).toBeGreaterThanOrEqual((2 * ROWS * 1000) / 100 - 200);
    expect(clock.monotonicMs() - began).toBeLessThan((2 * ROWS * 1000) / 100 + 1000);
    expect(paused).toBe(true);
    expect(new Set(namesOf(results)).size).toBe(results.rows.length);
  });

  test('of less than a row a second is kept too', async () => {
    const text = { a: new TextEncoder().encode('{"at":1,"file":"a","n":1}\n'.repeat(5)) };
    const clock = new TickingClock();
    const { job: slow, results } = jobOf(text, clock, { rowsPerSecond: 1 / 60 });
    await drive({ job: slow, medium: new MemoryMedium(), clock });
    expect(results.rows).toHaveLength(5);
    expect(clock.monotonicMs()).toBeGreaterThanOrEqual(5 * 60_000);
    expect(clock.monotonicMs()).toBeLessThan(5 * 60_000 + 1000);
  });
});

describe('a pace that a later start no longer asks for', () => {
  test('leaves no row out and none twice', async () => {
    for (let seed = 0; seed < 12; seed++) {
      const { files } = linesOf(seed + 50);
      const clock = new TickingClock(0.1);
      const medium = new MemoryMedium();
      const paced = jobOf(files, clock, { rowsPerSecond: 40, sample: 0.7 });
      const stop = { how: 'suspend', when: (run: JobRun) => run.progress().recordsIn > 60 + seed * 20 } as const;
      await drive({ job: paced.job, medium, clock, stop, settings: { batchRows: 50 } });
      const source = makeSource(
        Line,
        {
          ...memoryFilesConnector(files, tableOf(Line, 'lines'), { clock, quantumBytes: 700 }),
          intake: (context) => {
            const spec = effectiveIntake({ sample: 0.1 }, context.saved);
            return new RowIntake(context.kernels, spec, context);
          },
        },
        'lines',
      );
      const results = collectSink();
      const rows = from(source, { uid: 'lines' }).watermark('at', boundedOutOfOrderness('5 s'));
      const free = job('taking', rows.to(makeSink('inserts only', results, 'out'), { uid: 'out' }));
      await drive({ job: free, medium, clock, settings: { batchRows: 17 } });
      const [undisturbed] = await whole(files, { sample: 0.7 });
      expect([...namesOf(paced.results), ...namesOf(results)], `seed ${seed}`).toEqual(undisturbed);
    }
  });
});

describe('all of them together', () => {
  test('give the same rows and the same ledger over restarts at any moment, aligned or not', async () => {
    for (let seed = 0; seed < 24; seed++) {
      const random = seededRandom(seed);
      const { files } = linesOf(seed + 100);
      const spec = { fromMs: 40_000, sample: 0.5, rowsPerSecond: below(random, 2) === 0 ? undefined : 2000 };
      const isAligned = below(random, 2) === 0;
      const undisturbed = await runThrough(files, spec, isAligned, seed, []);
      const stops = Array.from({ length: 3 }, (_, i) => ({
        stop: {
          how: below(random, 2) === 0 ? ('kill' as const) : ('suspend' as const),
          when: (run: JobRun) => run.progress().recordsIn > (i + 1) * (50 + below(random, 150)),
        },
      }));
      const disturbed = await runThrough(files, spec, isAligned, seed + 1000, stops);
      expect(disturbed, `seed ${seed}`).toEqual(undisturbed);
    }
  });
});

async function runThrough(
  files: Record<string, Uint8Array>,
  spec: IntakeSpec,
  isAligned: boolean,
  seed: number,
  stops: Parameters<typeof driveThrough>[1],
): Promise<unknown> {
  const clock = new TickingClock(0.1);
  const { job: made, results } = jobOf(files, clock, spec, isAligned);
  const random = seededRandom(seed);
  const settings = { checkpointEveryMs: 20, batchRows: 1 + below(random, 40), chunkBytes: 50 + below(random, 500) };
  const { run } = await driveThrough({ job: made, medium: new MemoryMedium(), clock, settings }, stops);
  return { rows: namesOf(results), ledger: run.ledger() };
}
