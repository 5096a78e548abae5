import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { createServer } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findChromium } from '../support/find-chromium.mjs';
import { type PackedProject, packedProject, root, run, serve } from '../support/packed-project.ts';

let project: PackedProject;

beforeAll(async () => {
  project = await packedProject();
});

afterAll(() => project.remove());

interface Manifest {
  readonly exports: { readonly [door: string]: { readonly [condition: string]: string } };
  readonly bin: { readonly [name: string]: string };
}

const manifest: Manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const fixture = (name: string): string => readFileSync(join(root, 'test/package/fixture', name), 'utf8');
const expected = fixture('expected.ndjson').trim();

function compilerOptions(resolution: 'nodenext' | 'bundler'): string {
  return JSON.stringify({
    compilerOptions: {
      target: 'ES2022',
      module: resolution === 'nodenext' ? 'NodeNext' : 'ESNext',
      moduleResolution: resolution,
      lib: ['ES2023', 'ESNext.Disposable', 'DOM', 'DOM.Iterable'],
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      rewriteRelativeImportExtensions: true,
      rootDir: '.',
      outDir: `built-${resolution}`,
    },
    include: ['*.ts', 'page/*.ts'],
  });
}

it('packs what the doors name, and nothing that a user does not need', () => {
  const targets = [
    ...Object.values(manifest.exports).flatMap((door) => Object.values(door)),
    ...Object.values(manifest.bin),
  ];
  const packed = new Set(project.files.map((path) => `./${path}`));
  expect(targets.filter((target) => !packed.has(target))).toEqual([]);
  const strangers = project.files.filter(
    (path) =>
      !/^(package\.json|README\.md|assembly\/kernels\.d\.ts|dist\/(src|node|web)\/|dist\/kernels(-core)?\.js$)/.test(
        path,
      ),
  );
  expect(strangers).toEqual([]);
  expect(project.files.filter((path) => /\.(test|bench)\.|tsbuildinfo|fixture/.test(path))).toEqual([]);
});

it('shows in its README the jobs that this project runs', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const shown = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  expect(shown).toEqual([fixture('departures.ts'), fixture('page/departures.worker.ts'), fixture('page/page.ts')]);
});

it('puts types first behind every door, and a shebang before the command', () => {
  for (const door of Object.values(manifest.exports)) expect(Object.keys(door)[0]).toBe('types');
  for (const path of Object.values(manifest.bin))
    expect(readFileSync(join(root, path), 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
});

it.each(['nodenext', 'bundler'] as const)(
  'compiles under strict rules with %s resolution, and runs in Node',
  async (resolution) => {
    writeFileSync(join(project.folder, 'tsconfig.json'), compilerOptions(resolution));
    const compiled = await project.tool('typescript/bin/tsc', '-p', 'tsconfig.json');
    expect(compiled.text).toBe('');
    const ran = await run(process.execPath, [`built-${resolution}/job.js`], project.folder);
    expect(ran).toEqual({ code: 0, text: `${expected}\n` });
  },
);

it('runs a job file with the command of the package', async () => {
  rmSync(join(project.folder, 'out'), { recursive: true, force: true });
  const ran = await run('npx', ['--no-install', 'millrace', 'run', 'departures.ts', '--quiet'], project.folder);
  expect(ran.code, ran.text).toBe(0);
  const out = join(project.folder, 'out');
  const parts = readdirSync(out).filter((name) => name.startsWith('part-'));
  const lines = parts.flatMap((name) => readFileSync(join(out, name), 'utf8').trim().split('\n'));
  expect(lines.sort().join('\n')).toBe(expected);
});

it('opens no other door', async () => {
  const deep = await run(
    process.execPath,
    ['--input-type=module', '-e', "await import('millrace/dist/src/index.js')"],
    project.folder,
  );
  expect(deep.text).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED');
});

it('builds into a page with Vite, and the page works in Chromium', async () => {
  const built = await project.tool(
    'vite/bin/vite.js',
    'build',
    'page',
    '--outDir',
    '../built-page',
    '--logLevel',
    'warn',
  );
  expect(built.code, built.text).toBe(0);
  expect(existsSync(join(project.folder, 'built-page/index.html'))).toBe(true);
  const server = await serve(join(project.folder, 'built-page'));
  try {
    expect(await resultOf(server.url)).toBe(`${expected}\nin the page: -3, 7`);
  } finally {
    server.close();
  }
});

it('runs a job module by its URL where modules are served as they are', async () => {
  const server = await createServer({
    root: join(project.folder, 'page'),
    configFile: false,
    logLevel: 'silent',
    optimizeDeps: { noDiscovery: true, include: [] },
    server: { host: '127.0.0.1', port: 0, hmr: false, fs: { allow: [project.folder] } },
  });
  try {
    await server.listen();
    expect(await resultOf(`${server.resolvedUrls?.local[0]}unbundled.html`)).toBe('OAK 1, SFO 3');
  } finally {
    await server.close();
  }
});

/** What a page says when it is done; whatever goes wrong in it fails the test. */
async function resultOf(url: string): Promise<string | null> {
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(url);
    const body = page.locator('body[data-result]');
    await body.waitFor({ timeout: 30_000, state: 'attached' }).catch(() => problems.push('the page gave no result'));
    expect(problems).toEqual([]);
    return await body.getAttribute('data-result');
  } finally {
    await browser.close();
  }
}
