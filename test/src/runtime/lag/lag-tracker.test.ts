import { describe, expect, it } from 'vitest';
import {
  boundedOutOfOrderness,
  collect,
  collection,
  count,
  eventTime,
  from,
  job,
  schema,
} from '../../../../src/index.ts';
import { hopping, timestamp, tumbling, utf8 } from '../../../../src/index.ts';
import { play, type Played, type PlayedRow, type PlayOptions, tape } from '../../../../src/testing/index.ts';

const Click = schema({ at: timestamp(), page: utf8() });
/** Where the virtual clock begins: event times and processing times then stand on one axis. */
const BEGAN = 1_000_000_000_000;
const PARTS = ['source', 'queue', 'operator', 'watermarkWait', 'sink'] as const;

/** One click in each 250 ms, arriving `heldMs` after it happened. */
const clicks = (seconds: number, heldMs: number) =>
  tape(
    Click,
    Array.from({ length: seconds * 4 }, (_, i) => ({
      at: i * 250 + heldMs,
      row: { at: eventTime(new Date(BEGAN + i * 250)), page: i % 2 === 0 ? 'a' : 'b' },
    })),
  );

const timed = () => from(collection(Click, []), { uid: 'clicks' }).watermark('at', boundedOutOfOrderness('1 s'));
const rows = (from = timed()) => from.filter(({ page }) => page === 'a').to(collect(), { uid: 'rows' });
const windows = (from = timed()) =>
  from
    .keyBy('page')
    .window(tumbling('10 s'))
    .aggregate({ clicks: count() }, { uid: 'perPage' })
    .to(collect(), { uid: 'windows' });

async function playClicks(made: Parameters<typeof play>[0], heldMs: number, options: Partial<PlayOptions> = {}) {
  const played = await play(made, { tapes: { clicks: clicks(60, heldMs) }, ...options });
  expect(played.failure).toBeUndefined();
  return played;
}

const lagOf = (played: Played, sink: string) => {
  const lag = played.lag.sinks[sink];
  if (lag === undefined) throw new Error(`no lag of ${sink}`);
  return lag;
};

/** Of every sink and sample: the last probe's parts sum to its total, and so do the means. */
function expectSums(played: Played): void {
  for (const { lag } of [...played.samples, played]) {
    for (const sink of Object.values(lag.sinks)) {
      for (const figure of ['last', 'mean'] as const) {
        const sum = PARTS.reduce((all, part) => all + sink[part][figure], 0);
        expect(sum).toBeCloseTo(sink.total[figure], 6);
      }
    }
  }
}

describe('lag', () => {
  it('of rows without a window is what upstream held them', async () => {
    const played = await playClicks(rows(), 30_000, { sampleEveryMs: 5000 });
    const { total, source, probes } = lagOf(played, 'rows');
    expect([total.last, total.mean, source.mean]).toEqual([30_000, 30_000, 30_000]);
    expect(probes).toBe(60);
    expectSums(played);
  });

  it('of processing alone does not see what upstream holds', async () => {
    const both = timed();
    const played = await playClicks(job('both', rows(both), windows(both)), 30_000, {
      settings: { lag: 'processing' },
    });
    expect([lagOf(played, 'rows').total.max, lagOf(played, 'windows').total.max]).toEqual([0, 0]);
    expect(lagOf(played, 'windows').probes).toBe(60);
  });

  it('follows nothing when it is off', async () => {
    const played = await playClicks(rows(), 0, { settings: { lag: 'off' } });
    expect(lagOf(played, 'rows').probes).toBe(0);
    expect(Object.keys(played.metrics['rows'] ?? {})).not.toContain('lagLast');
  });

  it('of a window is the wait for its watermark, from the event on', async () => {
    const played = await playClicks(windows(), 200, { sampleEveryMs: 1000 });
    const { total, watermarkWait, source } = lagOf(played, 'windows');
    // The last window closes with the input: a row that was just there has waited least, one at its beginning most.
    expect(source.max).toBe(200);
    expect(total.max).toBe(11_200);
    expect(watermarkWait.max).toBe(11_000);
    const results = (played.output['windows'] ?? []).map(({ at }) => at);
    expect(total.mean).toBeGreaterThan(5000);
    expect(results.length).toBeGreaterThan(0);
    expectSums(played);
  });

  it('of hopping windows ends with the first window of a row', async () => {
    const hops = timed().keyBy('page').window(hopping('60 s', '10 s')).aggregate({ clicks: count() });
    const played = await playClicks(hops.to(collect(), { uid: 'windows' }), 0);
    expect(lagOf(played, 'windows').total.max).toBeLessThanOrEqual(11_000);
    expect(lagOf(played, 'windows').probes).toBe(60);
  });

  it('of a sink that commits lasts to the commit', async () => {
    const played = await playClicks(rows(), 0, {
      sampleEveryMs: 1000,
      settings: { checkpointEveryMs: 5000 },
      sinks: { rows: { commits: true } },
    });
    const { total, sink, source } = lagOf(played, 'rows');
    // A timestamp reads as an instant.
    const happened = (row: PlayedRow['row']): number => (row['at'] as { readonly epochMs: number }).epochMs - BEGAN;
    const outs = (played.output['rows'] ?? []).map(({ at, row }) => at - happened(row));
    expect(source.max).toBe(0);
    expect(sink.max).toBe(total.max);
    expect(total.max).toBeGreaterThan(4000);
    expect(total.max).toBeLessThanOrEqual(Math.max(...outs));
    expectSums(played);
  });

  it('of a sink that is slow shows where it waits: in the sink, and in the queue before all operators', async () => {
    const played = await playClicks(rows(), 0, { sampleEveryMs: 1000, sinks: { rows: { takesMs: 2000 } } });
    const { sink, queue, source } = lagOf(played, 'rows');
    expect(sink.max).toBe(2000);
    // While a batch is written, those of the next two seconds come: the first of them waits longest.
    expect(queue.max).toBe(1750);
    expect(source.max).toBe(0);
    expectSums(played);
  });

  it('of an asynchronous function is in its operator, until the row and all before it are answered', async () => {
    let asked = 0;
    let answer: () => void = () => undefined;
    const twentieth = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const looked = timed().mapAsync(
      async ({ page }) => {
        if (++asked === 21) answer();
        await twentieth;
        return { page };
      },
      { out: schema({ page: utf8() }) },
    );
    const played = await playClicks(looked.to(collect(), { uid: 'looked' }), 0);
    const { operator, total } = lagOf(played, 'looked');
    expect([operator.max, total.max]).toEqual([5000, 5000]);
  });

  it('of a watermark is the way from it to the clock', async () => {
    const { samples } = await playClicks(windows(), 200, { sampleEveryMs: 30_000 });
    const [sample] = samples;
    // At 30 s the newest row is of 29.75 s, and the watermark one second behind it.
    expect(sample?.lag.watermarks['perPage']).toBe(30_000 - 28_750 + 1);
    expect(sample?.metrics['perPage']?.['watermarkLag']).toEqual({ value: 1251, unit: 'ms' });
  });

  it('counts a late row at the sink of late rows', async () => {
    const counted = timed().keyBy('page').window(tumbling('1 s')).aggregate({ clicks: count() });
    const late = { at: 20_000, row: { at: eventTime(new Date(BEGAN)), page: 'a' } };
    const tapes = { clicks: tape(Click, [...clicks(10, 0).events.map(eventOf), late]) };
    const played = await play(
      job('both', counted.to(collect(), { uid: 'windows' }), counted.late.to(collect(), { uid: 'late' })),
      { tapes },
    );
    expect(lagOf(played, 'late')).toMatchObject({ probes: 1, total: { last: 20_000 } });
  });

  it('is the same in every run', async () => {
    const text = async (): Promise<string> =>
      JSON.stringify((await playClicks(windows(), 123, { sampleEveryMs: 777 })).samples);
    expect(await text()).toBe(await text());
  });
});

/** An event of a tape as tape() takes it. */
function eventOf({ at, row }: { readonly at: number; readonly row: unknown }) {
  // What clicks() made.
  return { at, row: row as { at: ReturnType<typeof eventTime>; page: string } };
}
