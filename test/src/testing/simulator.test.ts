import { expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import { crashEverywhere, type CrashOptions, type CrashReport } from '../../../src/testing/simulator.ts';
import { toyScenario, type ToyBug } from '../../support/toy-pipeline.ts';

const RECORDS = ['a', 'b', 'a', 'c', 'a', 'b', 'b', 'c', 'a', 'a'];
const EXPECTED = '["a1", "b1", "a2", "c1", "a3", "b2", "b3", "c2", "a4", "a5"]';

const crash = (bug: ToyBug | undefined, options: CrashOptions = {}): Promise<CrashReport> =>
  crashEverywhere(toyScenario(RECORDS, bug), options);

const text = (report: CrashReport): string =>
  report.differences.map(({ seed, point, label, kind, actual }) => `seed ${seed}, point ${point} (${label}): ${kind} ${actual}`).join('\n');

test('a correct pipeline gives the undisturbed result from a crash at every point', async () => {
  const report = await crash(undefined);
  expect(text(report)).toBe('');
  expect(report.result).toBe(EXPECTED);
  expect(report.runs).toBe(report.points);
  // Acquire, list, recover and release; 5 yields; 4 checkpoints of 6 calls: 33 calls.
  expect(report.points).toBe(66);
  expect(report.processes).toBe(3 + 2 * report.runs);
});

test('so it does from power losses, whatever the interleaving, crashing again on the way', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const report = await crash(undefined, { seed, kind: 'power loss', interleave: true, furtherCrashes: 2 });
    expect(text(report)).toBe('');
    expect(report.result).toBe(EXPECTED);
    expect(report.processes).toBeGreaterThan(3 + 2 * report.runs);
  }
});

test('the same seed gives the same trace, another seed another interleaving', async () => {
  const hash = async (seed: number): Promise<string> =>
    (await crash('does not wait for the seal', { seed, interleave: true, onlyPoint: 0 })).traceHash;
  const hashes = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(hash));
  expect(await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(hash))).toEqual(hashes);
  expect(new Set(hashes).size).toBeGreaterThan(1);
});

const FOUND: readonly (readonly [ToyBug, string, CrashOptions])[] = [
  ['commits before publishing', 'violation', {}],
  ['forgets the offset', 'result', {}],
  ['forgets what to commit on recovery', 'result', {}],
  ['publishes before sealing', 'error', {}],
];

for (const [bug, kind, options] of FOUND) {
  test(`a pipeline that ${bug} is found out, by kind '${kind}', at some points and not at all of them`, async () => {
    const report = await crash(bug, options);
    expect(report.result).toBe(EXPECTED);
    expect(report.differences.map((difference) => difference.kind)).toContain(kind);
    const points = new Set(report.differences.map(({ point }) => point));
    expect(points.size).toBeGreaterThan(0);
    expect(points.size).toBeLessThan(report.points);
  });
}

test('a pipeline that does not wait for the seal is found out only when calls are reordered', async () => {
  expect(text(await crash('does not wait for the seal'))).toBe('');
  let found = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const report = await crash('does not wait for the seal', { seed, interleave: true });
    found += report.differences.length;
  }
  expect(found).toBeGreaterThan(0);
});

test('a difference is repeated alone by its seed and its point', async () => {
  const options: CrashOptions = { seed: 7, kind: 'power loss', interleave: true };
  const { differences } = await crash('forgets what to commit on recovery', options);
  const [first] = differences;
  expect(first).toBeDefined();
  if (first?.point === undefined) return;
  const alone = await crash('forgets what to commit on recovery', { ...options, onlyPoint: first.point });
  expect(alone.runs).toBe(1);
  expect(alone.differences).toEqual([first]);
});

test('shares divide the points without gap or overlap', async () => {
  const whole = await crash('forgets the offset');
  const shares = await Promise.all([0, 1, 2].map((index) => crash('forgets the offset', { share: { index, count: 3 } })));
  expect(shares.reduce((sum, { runs }) => sum + runs, 0)).toBe(whole.runs);
  const points = shares.flatMap(({ differences }) => differences.map(({ point }) => point ?? -1)).sort((a, b) => a - b);
  expect(points).toEqual(whole.differences.map(({ point }) => point));
});

test('a job that waits for nothing is stuck, one that throws is an error, and neither is crashed any further', async () => {
  const stuck = await crash('waits for ever');
  expect(stuck.differences.map(({ kind }) => kind)).toEqual(['stuck']);
  expect(stuck.runs).toBe(0);
  const failed = await crash('throws');
  expect(failed.differences[0]?.kind).toBe('error');
  expect(failed.differences[0]?.actual).toContain('a mistake in the job');
});

test('a job that is not repeatable is told so', async () => {
  const report = await crash('remembers earlier runs');
  expect(report.differences.map(({ kind }) => kind)).toEqual(['not repeatable']);
});

test('longer inputs of many shapes survive as well', async () => {
  const seed = 20260901;
  const random = seededRandom(seed);
  for (let i = 0; i < 5; i++) {
    const records = Array.from({ length: 1 + below(random, 40) }, () => 'abcdef'[below(random, 6)] ?? 'a');
    const report = await crashEverywhere(toyScenario(records), { seed: i, interleave: true, furtherCrashes: 1 });
    expect(text(report), `input ${i} of seed ${seed}: ${records.join('')}`).toBe('');
  }
});
