/** The queue of sessions: when they fire, whatever their gap and however far time jumps, and when memory runs out. */
import { expect, test } from 'vitest';
import { below, type Random, seededRandom, uniform } from '../../../src/base/random.ts';
import { OracleSessions, type SessionRow } from '../../oracle/sessions.ts';
import { newKernels } from '../../support/kernels.ts';
import { BATCH, firedText, SessionHarness, textOf } from '../../support/session-harness.ts';

const HOUR = 3_600_000;
const GAPS = [1, 31, 32, 1_000, 30 * 60_000, 24 * HOUR, 400 * 24 * HOUR];
const BASES = [-(2 ** 52), -HOUR, 0, 1_600_000_000_000, 2 ** 51];

/**
 * Rows of many keys, most of which come at nearly one time, so that slots have several chunks; out of order by up to three
 * gaps, so that sessions become one; some of keys whose session is about to end, so that it grows when it is nearly due.
 * Between batches time goes on by a little, some gaps, or ages.
 */
function makeBatches(random: Random, gap: number): SessionRow[][] {
  const keys = 1 + below(random, uniform(random) < 0.5 ? 400 : 20);
  const disorder = below(random, 3) * gap;
  const ends = new Map<string, number>();
  let [now, largest] = [BASES[below(random, BASES.length)] ?? 0, -Number.MAX_SAFE_INTEGER];
  return Array.from({ length: 8 }, () => {
    const rows = Array.from({ length: 1 + below(random, BATCH) }, (): SessionRow => {
      now += below(random, 3) === 0 ? below(random, 1 + Math.ceil(gap / 50)) : 0;
      const isNear = (end: number): boolean => end - 1 > largest && end - largest <= gap / 30;
      const nearly = below(random, 2) === 0 ? [...ends].find(([, end]) => isNear(end)) : undefined;
      const time = Math.min(now - below(random, disorder + 1), nearly?.[1] ?? now);
      const key = nearly?.[0] ?? `${below(random, keys)}`;
      ends.set(key, Math.max(time + gap, ends.get(key) ?? time + gap));
      const watermark = largest;
      largest = Math.max(largest, time - disorder - 1);
      return { key, time, watermark, value: below(random, 1000) };
    });
    const kind = below(random, 4);
    if (kind === 1) now += below(random, 4 * gap);
    if (kind === 2) now += 2 ** below(random, 50);
    return rows;
  });
}

test('each session fires at the first watermark that passes its end, in order of ends, and none is left', async () => {
  const kernels = await newKernels(32 << 20);
  let [fired, moved] = [0, 0];
  for (let seed = 1; seed <= 150; seed++) {
    const random = seededRandom(seed);
    const gap = GAPS[seed % GAPS.length] ?? 1;
    kernels.reset();
    const harness = new SessionHarness(kernels, false, gap);
    const oracle = new OracleSessions(gap);
    harness.fireRows = 1 + below(random, 100);
    let index = 0;
    for (const rows of makeBatches(random, gap)) {
      harness.add(rows, 0, rows.length);
      for (const row of rows) oracle.add(row, index++);
      const watermark = rows.at(-1)?.watermark ?? 0;
      // The oracle fires at the watermark of every row: of one batch the order is settled by sorting.
      oracle.fireThrough(watermark);
      harness.fireThrough(watermark);
      const what = `seed ${seed}, gap ${gap}, row ${index}`;
      expect(harness.fired.map(firedText).sort(), what).toEqual(oracle.fired.map(textOf).sort());
      const ends = harness.fired.map(({ end }) => end);
      expect(ends, what).toEqual(ends.toSorted((a, b) => a - b));
      expect(harness.arena.verify(), `${what}, counts hold`).toBe(true);
      fired += harness.fired.length;
      moved += harness.fired.filter(({ start, end }) => end - start > gap).length;
      harness.fired.length = 0;
      oracle.fired.length = 0;
    }
    oracle.fireThrough(Number.MAX_SAFE_INTEGER);
    harness.fireThrough(Number.MAX_SAFE_INTEGER);
    expect(harness.fired.map(firedText).sort(), `seed ${seed}`).toEqual(oracle.fired.map(textOf).sort());
    expect(harness.arena.verify(), `seed ${seed}, counts hold`).toBe(true);
  }
  expect(fired).toBeGreaterThan(10_000);
  expect(moved).toBeGreaterThan(2_000);
});

test('when memory runs out while sessions come due, none is lost: with more memory all fire', async () => {
  const kernels = await newKernels(32 << 20);
  let stopped = 0;
  for (let seed = 1; seed <= 15; seed++) {
    const random = seededRandom(seed);
    kernels.reset();
    const harness = new SessionHarness(kernels, false, HOUR, (160 + below(random, 64)) << 10);
    const oracle = new OracleSessions(HOUR);
    for (let i = 0; ; i++) {
      // Nobody fires, so that all wait; their ends are far apart, so that many slots come due at once.
      const row = { key: `${i}`, time: below(random, 40 * HOUR), watermark: -1, value: i };
      if (!harness.tryAdd([row], 0, 1)) break;
      oracle.add(row, i);
    }
    expect(oracle.open, `seed ${seed}`).toBeGreaterThan(500);
    if (!harness.tryFireThrough(60 * HOUR)) stopped++;
    const described = structuredClone(harness.arena.describe());
    expect(harness.arena.verify(), `seed ${seed}, counts hold`).toBe(true);
    harness.arena.markAllDirty();
    const frames = harness.frames();
    const before = harness.fired.map(firedText);
    kernels.reset();
    const roomy = new SessionHarness(kernels, false, HOUR);
    roomy.restore(frames, described);
    roomy.fireThrough(60 * HOUR);
    oracle.fireThrough(60 * HOUR);
    expect([...before, ...roomy.fired.map(firedText)].sort(), `seed ${seed}`).toEqual(oracle.fired.map(textOf).sort());
    expect(roomy.arena.verify(), `seed ${seed}, counts hold`).toBe(true);
  }
  expect(stopped).toBeGreaterThan(0);
});
