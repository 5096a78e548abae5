/** A job in a worker of a real Chromium: what the page hears of it, and how it ends. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser, type Served, type TestBrowser } from '../support/browser.ts';
import type { startPage as StartPage } from './fixtures/start-page.ts';

declare global {
  var startPage: typeof StartPage;
}

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** Job modules, as a server gives them. */
const JOBS: Readonly<Record<string, string>> = {
  '/counts.js': `export default async (link) => {
    link.result('counts', new TextEncoder().encode('{"n":0}\\n'));
    link.began({});
    link.progress({ rows: 1 });
    const lines = (text) => new TextEncoder().encode(text);
    link.result('counts', lines('{"n":1}\\n{"n":2}\\n'));
    link.result('counts', lines('{"n":3}\\n'));
    link.result('other', lines('not listened to'));
    return { state: link.options.state };
  };`,
  '/waits.js': `export default (link) => new Promise((resolve) => {
    link.began({ stop: (mode) => resolve({ stopped: mode }) });
  });`,
  '/stopped-twice.js': `export default (link) => new Promise((resolve) => {
    const modes = [];
    link.began({ stop: (mode) => modes.push(mode) === 2 && resolve({ modes }) });
  });`,
  '/throws-later.js': `export default async (link) => { link.began({}); throw new RangeError('later'); };`,
  '/throws.js': `export default async () => { throw new RangeError('as planned'); };`,
  '/empty.js': `export const job = 1;`,
  '/broken.js': `export default (;`,
  '/platform.js': `export default async (link, tools) => {
    const slept = await tools.sleepMs(20);
    const order = [];
    setTimeout(() => order.push('timer'), 0);
    for (let i = 0; i < 1000 && order.length === 0; i++) await tools.turn();
    const values = new Set(Array.from({ length: 50 }, tools.random));
    const areIntegers = [...values].every((value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32);
    return { hasSlept: slept >= 19, order, values: values.size, areIntegers, kernelBytes: await tools.kernelBytes() };
  };`,
};

let browser: TestBrowser;

beforeAll(async () => {
  const serve = (path: string): Served | undefined => {
    const body = JOBS[path];
    return body === undefined ? undefined : { headers: { 'Content-Type': 'text/javascript' }, body };
  };
  browser = await openBrowser({
    entry: fixture('start-page.ts'),
    workers: { worker: fixture('toy-worker.ts') },
    serve,
  });
});
afterAll(() => browser.close());

type Stop = 'suspend' | 'drain' | 'terminate';

const run = (url: string, ...stops: readonly Stop[]) =>
  browser.page.evaluate(([job, modes]) => globalThis.startPage.run(job, modes), [url, stops] as const);

test('a page hears progress and rows in order, and the summary at the end', async () => {
  expect(await run('/counts.js')).toEqual({
    heard: [{ rows: [{ n: 0 }] }, { progress: { rows: 1 } }, { rows: [{ n: 1 }, { n: 2 }] }, { rows: [{ n: 3 }] }],
    summary: { state: 'toy' },
    status: 'ended',
  });
});

test('a job is told how it is to end', async () => {
  expect((await run('/waits.js', 'suspend')).summary).toEqual({ stopped: 'suspend' });
  expect((await run('/waits.js', 'drain')).summary).toEqual({ stopped: 'drain' });
});

test('a job whose drain does not end can still be suspended', async () => {
  expect((await run('/stopped-twice.js', 'drain', 'suspend')).summary).toEqual({ modes: ['drain', 'suspend'] });
});

test('start rejects when the job cannot run, not only when there is no worker', async () => {
  expect(await browser.page.evaluate(() => globalThis.startPage.startOnly('/throws.js'))).toBe(
    'RangeError: as planned',
  );
  expect(await browser.page.evaluate(() => globalThis.startPage.startOnly('/counts.js'))).toBe('running');
});

test('a failure that nobody waits for is an unhandled rejection, one of start is not told twice', async () => {
  expect(await browser.page.evaluate(() => globalThis.startPage.unheard('/throws.js', '/throws-later.js'))).toBe(
    'RangeError: later',
  );
});

test('rows from before the first listener wait for it, also when the job has ended', async () => {
  expect(await browser.page.evaluate(() => globalThis.startPage.lateListener('/counts.js', 'counts'))).toEqual([
    { n: 0 },
    { n: 1 },
    { n: 2 },
    { n: 3 },
  ]);
});

test('a job that is terminated ends at once and says so', async () => {
  expect((await run('/waits.js', 'terminate')).failure?.name).toBe('Terminated');
});

test('an error of the job reaches the page', async () => {
  const { failure } = await run('/throws.js');
  expect([failure?.name, failure?.formatted]).toEqual(['RangeError', 'RangeError: as planned']);
});

test('a module that is missing, broken or empty is an error with a code', async () => {
  expect((await run('/missing.js')).code).toBe('E1501');
  expect((await run('/broken.js')).failure?.formatted).toContain('the job cannot be loaded');
  const empty = await run('/empty.js');
  expect(empty.failure?.formatted).toContain('it has no default export');
  expect(empty.failure?.hint).toBe('write: export default job(…)');
});

test('a worker that cannot be loaded is an error of start', async () => {
  expect(await browser.page.evaluate(() => globalThis.startPage.noWorker())).toBe('WorkerError');
});

test('clock, randomness and kernels of the browser work in a worker', async () => {
  const { summary } = await run('/platform.js');
  expect(summary).toMatchObject({ hasSlept: true, order: ['timer'], values: 50, areIntegers: true });
  expect(summary).toHaveProperty('kernelBytes', expect.any(Number));
});
