/** Which file of a part of dead letters is read: the repaired one, if there is one. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LetterFiles } from '../../node/letter-files.ts';

const PART = 'part-0000000000';
let state: string;
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'millrace-letters-'));
  mkdirSync(join(state, 'dead-letters/repaired'), { recursive: true });
  writeFileSync(join(state, `dead-letters/${PART}.ndjson`), letter('original'));
});
afterEach(() => rmSync(state, { recursive: true, force: true }));

const letter = (record: string): string => `${JSON.stringify({ operator: 's', split: 'f', reason: 'bad', record })}\n`;
const repaired = (): string => join(state, `dead-letters/repaired/${PART}.ndjson`);
const records = async (): Promise<readonly string[]> =>
  (await new LetterFiles(state).read(PART)).map(({ record }) => record);

test('what was put right is read in the place of the original', async () => {
  expect(await records()).toEqual(['original']);
  writeFileSync(repaired(), letter('repaired'));
  expect(await records()).toEqual(['repaired']);
});

test('what was put right and cannot be read is an error: the original is not fed back in its place', async () => {
  mkdirSync(repaired());
  await expect(records()).rejects.toMatchObject({ code: 'E1501' });
  await expect(records()).rejects.toThrow('repaired');
});

test('a state folder without letters has none', async () => {
  rmSync(join(state, 'dead-letters'), { recursive: true });
  expect(await new LetterFiles(state).parts()).toEqual([]);
});
