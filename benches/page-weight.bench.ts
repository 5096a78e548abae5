/**
 * What a page must load for one windowed aggregate: the scripts that benches/page, as Vite builds it, asks for in Chromium until its
 * result is there (compared with one reckoned by hand), minified, each gzipped as a server would.
 *
 * Beside the figure it prints which modules weigh most, in bytes after minification and before compression.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright-core';
import { build, type Rollup } from 'vite';
import { findChromium } from '../test/support/find-chromium.mjs';
import type { Bench } from './bench.ts';

/** The bundled bench lies in dist/bench. */
const root = fileURLToPath(new URL('../..', import.meta.url));

const LINES = [
  '{"scheduled":"2001-01-01T10:05:00Z","origin":"SFO","delayMinutes":5}',
  '{"scheduled":"2001-01-01T10:45:00Z","origin":"SFO","delayMinutes":20}',
  '{"scheduled":"2001-01-01T12:15:00Z","origin":"OAK","delayMinutes":-3}',
];
const EXPECTED = [
  '{"origin":"SFO","windowStart":"2001-01-01T10:00:00.000Z","windowEnd":"2001-01-01T11:00:00.000Z","departures":2,"worst":20}',
  '{"origin":"OAK","windowStart":"2001-01-01T12:00:00.000Z","windowEnd":"2001-01-01T13:00:00.000Z","departures":1,"worst":-3}',
];

interface BuiltFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

interface BuiltPage {
  readonly files: readonly BuiltFile[];
  /** By module its rendered length, and the file that it is in. */
  readonly modules: ReadonlyMap<string, { readonly length: number; readonly file: string }>;
}

async function buildPage(): Promise<BuiltPage> {
  const alias = [
    { find: /^millrace$/, replacement: join(root, 'src/index.ts') },
    { find: /^millrace\/web$/, replacement: join(root, 'web/index.ts') },
  ];
  const built = await build({
    root: join(root, 'benches/page'),
    configFile: false,
    logLevel: 'error',
    resolve: { alias },
    build: { write: false, modulePreload: { polyfill: false } },
  });
  if (!('output' in built)) throw new Error('Vite answers one output for one page');
  return { files: built.output.map(fileOf), modules: modulesOf(built.output) };
}

const fileOf = (file: Rollup.OutputChunk | Rollup.OutputAsset): BuiltFile => ({
  name: file.fileName,
  bytes: Buffer.from(file.type === 'chunk' ? file.code : file.source),
});

function modulesOf(output: readonly (Rollup.OutputChunk | Rollup.OutputAsset)[]): BuiltPage['modules'] {
  const modules = new Map<string, { readonly length: number; readonly file: string }>();
  for (const file of output) {
    if (file.type !== 'chunk') continue;
    for (const [id, { renderedLength }] of Object.entries(file.modules)) {
      if (renderedLength > 0) modules.set(id.replace(root, ''), { length: renderedLength, file: file.fileName });
    }
  }
  return modules;
}

interface Opened {
  /** What the page shows when it is done. */
  readonly result: string;
  /** Names of the files that it asked for. */
  readonly asked: ReadonlySet<string>;
}

async function open({ files }: BuiltPage): Promise<Opened> {
  const asked = new Set<string>();
  const served = new Map(files.map(({ name, bytes }) => [`/${name}`, bytes]));
  served.set('/flights.ndjson', Buffer.from(`${LINES.join('\n')}\n`));
  const server = createServer((request, response) => {
    const path = request.url === '/' ? '/index.html' : (request.url ?? '');
    asked.add(path.slice(1));
    const type = path.endsWith('.js')
      ? 'text/javascript'
      : path.endsWith('.html')
        ? 'text/html'
        : 'application/x-ndjson';
    response.writeHead(served.has(path) ? 200 : 404, { 'Content-Type': type }).end(served.get(path));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    // A TCP server's address is an object; only pipes have names.
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const body = page.locator('body[data-result]');
    await body.waitFor({ state: 'attached', timeout: 30_000 });
    return { result: (await body.getAttribute('data-result')) ?? '', asked };
  } finally {
    await browser.close();
    server.close();
  }
}

export const bench: Bench = {
  id: 'page-weight',
  title: 'P12: what a page loads for from(...).window(...).aggregate(...), gzipped',
  targets: { kilobytes: { atMost: 100 } },
  run: async () => {
    const built = await buildPage();
    const { result, asked } = await open(built);
    if (result !== `${EXPECTED.join('\n')}\n`) throw new Error(`the page came to another result:\n${result}`);
    const scripts = built.files.filter(({ name }) => /\.(js|wasm)$/.test(name) && asked.has(name));
    const gzipped = scripts.reduce((sum, { bytes }) => sum + gzipSync(bytes, { level: 9 }).length, 0);
    const plain = scripts.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const loaded = [...built.modules].filter(([, { file }]) => asked.has(file));
    const heaviest = loaded.sort(([, a], [, b]) => b.length - a.length);
    for (const [id, { length }] of heaviest.slice(0, 12)) console.log(`${String(length).padStart(8)}  ${id}`);
    const notAsked = built.files.filter(({ name }) => !asked.has(name)).length;
    return {
      figures: { kilobytes: gzipped / 1000, kilobytesPlain: plain / 1000 },
      spread: {},
      counters: { files: scripts.length, filesNotAsked: notAsked, rows: EXPECTED.length },
    };
  },
};
