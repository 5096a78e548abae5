import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { findChromium, openBrowser } from './browser.ts';

test('the browser is the one that CHROME names, and a wrong name is an error', () => {
  expect(findChromium({ CHROME: process.execPath, PATH: '' })).toBe(process.execPath);
  expect(() => findChromium({ CHROME: '/no/such/browser' })).toThrow(
    'CHROME names /no/such/browser, which does not exist',
  );
});

test('otherwise it is the first of its names on the path', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-path-'));
  const path = join(folder, 'chromium');
  await writeFile(path, '');
  await chmod(path, 0o755);
  expect(findChromium({ PATH: folder })).toBe(path);
  await rm(folder, { recursive: true });
});

const entry = fileURLToPath(new URL('../web/fixtures/store-page.ts', import.meta.url));

test('a page is cross-origin isolated when asked for, and what it does not catch fails the call', async () => {
  await using browser = await openBrowser({ entry, isolated: true });
  expect(await browser.page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
  await browser.page.evaluate(() =>
    setTimeout(() => {
      throw new Error('nobody caught this');
    }, 0),
  );
  const next = browser.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 10)));
  await expect(next).rejects.toThrow('nobody caught this');
  await using plain = await openBrowser({ entry });
  expect(await plain.page.evaluate(() => globalThis.crossOriginIsolated)).toBe(false);
});
