/** Bundles run.ts and every *.bench.ts into dist/bench, from the sources, and runs it with the words given. */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..');
const out = join(root, 'dist', 'bench');
const benches = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.bench.ts'));

rmSync(out, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['run.ts', 'side-process.ts', ...benches].map((name) => join('benches', name)),
  outbase: 'benches',
  outdir: out,
  bundle: true,
  splitting: true,
  chunkNames: 'parts/[name]-[hash]',
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  logLevel: 'warning',
  packages: 'external',
  alias: {
    millrace: './src/index.ts',
    'millrace/node': './node/index.ts',
    'millrace/web': './web/index.ts',
    'millrace/testing': './src/testing/index.ts',
  },
});
const options = { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] };
const args = ['--enable-source-maps', '--expose-gc', join(out, 'run.js'), ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, options).status ?? 1;
