/** A column with integers that a number cannot hold stands beside what functions read: it is theirs to read it or not. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  collect,
  collection,
  eventTime,
  from,
  int32,
  int64,
  type Job,
  monotonous,
  schema,
  timestamp,
  tumbling,
} from '../../../src/index.ts';
import { run } from '../../../node/index.ts';

const LARGE = 2n ** 53n + 1n;
const Wide = schema({ at: timestamp(), id: int64(), n: int32() });
const Narrow = schema({ n: int32() });
const ROWS = [
  // From JavaScript, or from a file: in TypeScript it takes `asBigInt`.
  { at: eventTime(new Date(0)), id: LARGE as unknown as number, n: 1 },
  { at: eventTime(new Date(1)), id: 5, n: 2 },
];
const rows = () => from(collection(Wide, ROWS), { uid: 'rows' });

/** Fails on the first row for a reason of its own. */
function refuse(n: number): number {
  if (n === 1) throw new Error('of its own');
  return n;
}

async function lettersOf(made: Job): Promise<readonly { readonly reason: string; readonly record: string }[]> {
  const job = await run(made, { handleSignals: false });
  await job.done;
  return job.deadLetters().map(({ reason, record }) => ({ reason, record }));
}

describe('a row with an integer that a number cannot hold', () => {
  const onError = { onError: 'dead letter' } as const;
  it.each<[string, () => Job]>([
    [
      'filter',
      () =>
        rows()
          .filter(({ n }) => refuse(n) > 0, onError)
          .to(collect()),
    ],
    [
      'map',
      () =>
        rows()
          .map(({ n }) => ({ n: refuse(n) }), { out: Narrow, ...onError })
          .to(collect()),
    ],
    [
      'process',
      () =>
        rows()
          .keyBy('id')
          .process({ ...onError, row: ({ n }, { emit }) => emit({ n: refuse(n) }) }, { out: Narrow })
          .to(collect()),
    ],
    [
      'mapAsync',
      () =>
        rows()
          .mapAsync(async ({ n }) => ({ n: refuse(n) }), { out: Narrow, onFailure: 'dead letter' })
          .to(collect()),
    ],
  ])('is a dead letter of %s with the error of the function and all digits', async (_does, made) => {
    const letters = await lettersOf(made());
    expect(letters).toHaveLength(1);
    expect(letters[0]?.reason).toContain('of its own');
    expect(JSON.parse(letters[0]?.record ?? '')).toMatchObject({ id: '9007199254740993', n: 1 });
  });

  it('is asked for once more after a restart, with all digits kept meanwhile', async () => {
    const state = await mkdtemp(join(tmpdir(), 'millrace-exact-'));
    try {
      const never = (): Promise<never> => new Promise(() => undefined);
      const made = (ask: (row: { readonly n: number }) => Promise<{ n: number }>, sink = collect(Narrow)) => ({
        job: rows().mapAsync(ask, { out: Narrow, onFailure: 'dead letter', uid: 'ask' }).to(sink, { uid: 'out' }),
        sink,
      });
      const first = await run(made(never).job, { state, handleSignals: false });
      await expect.poll(() => first.progress().recordsIn).toBe(2);
      await first.suspend();
      const { job, sink } = made(async ({ n }) => ({ n: refuse(n) }));
      const second = await run(job, { state, handleSignals: false });
      await second.done;
      expect(sink.rows).toEqual([{ n: 2 }]);
      expect(second.deadLetters()[0]?.record).toContain('9007199254740993');
    } finally {
      await rm(state, { recursive: true });
    }
  });

  it('fails the asynchronous function, or that of a window, that reads it', async () => {
    const asked = rows()
      .mapAsync(async ({ id }) => ({ n: Number(id) }), { out: Narrow })
      .to(collect());
    await expect(run(asked, { handleSignals: false }).then(({ done }) => done)).rejects.toMatchObject({
      code: 'E1310',
      message: expect.stringContaining("int64 column 'id' holds 9007199254740993"),
    });
    const windowOf = (read: (row: { readonly id: number; readonly n: number }) => number) =>
      rows()
        .watermark('at', monotonous())
        .window(tumbling('1 s'))
        .process({ rows: (all) => all.map((row) => ({ n: read(row) })), out: Narrow });
    const results = collect(Narrow);
    await (await run(windowOf(({ n }) => n).to(results), { handleSignals: false })).done;
    expect(results.rows).toEqual([{ n: 1 }, { n: 2 }]);
    const reading = run(windowOf(({ id }) => Number(id)).to(collect()), { handleSignals: false });
    await expect(reading.then(({ done }) => done)).rejects.toMatchObject({ code: 'E1213' });
  });
});
