/** Session windows against a row-by-row oracle: any batches, any steps of firing, restored in the middle. */
import { expect, test } from 'vitest';
import { below, type Random, seededRandom, uniform } from '../../../src/base/random.ts';
import { OracleSessions, type SessionRow } from '../../oracle/sessions.ts';
import { newKernels } from '../../support/kernels.ts';
import { BATCH, firedText, SessionHarness, textOf } from '../../support/session-harness.ts';

const GAP = 20;
const END = Number.MAX_SAFE_INTEGER;

function makeRows(random: Random, count: number, isText: boolean): SessionRow[] {
  const keys = 1 + below(random, 12);
  const disorder = below(random, 4) * 25;
  const delay = below(random, 80);
  let largest = -50;
  let now = -50;
  return Array.from({ length: count }, () => {
    now += below(random, uniform(random) < 0.05 ? 80 : 6);
    const time = now - below(random, disorder + 1);
    const watermark = Math.max(largest - delay - 1, -10_000);
    largest = Math.max(largest, time);
    const key = below(random, keys);
    const text = key % 3 === 0 ? `${key}` : `${key} is a key of more than sixteen bytes`;
    // Quarters add exactly in any order; what matters beyond that is checked by the oracle's own order.
    return { key: isText ? text : `${key - 3}`, time, watermark, value: below(random, 1000) / 3 };
  });
}

function oracleOf(rows: readonly SessionRow[]): { readonly late: number[]; readonly fired: string[] } {
  const oracle = new OracleSessions(GAP);
  for (const [i, row] of rows.entries()) oracle.add(row, i);
  oracle.fireThrough(END);
  return { late: oracle.late, fired: oracle.fired.map(textOf).sort() };
}

test('sessions are what following row by row makes of them, in any batches and steps, through restores', async () => {
  const kernels = await newKernels(32 << 20);
  let merged = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    const isText = seed % 2 === 0;
    const rows = makeRows(random, 150, isText);
    const expected = oracleOf(rows);
    kernels.reset();
    const harness = new SessionHarness(kernels, isText, GAP);
    harness.fireRows = 1 + below(random, 7);
    harness.pause = () => {
      if (uniform(random) > 0.02) return;
      const described = structuredClone(harness.arena.describe());
      harness.arena.markAllDirty();
      harness.restore(harness.frames(), described);
    };
    for (let at = 0; at < rows.length; ) {
      const to = Math.min(rows.length, at + 1 + below(random, BATCH));
      harness.add(rows, at, to);
      // No watermark of a later row is behind that of the last one taken.
      if (uniform(random) < 0.7) harness.fireThrough(rows[to - 1]?.watermark ?? END);
      expect(harness.arena.verify(), `seed ${seed}, counts hold`).toBe(true);
      at = to;
    }
    harness.pause = () => {};
    harness.fireThrough(END);
    expect(harness.late, `seed ${seed}, late`).toEqual(expected.late);
    expect(harness.fired.map(firedText).sort(), `seed ${seed}`).toEqual(expected.fired);
    const ends = harness.fired.map(({ end }) => end);
    merged += harness.fired.filter(({ start, end }) => end - start > GAP).length;
    expect(harness.arena.rowsHeld('s')).toBe(0);
    expect(harness.arena.verify(), `seed ${seed}, counts hold`).toBe(true);
    expect(ends.length).toBe(expected.fired.length);
  }
  expect(merged).toBeGreaterThan(2000);
});
