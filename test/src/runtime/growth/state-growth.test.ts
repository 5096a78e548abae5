import { describe, expect, it } from 'vitest';
import { collect, collection, count, eventTime, from, int64, monotonous, schema } from '../../../../src/index.ts';
import { hopping, timestamp, utf8 } from '../../../../src/index.ts';
import { below, seededRandom } from '../../../../src/base/random.ts';
import { play, tape } from '../../../../src/testing/index.ts';
import { type HeavyKeyText, StateGrowth, type StateAlert } from '../../../../src/runtime/growth/state-growth.ts';
import { processingTimeMs } from '../../../../src/base/time.ts';
import type { StateArena } from '../../../../src/state/arena.ts';

const BEGAN = 1_000_000_000_000;
const MINUTE = 60_000;
const KB = 1024;

/** State whose bytes are a function of the minute; only what growth asks of an arena. */
function grown(
  bytesAt: (minute: number) => number,
  lastsMinutes: number,
  alertWithinMs: number | undefined,
  heaviest: () => Iterator<undefined, readonly HeavyKeyText[]> = () => ({ next: () => ({ done: true, value: [] }) }),
) {
  let minute = 0;
  const raised: { readonly minute: number; readonly alert: StateAlert }[] = [];
  const arena = {
    budgetBytes: 1000 * KB,
    usedBytes: () => bytesAt(minute),
    states: () => [{ name: 'a', keys: 1, entries: 1, bytes: bytesAt(minute) }],
  };
  const growth = new StateGrowth({
    // Nothing else of an arena is asked for.
    arena: arena as unknown as StateArena,
    heaviest,
    alertWithinMs,
    onAlert: (alert) => raised.push({ minute, alert }),
  });
  for (let ms = 0; ms <= lastsMinutes * MINUTE; ms += 500) {
    minute = ms / MINUTE;
    growth.sample(ms, () => processingTimeMs(BEGAN + ms));
  }
  return { growth, raised };
}

describe('growth of state', () => {
  it('tells bytes a second and the time that is left', () => {
    const { growth } = grown((minute) => 100 * KB + minute * 6 * KB, 60, undefined);
    expect(growth.growth('a')).toBeCloseTo((6 * KB) / 60, 6);
    expect((growth.stateFullIn ?? 0) / MINUTE).toBeCloseTo((900 - 360) / 6, 0);
    expect(growth.alerts).toEqual([]);
  });

  it('is alerted of once, in time, also where state comes and goes with windows', () => {
    const saw = (minute: number): number => (minute % 5) * 10 * KB;
    const { raised, growth } = grown((minute) => 100 * KB + minute * 5 * KB + saw(minute), 170, 15 * MINUTE);
    expect(raised).toHaveLength(1);
    expect(growth.alerts).toEqual(raised.map(({ alert }) => alert));
    const [first] = raised;
    // Peaks reach the budget at minute 170.
    const left = 170 - (first?.minute ?? 0);
    expect(left).toBeGreaterThan(10);
    expect(Math.abs((first?.alert.fullInMs ?? 0) / MINUTE - left) / left).toBeLessThan(0.2);
    expect(first?.alert.message).toMatch(/^state reaches its budget of 1000 KB in about 1\d minutes: 'a' has /);
  });

  it('is alerted of when the heaviest keys are found, a share of them after each batch', () => {
    const heavy = { key: 'k', bytes: 9, entries: 1 };
    let rests = 0;
    const { raised } = grown(
      (minute) => 100 * KB + minute * 5 * KB,
      175,
      15 * MINUTE,
      function* () {
        for (; rests < 240; rests++) yield undefined;
        return [heavy];
      },
    );
    const [at] = grown((minute) => 100 * KB + minute * 5 * KB, 175, 15 * MINUTE).raised;
    expect(raised).toHaveLength(1);
    // Batches are half a second apart here.
    expect(raised[0]?.minute).toBe((at?.minute ?? 0) + 2);
    expect(raised[0]?.alert).toMatchObject({ at: at?.alert.at, fullInMs: at?.alert.fullInMs, topKeys: [heavy] });
    expect(raised[0]?.alert.message).toContain('heaviest keys: k (9 ');
  });

  it('is not alerted of while state fills after the start and then stays', () => {
    expect(grown((minute) => Math.min(250, 20 + minute * 400) * KB, 120, 15 * MINUTE).raised).toEqual([]);
  });

  it('is not alerted of when nobody asks for it', () => {
    expect(grown((minute) => minute * 10 * KB, 99, undefined).raised).toEqual([]);
  });

  it('is seen in a leak that begins after hours', () => {
    const leak = (minute: number): number => 300 * KB + Math.max(0, minute - 300) * 7 * KB;
    const { raised } = grown(leak, 400, 15 * MINUTE);
    expect(raised).toHaveLength(1);
    expect(raised[0]?.minute).toBeLessThan(390);
  });
});

/** When the last sample is taken. */
const SAMPLED_MS = 2900;

const Visit = schema({ at: timestamp(), shop: utf8(), user: int64() });

function visits(seed: number, rows: number) {
  const random = seededRandom(seed);
  return Array.from({ length: rows }, (_, i) => ({
    at: i * 10,
    row: {
      at: eventTime(new Date(BEGAN + i * 10)),
      shop: 'shop no '.repeat(1 + below(random, 9)),
      user: below(random, 50),
    },
  }));
}

describe('the heaviest keys', () => {
  it('of windows are those that stand in most slices, with their values', async () => {
    const events = visits(1, 600).filter(({ row }, i) => row.user < 3 || i % 40 === 0);
    const made = from(collection(Visit, []), { uid: 'visits' })
      .watermark('at', monotonous())
      .keyBy('user')
      .window(hopping('1 hour', '1 s'))
      .aggregate({ visits: count() }, { uid: 'perUser' })
      .to(collect(), { uid: 'out' });
    const slices = new Map<number, Set<number>>();
    for (const { at, row } of events.filter((event) => event.at <= SAMPLED_MS))
      slices.set(row.user, (slices.get(row.user) ?? new Set()).add(Math.floor(at / 1000)));
    const found = await heaviestOf(made, events, 'perUser');
    const most = [...slices.values()].map(({ size }) => size).sort((a, b) => b - a);
    expect(found.map(({ entries }) => entries)).toEqual(most.slice(0, 5));
    for (const { key, entries } of found) expect(slices.get(Number(key))?.size).toBe(entries);
  });

  it('of several columns read as their values', async () => {
    const events = visits(2, 300);
    const made = from(collection(Visit, []), { uid: 'visits' })
      .keyBy('shop', 'user')
      .aggregate({ visits: count() }, { uid: 'perShop' })
      .to(collect({ changelog: true }), { uid: 'out' });
    const found = await heaviestOf(made, events, 'perShop');
    const keys = new Set(events.map(({ row }) => `${row.shop}, ${row.user}`));
    const longest = Math.max(...events.filter(({ at }) => at <= SAMPLED_MS).map(({ row }) => row.shop.length));
    expect(found).toHaveLength(5);
    for (const { key } of found) {
      expect(keys).toContain(key);
      expect(key.split(',')[0]).toHaveLength(longest);
    }
  });
});

/** Plays the events and asks at the end. */
async function heaviestOf(made: Parameters<typeof play>[0], events: ReturnType<typeof visits>, state: string) {
  const played = await play(made, { tapes: { visits: tape(Visit, events) }, sampleEveryMs: 2900, topKeys: 5 });
  expect(played.failure).toBeUndefined();
  return played.samples.at(-1)?.heaviest[state] ?? [];
}
