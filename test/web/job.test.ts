/** The same job in Node and in a worker of a real Chromium: reloads, damage, two tabs, no room. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ndjsonFiles, ndjsonSink, run } from 'millrace/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import { openBrowser, type Served, type TestBrowser, type TestPage } from '../support/browser.ts';
import { departures, Flight } from './fixtures/departures.ts';
import type { jobPage as JobPage, Texts } from './fixtures/job-page.ts';

declare global {
  var jobPage: typeof JobPage;
}

const SEED = 20_010_103;
const ROWS = 6000;
const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** Lines of one split: out of order, one in a hundred hours behind, some that are no flights. */
function flightLines(seed: number): string {
  const random = seededRandom(seed);
  const begin = Date.UTC(2001, 0, 1);
  const lines = Array.from({ length: ROWS }, (_, i) => {
    const behind = below(random, 100) === 0 ? 5 * 3_600_000 : below(random, 20 * 60_000);
    const at = new Date(begin + i * 10_000 - behind).toISOString();
    const origin = `AP${below(random, 40)}`;
    if (below(random, 500) === 0) return `{"scheduled":"${at}","origin":${i}`;
    return JSON.stringify({ scheduled: at, origin, destination: 'é', delayMinutes: below(random, 300) - 20 });
  });
  return `${lines.join('\n')}\n`;
}

const files: ReadonlyMap<string, Buffer> = new Map(
  ['a', 'b', 'c'].map((name, i) => [`${name}.ndjson`, Buffer.from(flightLines(SEED + i))]),
);

/** While it is set, of the last file only the first half is served. */
let isHeld = false;
const neverSent = new Promise<never>(() => undefined);

function serve(path: string, headers: Readonly<Record<string, string | string[] | undefined>>): Served | undefined {
  const bytes = files.get(path.replace('/flights/', ''));
  if (bytes === undefined) return undefined;
  const from = Number(/^bytes=(\d+)-$/.exec(String(headers['range']))?.[1] ?? 0);
  const partial = from > 0 ? { status: 206, range: `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : undefined;
  const isHalf = isHeld && path.endsWith('/c.ndjson');
  return {
    ...(partial === undefined ? {} : { status: partial.status }),
    headers: { ETag: '"1"', ...(partial === undefined ? {} : { 'Content-Range': partial.range }) },
    body: bytes.subarray(from, isHalf ? Math.max(from, bytes.length >> 1) : bytes.length),
    ...(isHalf ? { rest: neverSent } : {}),
  };
}

let browser: TestBrowser;
let expected: Texts;

async function partsIn(folder: string): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.startsWith('part-')).sort();
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('');
}

/** What the job comes to in Node, undisturbed. */
async function runInNode(): Promise<Texts> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-web-job-'));
  await mkdir(join(folder, 'flights'));
  for (const [name, bytes] of files) await writeFile(join(folder, 'flights', name), bytes);
  const source = ndjsonFiles(join(folder, 'flights', '*.ndjson'), Flight);
  const job = departures(source, ndjsonSink(join(folder, 'out')), ndjsonSink(join(folder, 'late')));
  const running = await run(job, { state: join(folder, 'state'), handleSignals: false });
  expect(await running.done).toBe('finished');
  const texts = {
    results: await partsIn(join(folder, 'out')),
    late: await partsIn(join(folder, 'late')),
    deadLetters: await partsIn(join(folder, 'state', 'dead-letters')),
  };
  await rm(folder, { recursive: true });
  return texts;
}

beforeAll(async () => {
  const workers = { 'job-worker': fixture('job-worker.ts'), 'rows-worker': fixture('rows-worker.ts') };
  browser = await openBrowser({ entry: fixture('job-page.ts'), workers, serve });
  expected = await runInNode();
  for (const text of Object.values(expected)) expect(text, `seed ${SEED}`).not.toBe('');
});
afterAll(() => browser.close());

const start = (page: TestPage, name: string) => page.evaluate((job) => globalThis.jobPage.start(job), name);
const done = (page: TestPage, name: string) => page.evaluate((job) => globalThis.jobPage.done(job), name);
const texts = (page: TestPage, name: string) => page.evaluate((job) => globalThis.jobPage.texts(job), name);

/** Starts the job and leaves it waiting in the middle, with checkpoints made and rows committed. */
async function startHalf(page: TestPage, name: string, checkpoints = 2): Promise<Texts> {
  isHeld = true;
  expect(await start(page, name)).toEqual({ summary: 'running' });
  const half = await page.evaluate(([job, count]) => globalThis.jobPage.untilCommitted(job, count), [
    name,
    checkpoints,
  ] as const);
  isHeld = false;
  expect(expected.results.startsWith(half.results), `seed ${SEED}`).toBe(true);
  expect(half.results.length).toBeLessThan(expected.results.length);
  return half;
}

async function finish(page: TestPage, name: string): Promise<unknown> {
  expect(await start(page, name)).toEqual({ summary: 'running' });
  const { summary, message } = await done(page, name);
  expect(message).toBeUndefined();
  expect(await texts(page, name), `seed ${SEED}`).toEqual(expected);
  return summary;
}

test('a page asks a job in a worker what the handle of a job answers in its own thread', async () => {
  await startHalf(browser.page, 'asked');
  const window = { key: { origin: 'AP7' }, start: '2001-01-01T08:00Z' };
  const answers = await browser.page.evaluate((of) => globalThis.jobPage.ask('asked', of), window);
  expect(answers.explanation.text).toMatch(
    /^not fired: .* origin AP7 holds .* is held by source 'flights', split '[abc]\.ndjson'/,
  );
  expect(answers.heaviest).toHaveLength(3);
  expect(answers.ledger?.in).toBeGreaterThan(1000);
  expect(answers.ledger?.held).toBeGreaterThan(0);
  expect(answers.splits).toBe(3);
  expect(answers.progress.recordsIn).toBeGreaterThan(1000);
  expect(answers.deadLetters).toBeGreaterThan(0);
  expect(answers.alerts).toEqual([]);
  expect(answers.lag).toContain('sinks');
  expect([answers.noState.code, answers.noRows.code]).toEqual(['E1335', 'E1335']);
  const late = await browser.page.evaluate(() => globalThis.jobPage.askTooLate('asked'));
  expect(late.map(({ message }) => message)).toEqual(['JobEnded: the job has ended', 'JobEnded: the job has ended']);
});

test('a job in a worker writes what it writes in Node, and counts the same', async () => {
  const summary = await finish(browser.page, 'undisturbed');
  const lines = (text: string): number => text.split('\n').length - 1;
  expect(summary).toMatchObject({
    status: 'finished',
    recordsIn: 3 * ROWS,
    late: lines(expected.late),
    deadLetters: lines(expected.deadLetters),
    restoredFrom: null,
  });
});

test('a page that is reloaded in the middle goes on from its checkpoint and ends with the same rows', async () => {
  const { page } = browser;
  await startHalf(page, 'reloaded');
  await page.load();
  const summary = await finish(page, 'reloaded');
  expect(summary).toMatchObject({ status: 'finished', recordsIn: 3 * ROWS });
  // Checkpoint 0 is an empty start; two were complete before the reload.
  expect(summary).toHaveProperty(
    'restoredFrom',
    expect.toSatisfy((checkpoint) => checkpoint >= 2),
  );
});

test('a job that is suspended goes on when it is started again', async () => {
  const { page } = browser;
  await startHalf(page, 'suspended');
  const { summary } = await page.evaluate((job) => globalThis.jobPage.suspend(job), 'suspended');
  expect(summary).toMatchObject({ status: 'suspended' });
  await finish(page, 'suspended');
});

test('whoever follows the results is told each row once, before and after it began to follow', async () => {
  const { page } = browser;
  await startHalf(page, 'followed');
  const rows = expected.results.split('\n').length - 1;
  const following = page.evaluate((count) => globalThis.jobPage.follow('followed', count), rows);
  await page.evaluate(() => globalThis.jobPage.suspend('followed'));
  await finish(page, 'followed');
  const told = await following;
  expect(told.rows).toBe(rows);
  expect(told.begins.indexOf(true)).toBe(0);
  expect(told.begins.lastIndexOf(true)).toBe(0);
});

test('a worker gives its page rows as they come; without a worker that is a mistake', async () => {
  const { told, end } = await browser.page.evaluate(() => globalThis.jobPage.rowsOfWorker());
  expect(told).toEqual([
    { n: 1, text: 'é' },
    { n: 2, text: '"' },
  ]);
  expect(end.summary).toMatchObject({ status: 'finished', recordsIn: 2 });
  expect((await browser.page.evaluate(() => globalThis.jobPage.rowsHere())).code).toBe('E1006');
});

test('state that the browser has lost is missed, not begun anew', async () => {
  const { page } = browser;
  await startHalf(page, 'lost');
  await page.load();
  await page.evaluate(() => globalThis.jobPage.deleteDatabase('millrace:lost'));
  const { code, message } = await start(page, 'lost');
  expect(code).toBe('E1413');
  expect(message).toContain('the browser has deleted the database');
});

test('results that the browser has lost fail the job, which would otherwise go on behind them', async () => {
  const { page } = browser;
  await startHalf(page, 'lost-results');
  await page.load();
  await page.evaluate(() => globalThis.jobPage.deleteDatabase('millrace-results:lost-results'));
  expect((await start(page, 'lost-results')).code).toBe('E1505');
});

test('a damaged checkpoint is passed over for the one before it, and no row comes twice', async () => {
  const { page } = browser;
  await startHalf(page, 'damaged', 3);
  await page.load();
  expect(await page.evaluate(() => globalThis.jobPage.damage('damaged', 1))).toHaveLength(1);
  await finish(page, 'damaged');
});

test('a state without a whole checkpoint is an error that says so', async () => {
  const { page } = browser;
  await startHalf(page, 'broken', 3);
  await page.load();
  await page.evaluate(() => globalThis.jobPage.damage('broken', 9));
  const { code, message } = await start(page, 'broken');
  expect(code).toBe('E1401');
  expect(message).toContain('no checkpoint in it is whole');
});

test('of two tabs with one state the later goes on, and the earlier fails without another row', async () => {
  const { page: first } = browser;
  await startHalf(first, 'two-tabs');
  const second = await browser.open();
  await finish(second, 'two-tabs');
  expect((await done(first, 'two-tabs')).code).toBe('E1404');
  expect(await texts(first, 'two-tabs')).toEqual(expected);
  await second.close();
});

test('wherever the browser finds no room, the job fails with E1411 and goes on from its last checkpoint', async () => {
  const { page } = browser;
  const runHere = (name: string, failAt: number) =>
    page.evaluate(([job, at]) => globalThis.jobPage.runHere(job, 6000, at), [name, failAt] as const);
  expect(await runHere('room', 0)).toEqual({ summary: 'finished' });
  const whole = await texts(page, 'room');
  expect(whole.results).not.toBe('');
  let failures = 0;
  for (let failAt = 1; failAt <= 40; failAt++) {
    const name = `no-room-${failAt}`;
    const end = await runHere(name, failAt);
    if (end.summary === 'finished') break;
    expect([failAt, end.code]).toEqual([failAt, 'E1411']);
    failures++;
    expect([failAt, await runHere(name, 0)]).toEqual([failAt, { summary: 'finished' }]);
    expect([failAt, await texts(page, name)]).toEqual([failAt, whole]);
  }
  expect(failures).toBeGreaterThan(20);
});
