/** The end of looking, while a round is under way. What rounds find is tested with followed-source.test.ts. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { expandGlobs } from '../../../node/connectors/glob.ts';
import { Lookout } from '../../../node/connectors/lookout.ts';
import { microtasks, VirtualClock } from '../../../src/testing/virtual-clock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-lookout-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a round that ends after everything was closed opens no file again', async () => {
  const path = join(folder, 'app.log');
  writeFileSync(path, 'a\n');
  const clock = new VirtualClock();
  const lookout = new Lookout(
    [path],
    { pollMs: 10, waitMs: 10, onLoss: 'fail', lines: { quoted: undefined, header: undefined } },
    { clock, watch: { start: () => ({ close: () => undefined }) } },
  );
  expect(await lookout.next()).toEqual([{ id: 'app.log' }]);
  const split = await lookout.open('app.log', undefined, 100);
  renameSync(path, join(folder, 'old'));
  writeFileSync(path, 'b\n');
  const round = lookout.next();
  await microtasks();
  clock.wakeNext();
  await microtasks();
  lookout.close();
  await split.close();
  expect(await round).toEqual([]);
  const [file] = await expandGlobs([path]);
  expect(file !== undefined && split.has(file)).toBe(false);
});
