/** The jobs of the benches of latency and growth against their oracles, small; the rule of Nexmark's events with BigInt. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { expectedAnswers } from '../../benches/support/auction-results.ts';
import { cacheBytes } from '../../benches/support/caches.ts';
import { AUCTION, BASE_TIME, BID, EventMaker, FIRST, numberAt, PERSON, timeOf } from '../../benches/support/nexmark.ts';
import { runPaced } from '../../benches/support/paced-run.ts';
import { expectedSteady, runSteady } from '../../benches/support/steady-run.ts';

const MASK = 2n ** 64n - 1n;

/** A bid by the rule as it is written, in 64-bit arithmetic. */
function bidOf(n: number): readonly [auction: number, bidder: number, price: number] {
  const mix = (z: bigint): bigint => {
    const a = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
    const b = ((a ^ (a >> 27n)) * 0x94d049bb133111ebn) & MASK;
    return b ^ (b >> 31n);
  };
  let state = mix(BigInt(n) + 0x5eedn);
  const below = (m: number): number => {
    state = (state + 0x9e3779b97f4a7c15n) & MASK;
    return Number(((mix(state) >> 33n) * BigInt(m)) >> 31n);
  };
  const priceAt = (i: number): number => Math.round(10 ** (2 + i / 1000));
  const epoch = Math.floor(n / 50);
  const last = epoch * 3 + 2;
  const oldest = Math.max(last - 100, 0);
  const auction = below(2) > 0 ? Math.floor(last / 100) * 100 : oldest + below(last - oldest + 11);
  const active = Math.min(epoch + 1, 1000);
  const bidder = below(4) > 0 ? Math.floor(epoch / 100) * 100 + 1 : epoch + 1 - active + below(active + 10);
  const step = below(6000);
  return [1000 + auction, 1000 + bidder, priceAt(step) + below(Math.max(priceAt(step + 1) - priceAt(step), 1))];
}

describe('events of Nexmark', () => {
  it('are what 64-bit arithmetic makes of their number', () => {
    const maker = new EventMaker();
    for (let n = 0; n < 200_000_000; n = Math.floor(n * 1.01) + 7) {
      maker.make(n);
      if (maker.kind === BID) expect([maker.auction, maker.bidder, maker.price], `event ${n}`).toEqual(bidOf(n));
    }
  });

  it('are a person, three auctions and 46 bids, and half a millisecond apart', () => {
    const maker = new EventMaker();
    const kinds = Array.from({ length: 50 }, (_, n) => {
      maker.make(n);
      return maker.kind;
    });
    expect(kinds).toEqual([PERSON, AUCTION, AUCTION, AUCTION, ...Array.from({ length: 46 }, () => BID)]);
    expect([timeOf(0), timeOf(1), timeOf(2000)]).toEqual([BASE_TIME, BASE_TIME, BASE_TIME + 1000]);
  });

  it('arrive once each', () => {
    const numbers = Array.from({ length: 100_000 }, (_, i) => numberAt(FIRST + i));
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    // All that can have arrived by then, but for those that arrive later.
    const until = new Set(numbers.filter((n) => n >= FIRST && n < FIRST + 60_000));
    expect(until.size).toBe(60_000);
  });
});

describe('the job of the bench of latency', () => {
  it('gives what plain JavaScript does, late rows included', async () => {
    const events = 120_000;
    const { answers, q5, q7, counters } = await runPaced({ events, eventsPerMs: Number.POSITIVE_INFINITY });
    expect(answers).toEqual(expectedAnswers(events));
    expect(Math.min(answers.late5, answers.late7 - answers.late5)).toBeGreaterThan(0);
    // Of a minute of event time the watermark sees all but the last seconds; nothing is fired before the first events.
    expect([q5.length, q7.length, counters['rows']]).toEqual([28 + 1, 6, events]);
  });
});

describe('the job of the benches of growth', () => {
  it('gives what plain JavaScript does, in windows with late rows and in a long one', async () => {
    const windows = { keys: 700, rows: 900_000, fillsKeys: false, rowsPerMs: 50 };
    const short = await runSteady(windows, 10_000);
    expect(short.digest).toBe(expectedSteady(windows, 10_000));
    expect(short.counters['late']).toBeGreaterThan(100);
    const keys = { keys: 30_000, rows: 50_000, fillsKeys: true, rowsPerMs: 100 };
    const long = await runSteady(keys, 365 * 86_400_000);
    expect(long.digest).toBe(expectedSteady(keys, 365 * 86_400_000));
    expect([long.counters['results'], long.counters['rows']]).toEqual([30_000, 1_080_000]);
  });
});

it('reads the sizes of caches as Linux writes them, but for those of instructions', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-caches-'));
  try {
    const indexes = [
      ['1', 'Data', '32K'],
      ['1', 'Instruction', '64K'],
      ['2', 'Unified', '1M'],
    ];
    indexes.forEach((texts, i) => {
      mkdirSync(join(folder, `index${i}`));
      ['level', 'type', 'size'].forEach((name, j) =>
        writeFileSync(join(folder, `index${i}`, name), `${texts[j] ?? ''}\n`),
      );
    });
    expect(cacheBytes(folder)).toEqual(
      new Map([
        [1, 32 * 1024],
        [2, 1024 ** 2],
      ]),
    );
    expect(cacheBytes(join(folder, 'none')).size).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
