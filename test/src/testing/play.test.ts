import { describe, expect, it } from 'vitest';
import {
  boundedOutOfOrderness,
  count,
  eventTime,
  from,
  schema,
  timestamp,
  tumbling,
  utf8,
} from '../../../src/index.ts';
import { collection, collect } from '../../../src/index.ts';
import { play, tape } from '../../../src/testing/index.ts';

const Click = schema({ at: timestamp(), page: utf8() });
const BEGAN = Date.UTC(2024, 0, 1);
const click = (ms: number, page: string) => ({ at: eventTime(new Date(BEGAN + ms)), page });

/** Ten clicks a second for a minute, each arriving 200 ms after it happened. */
const clicks = tape(
  Click,
  Array.from({ length: 600 }, (_, i) => ({ at: i * 100 + 200, row: click(i * 100, i % 3 === 0 ? 'a' : 'b') })),
);

const perTenSeconds = () =>
  from(collection(Click, []), { uid: 'clicks' })
    .watermark('at', boundedOutOfOrderness('1 s'))
    .keyBy('page')
    .window(tumbling('10 s'))
    .aggregate({ clicks: count() })
    .to(collect(), { uid: 'out' });

describe('playing a tape', () => {
  it('hands each result to its sink at the moment at which the rows on tape make it final', async () => {
    const { output, endedAt, failure } = await play(perTenSeconds(), { tapes: { clicks } });
    expect(failure).toBeUndefined();
    const rows = output['out'] ?? [];
    expect(rows).toHaveLength(12);
    // The first row that moves the watermark to the end of the first window is the one of 11 s, which arrives at 11.2 s.
    expect(rows.slice(0, 2).map(({ at, op }) => [at, op])).toEqual([
      [11_200, '+I'],
      [11_200, '+I'],
    ]);
    expect(rows.map(({ row }) => Number(row['clicks'])).reduce((a, b) => a + b, 0)).toBe(600);
    expect(endedAt).toBe(599 * 100 + 200);
  });

  it('gives the same rows at any speed', async () => {
    const slow = await play(perTenSeconds(), { tapes: { clicks } });
    const fast = await play(perTenSeconds(), { tapes: { clicks }, speed: 100 });
    const text = (played: typeof slow): string => JSON.stringify(played.output['out']?.map(({ op, row }) => [op, row]));
    expect(text(fast)).toBe(text(slow));
  });

  it('takes samples at even moments', async () => {
    const { samples } = await play(perTenSeconds(), { tapes: { clicks }, sampleEveryMs: 10_000 });
    expect(samples.map(({ at }) => at)).toEqual([10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
    expect(samples.map(({ progress }) => progress.recordsIn)).toEqual([99, 199, 299, 399, 499, 599]);
  });

  it('samples what stands at the moment itself, and not what the next row makes of it', async () => {
    const { samples } = await play(perTenSeconds(), { tapes: { clicks }, sampleEveryMs: 10_050 });
    expect(samples.slice(0, 2).map(({ at, progress }) => [at, progress.recordsIn])).toEqual([
      [10_050, 99],
      [20_100, 200],
    ]);
    const [split] = samples[0]?.watermarks.splits ?? [];
    expect(split).toMatchObject({ source: 'clicks', max: BEGAN + 9800, watermark: BEGAN + 8799, hasEnded: false });
  });

  it('goes on from the last checkpoint where a process dies', async () => {
    const { output, ledger } = await play(perTenSeconds(), {
      tapes: { clicks },
      restartsAtMs: [25_000, 40_500],
      settings: { checkpointEveryMs: 1000 },
    });
    const counts = new Map<string, number>();
    for (const { row } of output['out'] ?? []) {
      const { page, windowStart, clicks: n } = row;
      counts.set(`${String(page)} ${String(windowStart)}`, Number(n));
    }
    expect([...counts.values()].reduce((a, b) => a + b, 0)).toBe(600);
    expect(ledger['clicks']?.in).toBe(600);
  });

  it.each(['speed', 'sampleEveryMs', 'tickMs'])('refuses a %s that would never let time go on', async (name) => {
    for (const given of [0, -1, Number.NaN])
      await expect(play(perTenSeconds(), { tapes: { clicks }, [name]: given })).rejects.toThrow(
        `${name} of play must be a number above zero`,
      );
  });

  it('names what a tape does not fit', async () => {
    await expect(play(perTenSeconds(), { tapes: {} })).rejects.toThrow(
      "the tape of 'clicks' must be given as tape(schema, [...])",
    );
    await expect(play(perTenSeconds(), { tapes: { clicks, other: clicks } })).rejects.toThrow(
      'a tape must be for a source of the job (clicks)',
    );
  });
});
