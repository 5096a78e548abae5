/**
 * Compiles the kernels, in two editions: dist/kernels.js is the whole, dist/kernels-core.js what a page loads when its job needs no
 * more (edition.ts). Each is deflated, as base64: a third less for a page to load than base64 alone, also when the server
 * compresses. Beside them dist/kernels.wasm, for tests.
 * With --debug: assertions on and unchecked() checked, for tests that hunt memory errors. Does nothing when the output is newer
 * than every source.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');
const dist = join(root, 'dist');
const debug = process.argv.includes('--debug');

const flags = [
  '--runtime',
  'stub',
  '--importMemory',
  '--noExportMemory',
  '--initialMemory',
  '16',
  '--enable',
  'simd',
  '--zeroFilledMemory',
  '--sourceMap',
  ...(debug ? ['--debug'] : ['-O3', '--noAssert', '--uncheckedBehavior', 'always', '--converge']),
];

const EDITIONS = [
  { name: 'kernels', entry: 'index.ts', flags: [] },
  // The alias of a constant that exists: all that edition.ts asks is whether there is one.
  { name: 'kernels-core', entry: 'index-core.ts', flags: ['--use', 'KERNELS_CORE=ASC_NO_ASSERT'] },
];

const stamp = (file) => {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return 0;
  }
};
const newestSource = () =>
  Math.max(
    ...readdirSync(here, { recursive: true })
      .filter((name) => /\.(ts|mjs)$/.test(name))
      .map((name) => stamp(join(here, name))),
  );

function build({ name, entry, flags: own }) {
  const wasm = join(dist, `${name}.wasm`);
  const args = [join('assembly', entry), '--outFile', wasm, ...flags, ...own];
  execFileSync(process.execPath, [join(root, 'node_modules', 'assemblyscript', 'bin', 'asc.js'), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  const bytes = readFileSync(wasm);
  const text = deflateRawSync(bytes, { level: 9, memLevel: 9 }).toString('base64');
  writeFileSync(join(dist, `${name}.js`), `export const kernelsBase64 = '${text}';\n`);
  console.log(`${name}: ${bytes.length} bytes`);
}

const newest = newestSource();
const isForced = debug || process.argv.includes('--force');
mkdirSync(dist, { recursive: true });
for (const edition of EDITIONS) {
  if (isForced || stamp(join(dist, `${edition.name}.js`)) < newest) build(edition);
}
