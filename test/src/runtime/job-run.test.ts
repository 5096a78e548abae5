import { describe, expect, test } from 'vitest';
import { ExternalError } from '../../../src/base/errors.ts';
import type { SinkConnector, SinkWriter } from '../../../src/connector/sink.ts';
import type { SourceConnector } from '../../../src/connector/source.ts';
import { callbackSink, iteratorSink } from '../../../src/format/callback-sink.ts';
import { type CollectSink, collectSink } from '../../../src/format/collect-sink.ts';
import {
  count,
  float64,
  from,
  int32,
  type Job,
  job,
  monotonous,
  schema,
  timestamp,
  tumbling,
  utf8,
} from '../../../src/index.ts';
import { tableOf } from '../../../src/api/schema.ts';
import { makeSink, makeSource } from '../../../src/platform.ts';
import type { JobRun } from '../../../src/runtime/job-run.ts';
import type { CheckpointStore, SegmentWriter } from '../../../src/state/checkpoint-store.ts';
import { canonicalText } from '../../../src/testing/canonical-text.ts';
import {
  type MemoryFiles,
  memoryFiles,
  memoryFilesConnector,
  type MemoryFilesOptions,
} from '../../../src/testing/memory-files.ts';
import { MemoryMedium } from '../../../src/testing/memory-store.ts';
import { drive, type DriveOptions, TickingClock } from '../../support/engine.ts';
import { readingsFiles, readingsJob } from '../../support/readings.ts';

const FILES = readingsFiles(7, 200);
const SETTINGS = { batchRows: 16, chunkBytes: 500, checkpointEveryMs: 20 };

interface World {
  readonly medium: MemoryMedium;
  readonly results: CollectSink;
  readonly late: CollectSink;
}

const newWorld = (): World => ({ medium: new MemoryMedium(), results: collectSink(), late: collectSink() });

interface RunOptions extends Omit<DriveOptions, 'job' | 'medium'> {
  readonly files?: MemoryFilesOptions;
  readonly sink?: (sink: SinkConnector) => SinkConnector;
}

function run({ medium, results, late }: World, { files, sink = (same) => same, ...more }: RunOptions = {}) {
  const clock = more.clock ?? new TickingClock(0.5);
  const made = readingsJob(FILES, { results: sink(results), late }, { clock, quantumBytes: 3_000, ...files });
  return drive({ job: made, medium, clock, settings: SETTINGS, ...more });
}

const outputOf = ({ results, late }: World): string => canonicalText([results.rows, late.rows]);

/** What an undisturbed run gives. */
async function whole(): Promise<string> {
  const world = newWorld();
  expect((await run(world)).end).toBe('finished');
  return outputOf(world);
}

const after =
  (checkpoints: number) =>
  ({ checkpoints: { completed } }: JobRun): boolean =>
    completed >= checkpoints;

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  );
}

const Number32 = schema({ n: int32() });

describe('a job', () => {
  test('that is suspended keeps its windows open, and the next run goes on with them', async () => {
    const world = newWorld();
    const { end, run: first } = await run(world, { stop: { how: 'suspend', when: after(5) } });
    expect([end, first.status]).toEqual(['suspended', 'suspended']);
    const windows = Object.values(first.ledger()).find(({ held }) => held > 0);
    expect(windows?.held).toBeGreaterThan(0);
    const { end: last, run: second } = await run(world);
    expect(last).toBe('finished');
    expect(second.restoredFrom).toMatchObject({ finished: false });
    expect(outputOf(world)).toBe(await whole());
  });

  test('does not start without a file that it had not read to its end, also when its other files are there', async () => {
    const S = schema({ n: int32() });
    const medium = new MemoryMedium();
    const clock = new TickingClock();
    const results = collectSink();
    const text = new TextEncoder().encode('{"n":1}\n'.repeat(100));
    const copied = (files: MemoryFiles): Job =>
      from(memoryFiles(files, S, { clock, quantumBytes: 100 }), { uid: 'rows' }).to(
        makeSink('inserts only', results, 'results'),
        { uid: 'out' },
      );
    const settings = { batchRows: 3, chunkBytes: 50 };
    const stop = { how: 'suspend', when: (job: JobRun) => job.progress().recordsIn > 30 } as const;
    await drive({ job: copied({ a: text, b: text }), medium, clock, settings, stop });
    await expect(drive({ job: copied({ a: text }), medium, clock, settings })).rejects.toThrow('b: the file is gone');
    await drive({ job: copied({ a: text, b: text }), medium, clock, settings });
    expect(results.rows).toHaveLength(200);
  });

  test('that is finished says which files came after its end, once it has committed what was pending', async () => {
    const medium = new MemoryMedium();
    const clock = new TickingClock();
    const results = collectSink();
    const text = new TextEncoder().encode('{"n":1}\n');
    const copied = (...names: readonly string[]): Job =>
      from(memoryFiles(Object.fromEntries(names.map((name) => [name, text])), Number32, { clock }), { uid: 'rows' }).to(
        makeSink('inserts only', results, 'results'),
        { uid: 'out' },
      );
    expect((await drive({ job: copied('a', 'b'), medium, clock })).end).toBe('finished');
    // What is away was read, so there is nothing to say.
    for (const same of [copied('a', 'b'), copied('b')])
      expect((await drive({ job: same, medium, clock })).end).toBe('finished');
    await expect(drive({ job: copied('a', 'b', 'c'), medium, clock })).rejects.toMatchObject({
      code: 'E1407',
      message: "the job is finished, and 'rows' has input that came after its end: c",
      hint: expect.stringContaining('another state and output'),
    });
    await expect(drive({ job: copied('b', 'v', 'w', 'x', 'y', 'z'), medium, clock })).rejects.toThrow(
      "'rows' has input that came after its end: v, w, x and 2 more",
    );
    expect(results.rows).toHaveLength(2);
    expect((await drive({ job: copied('a', 'b'), medium, clock })).end).toBe('finished');
  });

  test('that cannot start closes what it had opened', async () => {
    const opened: string[] = [];
    const closed: string[] = [];
    const connector = memoryFilesConnector({ a: new Uint8Array(0), b: new Uint8Array(0) }, tableOf(Number32, 'n'));
    const failing: SourceConnector = {
      ...connector,
      async open(split, offset, context) {
        if (split.id === 'b') throw new ExternalError('E1501', { path: 'b', problem: 'not today' });
        opened.push(split.id);
        const reader = await connector.open(split, offset, context);
        return Object.assign(reader, {
          close: async () => {
            closed.push(split.id);
          },
        });
      },
    };
    const made = from(makeSource(Number32, failing, 'files')).to(makeSink('inserts only', collectSink(), 'out'));
    await expect(drive({ job: made, medium: new MemoryMedium() })).rejects.toThrow('not today');
    expect([opened, closed]).toEqual([['a'], ['a']]);
  });

  test('that is drained fires what it has, is finished, and reads nothing when it is started again', async () => {
    const world = newWorld();
    const { end, run: first } = await run(world, { stop: { how: 'drain', when: after(5) } });
    expect(end).toBe('finished');
    expect(Object.values(first.ledger()).every(({ held }) => held === 0)).toBe(true);
    const rows = world.results.rows.length;
    expect(rows).toBeGreaterThan(0);
    const before = outputOf(world);
    const again = await run(world);
    expect([again.end, again.run.restoredFrom?.finished]).toEqual(['finished', true]);
    expect(outputOf(world)).toBe(before);
    expect(before.length).toBeLessThan((await whole()).length);
  });

  test('that is cancelled takes no further checkpoint, and the next run goes on from the last', async () => {
    const world = newWorld();
    const { end, run: first } = await run(world, { stop: { how: 'cancel', when: after(5) } });
    expect([end, first.status]).toEqual(['cancelled', 'cancelled']);
    const completed = first.checkpoints.completed;
    const { run: second } = await run(world);
    expect(second.restoredFrom?.checkpoint).toBe(completed);
    expect(outputOf(world)).toBe(await whole());
  });

  test('that ended tells so at every start', async () => {
    const world = newWorld();
    const first = await run(world);
    const ledger = first.run.ledger();
    for (let i = 0; i < 3; i++) {
      const again = await run(world);
      expect(again.end).toBe('finished');
      expect(again.run.ledger()).toEqual(ledger);
    }
    expect(outputOf(world)).toBe(await whole());
  });

  test('waiting for input is woken by a request at once', async () => {
    const clock = new TickingClock();
    let chunks = 0;
    // The first chunk of each file comes soon, the next does not.
    const files = { delayMs: () => (chunks++ < 3 ? 1 : 1e9) };
    const { end } = await run(newWorld(), {
      clock,
      files,
      settings: { ...SETTINGS, checkpointEveryMs: undefined },
      stop: { how: 'suspend', when: ({ deployment }) => deployment.task.sources.some(({ ledger }) => ledger.in > 0) },
    });
    expect(end).toBe('suspended');
    expect(clock.monotonicMs()).toBeLessThan(1e9);
  });

  test('tells its progress in records, bytes and event time', async () => {
    const seen: number[] = [];
    const { run: ended } = await run(newWorld(), { look: (running) => seen.push(running.progress().recordsIn) });
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    const bytes = Object.values(FILES).reduce((sum, file) => sum + file.length, 0);
    const { recordsIn, bytesRead, bytesTotal, watermark, deadLetters, checkpoints } = ended.progress();
    expect({ bytesRead, bytesTotal }).toEqual({ bytesRead: bytes, bytesTotal: bytes });
    expect(deadLetters).toBeGreaterThan(0);
    expect(recordsIn).toBeGreaterThan(500);
    expect(watermark).toBe(Number.MAX_SAFE_INTEGER);
    expect(checkpoints).toBe(ended.checkpoints.completed);
  });
});

/** The sink with one method that fails on its nth call. */
const failing =
  (method: 'write' | 'prepare' | 'commit' | 'ready' | 'fence' | 'recover', nth: number) =>
  (sink: SinkConnector): SinkConnector => ({
    accepts: sink.accepts,
    async open(context) {
      const writer = await sink.open(context);
      let calls = 0;
      return new Proxy(writer, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== 'function') return value;
          if (key !== method) return value.bind(target);
          return (...args: unknown[]) => {
            if (++calls !== nth) return Reflect.apply(value, target, args);
            const error = new ExternalError('E1502', { path: 'the sink', problem: `${method} ${nth} fails` });
            if (method === 'write') throw error;
            return Promise.reject(error);
          };
        },
      }) satisfies SinkWriter;
    },
  });

const numbers = (count: number): MemoryFiles => ({ a: new TextEncoder().encode('{"n":1}\n'.repeat(count)) });
const never = (): Promise<never> => new Promise(() => undefined);
const unread = (): Job =>
  from(memoryFiles(numbers(20_000), Number32)).to(makeSink('inserts only', iteratorSink(), 'out'));

describe('cancelling overrules and waits for nobody:', () => {
  const callbackThatNeverAnswers = (rows: number) => (): Job =>
    from(memoryFiles(numbers(rows), Number32)).to(makeSink('inserts only', callbackSink(never), 'out'));
  const functionThatNeverAnswers = (): Job =>
    from(memoryFiles(numbers(3), Number32))
      .mapAsync(never, { out: Number32, timeout: '1 hour' })
      .to(makeSink('inserts only', collectSink(), 'out'));

  test.each([
    ['rows that nobody iterates over', unread, undefined],
    ['a callback that never answers', callbackThatNeverAnswers(3), undefined],
    ['a sink that is full', callbackThatNeverAnswers(60_000), undefined],
    ['a last checkpoint that waits for a callback', callbackThatNeverAnswers(3), 'suspend'],
    ['a drain that waits for a callback', callbackThatNeverAnswers(60_000), 'drain'],
    ['an asynchronous function that never answers', functionThatNeverAnswers, undefined],
    ['a drain that waits for an asynchronous function', functionThatNeverAnswers, 'drain'],
  ] as const)('%s', async (_what, job, before) => {
    const clock = new TickingClock(0.5);
    let turns = 0;
    const { end, run: cancelled } = await drive({
      job: job(),
      medium: new MemoryMedium(),
      clock,
      settings: { batchRows: 4096, chunkBytes: 65_536, checkpointEveryMs: before === undefined ? 5 : undefined },
      look: (running) => {
        // So that no time passes before the request has had its turns.
        if (turns < 80) void clock.sleep(0);
        if (++turns === 20 && before !== undefined) running[before]();
      },
      stop: { how: 'cancel', when: () => turns >= 40 },
    });
    expect([end, cancelled.status]).toEqual(['cancelled', 'cancelled']);
    expect(clock.monotonicMs()).toBeLessThan(3_600_000);
  });

  test('from within a function that is given rows', async () => {
    let running: JobRun | undefined;
    const seen: number[] = [];
    const cancelling = callbackSink(async (rows) => {
      seen.push(rows.length);
      running?.cancel();
      await never();
    });
    const { end } = await drive({
      job: from(memoryFiles(numbers(50), Number32)).to(makeSink('inserts only', cancelling, 'out')),
      medium: new MemoryMedium(),
      settings: { batchRows: 10 },
      onRun: (made) => {
        running = made;
      },
    });
    expect([end, seen]).toEqual(['cancelled', [10]]);
  });
});

describe('a job whose', () => {
  test('source fails says so although nobody takes its rows', async () => {
    const files = memoryFiles(numbers(100), Number32, { failAt: { file: 'a', offset: 500 } });
    const made = from(files).to(makeSink('inserts only', iteratorSink(), 'out'));
    await expect(drive({ job: made, medium: new MemoryMedium(), settings: { chunkBytes: 100 } })).rejects.toMatchObject(
      {
        code: 'E1501',
      },
    );
  });

  test('source fails fails with its error, and goes on where it was once the source is cured', async () => {
    const world = newWorld();
    let failed: JobRun | undefined;
    const error = await errorOf(
      run(world, {
        files: { failAt: { file: 'readings-1', offset: 6_000 } },
        onRun: (made) => {
          failed = made;
        },
      }),
    );
    expect(error).toMatchObject({ code: 'E1501', message: expect.stringContaining('readings-1') });
    expect(failed?.status).toBe('failed');
    expect(failed?.checkpoints.completed).toBeGreaterThan(0);
    const { run: second } = await run(world);
    expect(second.restoredFrom?.checkpoint).toBe(failed?.checkpoints.completed);
    expect(outputOf(world)).toBe(await whole());
  });

  test.each(['write', 'prepare', 'commit', 'ready', 'fence', 'recover'] as const)(
    'sink fails in %s fails, and loses and repeats nothing later',
    async (method) => {
      const expected = await whole();
      for (let nth = 1; nth <= 7; nth += 2) {
        const world = newWorld();
        const isOnce = method === 'fence' || method === 'recover';
        const error = await errorOf(run(world, { sink: failing(method, isOnce ? 1 : nth) }));
        expect(error, `${method} ${nth}`).toMatchObject({ code: 'E1502' });
        await run(world);
        expect(outputOf(world), `${method} ${nth}`).toBe(expected);
        if (isOnce) break;
      }
    },
  );

  test.each(['createSegment', 'append', 'seal', 'publish', 'remove'])(
    'store fails in %s fails, and the checkpoint before is as good as ever',
    async (method) => {
      const expected = await whole();
      for (const nth of [1, 2, 5]) {
        const world = newWorld();
        let calls = 0;
        const fail = <P extends object>(port: P): P =>
          new Proxy(port, {
            get(target, key) {
              const value: unknown = Reflect.get(target, key, target);
              if (typeof value !== 'function') return value;
              return (...args: unknown[]): unknown => {
                if (key === method && ++calls === nth)
                  return Promise.reject(new ExternalError('E1502', { path: 'the store', problem: 'full' }));
                const result: unknown = Reflect.apply(value, target, args);
                // Segments are ports as well.
                return key === 'createSegment'
                  ? Promise.resolve(result).then((segment) => fail(segment as SegmentWriter))
                  : result;
              };
            },
          });
        const error = await errorOf(run(world, { wrapStore: (store: CheckpointStore) => fail(store) }));
        expect(error, `${method} ${nth}`).toMatchObject({ code: 'E1502' });
        await run(world);
        expect(outputOf(world), `${method} ${nth}`).toBe(expected);
      }
    },
  );

  test('checkpoint fails while it waits for input fails then, not at the next checkpoint', async () => {
    const clock = new TickingClock();
    let publishes = 0;
    const wrapStore = (store: CheckpointStore): CheckpointStore =>
      new Proxy(store, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]): unknown => {
            if (key !== 'publish' || ++publishes !== 3) return Reflect.apply(value, target, args);
            return clock
              .sleep(7)
              .then(() => Promise.reject(new ExternalError('E1502', { path: 'the store', problem: 'full' })));
          };
        },
      });
    const error = await errorOf(
      run(newWorld(), {
        clock,
        files: { delayMs: () => 1e9 },
        settings: { ...SETTINGS, checkpointEveryMs: 1_000 },
        wrapStore,
      }),
    );
    expect(error).toMatchObject({ code: 'E1502' });
    expect(clock.monotonicMs()).toBe(2_007);
  });

  test('state outgrows its budget fails with what is largest, and goes on with more', async () => {
    const S = schema({ at: timestamp(), key: utf8() });
    const lines = Array.from({ length: 30_000 }, (_, i) => `{"at":${i},"key":"a key that is not short ${i}"}\n`).join(
      '',
    );
    const results = collectSink();
    const clock = new TickingClock(0.5);
    const big = job(
      'big',
      from(memoryFiles({ a: new TextEncoder().encode(lines) }, S, { clock }))
        .watermark('at', monotonous())
        .keyBy('key')
        .window(tumbling('1 day'))
        .aggregate({ rows: count() })
        .to(makeSink('inserts only', results, 'results')),
    );
    const medium = new MemoryMedium();
    const settings = { batchRows: 512, chunkBytes: 16_384, checkpointEveryMs: 50 };
    const error = await errorOf(
      drive({ job: big, medium, clock, settings: { ...settings, stateBytes: 2 * 1024 * 1024 } }),
    );
    expect(error).toMatchObject({ code: 'E1302', message: expect.stringContaining('windowAggregate') });
    const { end, run: second } = await drive({ job: big, medium, clock, settings });
    expect(end).toBe('finished');
    expect(second.restoredFrom?.checkpoint).toBeGreaterThan(0);
    expect(results.rows).toHaveLength(30_000);
  });

  test('function throws fails with the row', async () => {
    const S = schema({ at: timestamp(), value: float64() });
    const broken = from(memoryFiles({ a: new TextEncoder().encode('{"at":1,"value":2}\n') }, S))
      .map(
        () => {
          throw new Error('broken');
        },
        { out: schema({ n: int32() }), uid: 'mine' },
      )
      .to(makeSink('inserts only', collectSink(), 'results'));
    const error = await errorOf(drive({ job: broken, medium: new MemoryMedium() }));
    expect(error).toMatchObject({ code: 'E1310', location: { operator: 'mine' } });
  });
});
