/**
 * A real Chromium with a page of ours: an entry module is bundled, served on localhost, and opened headless.
 *
 * Invariants
 *  1. The browser is one that is installed; none is downloaded. Without one it throws, and says how to get one: a test
 *     that needs a browser is never skipped.
 *  2. Each launch has its own user data folder, removed at close; pages of one launch share storage and origin.
 *  3. An error that a page does not catch is an error of the next call here.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-default-apps',
];

/** The installed browser: the one that CHROME names, otherwise the first found on the path or where systems put it. */
export function findChromium(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = env['CHROME'];
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return named;
    throw new Error(`CHROME names ${named}, which does not exist`);
  }
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), '/usr/bin'];
  const candidates = [...NAMES.flatMap((name) => folders.map((folder) => join(folder, name))), ...PLACES];
  const found = candidates.find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    'no Chromium or Chrome is installed; install one (Debian: apt-get install chromium), or set CHROME to its path',
  );
}

export interface BrowserOptions {
  /** Entry module of the page; what it puts on globalThis is what `evaluate` reaches. */
  readonly entry: string;
  /** Further modules served under their own name: /name.js. For workers. */
  readonly workers?: Readonly<Record<string, string>>;
  /** Sends the headers of cross-origin isolation, so that SharedArrayBuffer exists. */
  readonly isolated?: boolean;
  /** Answers requests for paths that are not modules. */
  readonly serve?: (
    path: string,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ) => Served | undefined;
}

export interface Served {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
  /** Sent after the body, when it is there. */
  readonly rest?: Promise<Uint8Array | string>;
  /** Breaks the connection after the body instead of ending it well. */
  readonly broken?: boolean;
}

/** Opens a browser with a page of the entry. `await using` closes it. */
export async function openBrowser(options: BrowserOptions): Promise<TestBrowser> {
  const modules = await bundle({ entry: options.entry, ...options.workers });
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const served = modulesOf(path, modules) ?? options.serve?.(path, request.headers) ?? { status: 404, body: '' };
    response.writeHead(served.status ?? 200, { ...(options.isolated === true ? ISOLATION : {}), ...served.headers });
    if (served.broken === true) response.write(served.body, () => response.destroy());
    else if (served.rest !== undefined) {
      response.write(served.body);
      void served.rest.then((rest) => response.end(rest));
    } else response.end(served.body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = await mkdtemp(join(tmpdir(), 'millrace-chromium-'));
  try {
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: findChromium(),
      headless: true,
      args: FLAGS,
    });
    const browser = new TestBrowser(server, context, profile);
    await browser.open();
    return browser;
  } catch (error) {
    server.close();
    await rm(profile, { recursive: true, force: true });
    throw error;
  }
}

const ISOLATION = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
const PAGE =
  '<!doctype html><meta charset="utf-8"><title>millrace</title><script type="module" src="/entry.js"></script>';

async function bundle(entryPoints: Readonly<Record<string, string>>): Promise<ReadonlyMap<string, string>> {
  const { outputFiles } = await build({
    entryPoints: { ...entryPoints },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    outdir: '/',
    write: false,
    logLevel: 'silent',
    sourcemap: 'inline',
    conditions: ['default'],
    absWorkingDir: ROOT,
    alias: { millrace: './src/index.ts', 'millrace/web': './web/index.ts' },
  });
  return new Map(outputFiles.map(({ path, text }) => [path, text]));
}

function modulesOf(path: string, modules: ReadonlyMap<string, string>): Served | undefined {
  if (path === '/') return { headers: { 'Content-Type': 'text/html' }, body: PAGE };
  const text = modules.get(path);
  return text === undefined ? undefined : { headers: { 'Content-Type': 'text/javascript' }, body: text };
}

export class TestBrowser {
  readonly origin: string;
  readonly #server: Server;
  readonly #context: BrowserContext;
  readonly #profile: string;

  constructor(server: Server, context: BrowserContext, profile: string) {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the server of the page does not listen');
    this.#server = server;
    this.#context = context;
    this.#profile = profile;
    this.origin = `http://localhost:${address.port}`;
  }

  /** The page opened first. */
  get page(): TestPage {
    const [page] = this.#pages;
    if (page === undefined) throw new Error('no page is open');
    return page;
  }

  readonly #pages: TestPage[] = [];

  /** A further page (tab) of the same origin and storage; its module has run. */
  async open(): Promise<TestPage> {
    const isFirst = this.#pages.length === 0;
    const page = (isFirst ? this.#context.pages()[0] : undefined) ?? (await this.#context.newPage());
    const opened = new TestPage(page, this.origin);
    this.#pages.push(opened);
    await opened.load();
    return opened;
  }

  /** The debugging protocol, for quotas, freezing and clearing. */
  devtools(page: TestPage = this.page): Promise<CDPSession> {
    return this.#context.newCDPSession(page.page);
  }

  async close(): Promise<void> {
    await this.#context.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#profile, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

export class TestPage {
  readonly page: Page;
  readonly #origin: string;
  readonly #errors: string[] = [];

  constructor(page: Page, origin: string) {
    this.page = page;
    this.#origin = origin;
    page.on('pageerror', (error) => this.#errors.push(error.stack ?? error.message));
  }

  /** Opens the page, or opens it again: its memory is gone, its storage is not. */
  async load(): Promise<void> {
    await this.page.goto(this.#origin, { waitUntil: 'load' });
    this.#requireNoErrors();
  }

  /** Runs a function in the page and hands back what it answers. It sees its argument and the page's globals only. */
  async evaluate<R, A = undefined>(action: (arg: A) => R | Promise<R>, arg?: A): Promise<R> {
    // Playwright's own type for arguments unboxes handles; ours are plain data.
    const result = await this.page.evaluate(action as (arg: unknown) => R | Promise<R>, arg);
    this.#requireNoErrors();
    return result;
  }

  async close(): Promise<void> {
    await this.page.close();
  }

  #requireNoErrors(): void {
    if (this.#errors.length > 0) throw new Error(`uncaught in the page:\n${this.#errors.splice(0).join('\n')}`);
  }
}
