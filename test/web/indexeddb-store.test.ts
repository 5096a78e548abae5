/** The store on IndexedDB in a real Chromium: reloads, two tabs, quota, a connection that the browser takes away. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, type TestBrowser, type TestPage } from '../support/browser.ts';
import type { Outcome, storePage } from './fixtures/store-page.ts';

declare global {
  var page: typeof storePage;
}

const entry = fileURLToPath(new URL('fixtures/store-page.ts', import.meta.url));
let browser: TestBrowser;
let tests = 0;

beforeAll(async () => {
  browser = await openBrowser({ entry });
});
afterAll(() => browser.close());

const newName = (): string => `job-${tests++}`;

type Method = keyof typeof storePage;

/** Calls one function of the page. */
function call<M extends Method>(
  page: TestPage,
  method: M,
  ...args: Parameters<(typeof storePage)[M]>
): Promise<Outcome> {
  return page.evaluate(
    ([name, given]) => {
      // The pair is typed by `call`; across the border it is plain data.
      const action = globalThis.page[name] as (...args: unknown[]) => Promise<Outcome>;
      return action(...given);
    },
    [method, args] as [Method, unknown[]],
  );
}

/** Opens and acquires; answers with the number of the store in the page. */
async function owned(page: TestPage, name: string): Promise<number> {
  const opened = await call(page, 'open', name);
  expect(opened.message).toBeUndefined();
  const index = Number(opened.value);
  expect((await call(page, 'acquire', index)).message).toBeUndefined();
  return index;
}

test('what was published is there after a reload, byte for byte', async () => {
  const name = newName();
  const { page } = browser;
  const before = await owned(page, name);
  expect(await call(page, 'segment', before, 'segment-1', 1_234_567, true)).toEqual({});
  expect(await call(page, 'publish', before, 'manifest', [1, 2, 3])).toEqual({});
  await page.load();
  const after = Number((await call(page, 'open', name)).value);
  expect((await call(page, 'read', after, 'manifest')).value).toEqual([1, 2, 3]);
  expect((await call(page, 'isPattern', after, 'segment-1', 1_234_567)).value).toBe(true);
  expect((await call(page, 'detectsLoss', after)).value).toBe(true);
  expect(Number((await call(page, 'acquire', after)).value)).toBe(2);
});

test('a segment that a reload cut off leaves no byte behind', async () => {
  const name = newName();
  const { page } = browser;
  const before = await owned(page, name);
  await call(page, 'segment', before, 'half', 1_000_000, false);
  expect(Number((await call(page, 'count', `millrace:${name}`, 'chunks')).value)).toBeGreaterThan(0);
  await page.load();
  const after = await owned(page, name);
  expect((await call(page, 'list', after)).value).toEqual([]);
  expect((await call(page, 'count', `millrace:${name}`, 'chunks')).value).toBe(0);
  expect((await call(page, 'count', `millrace:${name}`, 'open')).value).toBe(0);
});

test('a tab whose state another tab took over can write nothing', async () => {
  const name = newName();
  const { page: first } = browser;
  const second = await browser.open();
  const zombie = await owned(first, name);
  await call(first, 'publish', zombie, 'manifest', [1]);
  const successor = await owned(second, name);
  const refused = await call(first, 'publish', zombie, 'manifest', [66]);
  expect(refused.code).toBe('E1404');
  expect(refused.message).toContain('epoch 2 has taken over from epoch 1');
  expect((await call(first, 'segment', zombie, 'z', 10, true)).code).toBe('E1404');
  expect((await call(first, 'remove', zombie, ['manifest'])).code).toBe('E1404');
  expect((await call(second, 'read', successor, 'manifest')).value).toEqual([1]);
  expect((await call(first, 'acquire', zombie)).value).toBe(3);
  expect((await call(second, 'publish', successor, 'manifest', [2])).code).toBe('E1404');
  await second.close();
});

test('acquire and publish ask for strict durability, segments and removals do not', async () => {
  const { page } = browser;
  await call(page, 'takeDurabilities');
  const taken = async (): Promise<unknown> => (await call(page, 'takeDurabilities')).value;
  const store = await owned(page, newName());
  expect(await taken()).toEqual(['strict']);
  await call(page, 'segment', store, 's', 300_000, true);
  // Created, one full chunk, sealed.
  expect(await taken()).toEqual(['relaxed', 'relaxed', 'relaxed']);
  await call(page, 'publish', store, 'manifest', [1]);
  expect(await taken()).toEqual(['strict']);
  await call(page, 'remove', store, ['s']);
  expect(await taken()).toEqual(['relaxed']);
});

test('a full quota is E1411, leaves the state as it was, and is over when there is room again', async () => {
  // A browser of its own: Chromium keeps what it knew of the quota while a database of the origin is open.
  await using small = await openBrowser({ entry });
  const { page } = small;
  const devtools = await small.devtools();
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: small.origin, quotaSize: 5_000_000 });
  const store = await owned(page, newName());
  await call(page, 'publish', store, 'manifest', [1]);
  const refused = await call(page, 'publishNoise', store, 'manifest', 20_000_000);
  expect([refused.code, refused.retry]).toEqual(['E1411', 'backoff']);
  expect((await call(page, 'read', store, 'manifest')).value).toEqual([1]);
  expect((await call(page, 'segmentNoise', store, 'big', 20_000_000)).code).toBe('E1411');
  expect((await call(page, 'list', store)).value).toEqual([{ name: 'manifest', bytes: 1 }]);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: small.origin });
  expect(await call(page, 'publishNoise', store, 'manifest', 20_000_000)).toEqual({});
  expect((await call(page, 'list', store)).value).toEqual([{ name: 'manifest', bytes: 20_000_000 }]);
});

test('a database deleted behind the back of its marker is missed, not begun anew, until it is forgotten', async () => {
  const name = newName();
  const { page } = browser;
  const store = await owned(page, name);
  await call(page, 'publish', store, 'manifest', [1]);
  expect((await call(page, 'deleteDatabase', `millrace:${name}`)).value).toBe('deleted');
  expect((await call(page, 'publish', store, 'manifest', [2])).code).toBe('E1412');
  await page.load();
  expect((await call(page, 'open', name)).code).toBe('E1413');
  expect(await call(page, 'forget', name)).toEqual({});
  const again = await owned(page, name);
  expect((await call(page, 'list', again)).value).toEqual([]);
});

test('a connection that the browser closes is E1412, to be opened again', async () => {
  const name = newName();
  const { page } = browser;
  const store = await owned(page, name);
  await call(page, 'publish', store, 'manifest', [1]);
  const devtools = await browser.devtools(page);
  await devtools.send('Storage.clearDataForOrigin', { origin: browser.origin, storageTypes: 'indexeddb' });
  const lost = await call(page, 'publish', store, 'manifest', [2]);
  expect([lost.code, lost.retry]).toEqual(['E1412', 'backoff']);
  expect((await call(page, 'list', store)).code).toBe('E1412');
  expect((await call(page, 'open', name)).code).toBe('E1413');
});
