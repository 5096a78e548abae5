/** A job whose state changes faster than its checkpoints can be written. */
import { expect, test } from 'vitest';
import { collectSink } from '../../../src/format/collect-sink.ts';
import { from, int32, type Job, schema, utf8, value } from '../../../src/index.ts';
import { makeSink } from '../../../src/platform.ts';
import type { CheckpointStore } from '../../../src/state/checkpoint-store.ts';
import { memoryFiles } from '../../../src/testing/memory-files.ts';
import { MemoryMedium } from '../../../src/testing/memory-store.ts';
import type { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { drive, type DriveOptions, TickingClock } from '../../support/engine.ts';
import { newKernels } from '../../support/kernels.ts';

const KEYS = 90_000;
const MB = 1024 * 1024;
const Row = schema({ n: int32() });
const LINES = Array.from({ length: KEYS }, (_, n) => `{"n":${n}}\n`).join('');
const FILES = { twice: new TextEncoder().encode(LINES + LINES) };

/** Rewrites a hundred bytes of each key, twice. */
function rewriting(clock: VirtualClock, results: ReturnType<typeof collectSink>): Job {
  return from(memoryFiles(FILES, Row, { clock }))
    .keyBy('n')
    .process(
      {
        state: { text: value(utf8()) },
        row: ({ n }, { state, emit }) => {
          const seen = state.text.get() !== undefined;
          state.text.set(String(n).padStart(seen ? 100 : 99));
          if (seen && n % 1000 === 0) emit({ n });
        },
      },
      { out: Row },
    )
    .to(makeSink('inserts only', results, 'results'));
}

/** Appends that never end before the job has nothing else to do. */
const slow =
  (clock: VirtualClock) =>
  (store: CheckpointStore): CheckpointStore =>
    new Proxy(store, {
      get(target, key) {
        const found: unknown = Reflect.get(target, key, target);
        if (typeof found !== 'function') return found;
        if (key !== 'createSegment') return found.bind(target) as unknown; // a method of the store
        return async (name: string) => {
          const writer = await target.createSegment(name);
          return { ...writer, append: (bytes: Uint8Array) => clock.sleep(1000).then(() => writer.append(bytes)) };
        };
      },
    });

async function run(memory: number, more: Partial<DriveOptions> = {}) {
  const clock = new TickingClock(0.01);
  const results = collectSink();
  const settings = { stateBytes: 16 * MB, batchRows: 512, chunkBytes: 32_768, ...more.settings };
  const kernels = await newKernels(memory);
  const driven = await drive({
    job: rewriting(clock, results),
    medium: new MemoryMedium(),
    clock,
    wrapStore: slow(clock),
    ...more,
    settings,
    kernels,
  });
  return { ...driven, rows: results.rows, ms: clock.monotonicMs() };
}

test('goes on only when what changed meanwhile is written, and loses nothing by it', async () => {
  const undisturbed = await run(64 * MB, { wrapStore: (store) => store });
  // When all keys are there.
  const settings = { checkpointEveryMs: undisturbed.ms * 0.55 };
  const { end, run: made, rows } = await run(30 * MB, { settings });
  expect(end).toBe('finished');
  expect(made.checkpoints.aborted).toBe(0);
  expect(made.checkpoints.changedBytes).toBeGreaterThan(16 * MB);
  expect(rows).toEqual(undisturbed.rows);
});
