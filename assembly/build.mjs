/**
 * Compiles the kernels: dist/kernels.wasm (release) and dist/kernels.js (the same, deflated, as base64: a third less
 * for a page to load than base64 alone, also when the server compresses).
 * With --debug: assertions on and unchecked() checked, for tests that hunt memory errors. Does nothing when the
 * output is newer than every source.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');
const wasm = join(root, 'dist', 'kernels.wasm');
const script = join(root, 'dist', 'kernels.js');
const debug = process.argv.includes('--debug');

const flags = [
  join('assembly', 'index.ts'),
  '--outFile',
  wasm,
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

if (debug || process.argv.includes('--force') || stamp(script) < newestSource()) {
  mkdirSync(dirname(wasm), { recursive: true });
  execFileSync(process.execPath, [join(root, 'node_modules', 'assemblyscript', 'bin', 'asc.js'), ...flags], {
    cwd: root,
    stdio: 'inherit',
  });
  const bytes = readFileSync(wasm);
  writeFileSync(script, `export const kernelsBase64 = '${deflateRawSync(bytes, { level: 9 }).toString('base64')}';\n`);
  console.log(`kernels: ${bytes.length} bytes`);
}
