import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Driver, Outcome } from './case.ts';
import { DRIVERS } from './drivers.ts';
import { INSIDE_FLINK } from './inside-flink.ts';
import { main } from './main.ts';

let folder = '';
const outcomes = new Map<string, Outcome>();
const driver: Driver = async ({ id }) =>
  outcomes.get(id) ?? { result: 'unsupported', reason: 'nothing is known of it' };
const failed: Outcome = { result: 'fail', step: 0, expected: 1, got: 2 };
const printed: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-conformance-'));
  mkdirSync(join(folder, 'test', 'conformance'), { recursive: true });
  writeFileSync(join(folder, 'test', 'conformance', 'passing.txt'), 'elsewhere\n');
  const one = (id: string) => ({ id, kind: 'toy', operator: {}, steps: [] });
  writeFileSync(join(folder, 'cases.json'), JSON.stringify([one('a'), one('b'), { id: 'c', sql: [] }]));
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void printed.push(line));
  printed.length = 0;
  outcomes.clear();
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const run = (...words: string[]): Promise<number> => main(folder, [folder, ...words], { ...DRIVERS, toy: driver });
const passing = (): string => readFileSync(join(folder, 'test', 'conformance', 'passing.txt'), 'utf8');

it('adds what passes to the list, which only grows', async () => {
  outcomes.set('b', { result: 'pass' });
  expect(await run('--update')).toBe(0);
  expect(passing()).toBe('b\nelsewhere\n');
  outcomes.set('a', { result: 'pass' }).set('b', failed);
  expect(await run('--update')).toBe(1);
  expect(passing()).toBe('a\nb\nelsewhere\n');
});

it('fails when a listed case does anything else than pass, and for other failures only when told to be strict', async () => {
  outcomes.set('a', failed).set('b', { result: 'pass' });
  expect(await run('--update')).toBe(0);
  expect(await run('--strict')).toBe(1);
  outcomes.delete('b');
  expect(await run()).toBe(1);
  expect(printed.at(-1)).toBe('no longer passes: b');
});

it('answers with an array of outcomes when asked for JSON', async () => {
  outcomes.set('a', failed);
  await run('--json');
  expect(JSON.parse(printed.join('\n'))).toEqual([
    { id: 'a', kind: 'toy', ...failed },
    { id: 'b', kind: 'toy', result: 'unsupported', reason: 'nothing is known of it' },
    { id: 'cases/c', kind: 'sql', result: 'unsupported', reason: 'the kind sql' },
  ]);
});

it('gives a reason for each case that is not run', () => {
  for (const reason of Object.values(INSIDE_FLINK)) expect(reason.length).toBeGreaterThan(20);
});
