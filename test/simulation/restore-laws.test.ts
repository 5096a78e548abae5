import { describe, expect, test } from 'vitest';
import { imbalance } from '../../src/metrics/ledger.ts';
import type { CheckpointStore } from '../../src/state/checkpoint-store.ts';
import { MemoryMedium } from '../../src/testing/memory-store.ts';
import type { JobRun } from '../../src/runtime/job-run.ts';
import { collectSink } from '../../src/format/collect-sink.ts';
import { canonicalText } from '../../src/testing/canonical-text.ts';
import { drive, type DriveOptions, TickingClock } from '../support/engine.ts';
import { readingsFiles, readingsJob } from '../support/readings.ts';

const SETTINGS = { batchRows: 16, chunkBytes: 700, checkpointEveryMs: 6 };

interface Setup {
  readonly options: DriveOptions;
  /** Everything that came out, and the ledger. */
  output(run: JobRun): string;
}

function setup(seed: number): Setup {
  const clock = new TickingClock(0.5);
  const [results, late, deadLetters] = [collectSink(), collectSink(), collectSink()];
  const job = readingsJob(readingsFiles(seed, 150), { results, late }, { clock, quantumBytes: 2_000 });
  return {
    options: { job, medium: new MemoryMedium(), clock, settings: SETTINGS, deadLetters },
    output: (run) =>
      canonicalText({ results: results.rows, late: late.rows, letters: deadLetters.rows, ledger: run.ledger() }),
  };
}

function requireBalance(run: JobRun): void {
  for (const [uid, entry] of Object.entries(run.ledger())) expect(imbalance(entry), uid).toBe(0);
  expect(run.deployment.arena.verify()).toBe(true);
}

describe('a job that is killed', () => {
  test('right after any of its checkpoints goes on exactly, also with windows that are half fired', async () => {
    const whole = setup(1);
    const { run } = await drive(whole.options);
    const expected = whole.output(run);
    const { completed } = run.checkpoints;
    expect(completed).toBeGreaterThan(30);
    let halfFired = 0;
    // The last ones are followed by the end without a turn between.
    for (let k = 1; k < completed - 3; k += 2) {
      const { options, output } = setup(1);
      const first = await drive({
        ...options,
        stop: { how: 'kill', when: ({ checkpoints }) => checkpoints.completed >= k },
      });
      expect(first.end, `checkpoint ${k}`).toBe('killed');
      const second = await drive(options);
      expect(output(second.run), `checkpoint ${k}`).toBe(expected);
      const ledgers = Object.values(second.run.restoredFrom?.ledgers ?? {});
      if (ledgers.some(({ held = 0, results = 0 }) => held > 0 && results > 0)) halfFired++;
    }
    expect(halfFired).toBeGreaterThan(10);
  });

  test('at any call of its store, before or after the effect, goes on exactly', async () => {
    const whole = setup(2);
    const expected = whole.output((await drive(whole.options)).run);
    for (let point = 0; point < 400; point += 7) {
      const { options, output } = setup(2);
      const first = await drive({ ...options, crashAt: point });
      expect(first.end, `point ${point}`).toBe('killed');
      const { run } = await drive(options);
      expect(output(run), `point ${point}`).toBe(expected);
    }
  });

  test('again and again while it starts comes through once it is left alone', async () => {
    const whole = setup(3);
    const expected = whole.output((await drive(whole.options)).run);
    for (let point = 0; point < 16; point++) {
      const { options, output } = setup(3);
      await drive({ ...options, stop: { how: 'kill', when: ({ checkpoints }) => checkpoints.completed >= 8 } });
      for (let again = 0; again < 3; again++) await drive({ ...options, crashAt: point + again });
      const { run } = await drive(options);
      expect(output(run), `point ${point}`).toBe(expected);
    }
  });
});

describe('at every checkpoint', () => {
  test('each ledger balances and every count of state is what a walk over it finds', async () => {
    for (const seed of [4, 5]) {
      let cuts = 0;
      let running: JobRun | undefined;
      // A segment is made in the same breath as the cut.
      const wrapStore = (store: CheckpointStore): CheckpointStore =>
        new Proxy(store, {
          get(target, key) {
            const value: unknown = Reflect.get(target, key, target);
            if (key === 'createSegment' && running !== undefined) {
              requireBalance(running);
              expect(running.deployment.task.quiet).toBe(true);
              cuts++;
            }
            return typeof value === 'function' ? value.bind(target) : value;
          },
        });
      const { options } = setup(seed);
      const look = (run: JobRun): void => {
        running = run;
      };
      const { run } = await drive({ ...options, look, wrapStore });
      expect(cuts, `seed ${seed}`).toBeGreaterThan(30);
      requireBalance(run);
    }
  });

  test('what is restored has the counts that it was saved with', async () => {
    for (let k = 2; k < 40; k += 5) {
      const { options } = setup(6);
      await drive({ ...options, stop: { how: 'kill', when: ({ checkpoints }) => checkpoints.completed >= k } });
      let seen = false;
      await drive({
        ...options,
        look: (run) => {
          if (!seen) requireBalance(run);
          seen = true;
        },
        stop: { how: 'suspend', when: () => true },
      });
      expect(seen).toBe(true);
    }
  });
});
