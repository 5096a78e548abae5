/**
 * npm run prove [-- --long] [files or filters]: the heavy suites, time-boxed. The box is generous; what does not end in it
 * is stopped and fails.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MINUTES_MAX = 15;
const root = fileURLToPath(new URL('../..', import.meta.url));
const given = process.argv.slice(2);
const long = given.includes('--long');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');

const child = spawn(
  process.execPath,
  [vitest, 'run', '--config', 'test/vitest.prove.config.ts', ...given.filter((word) => word !== '--long')],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, MILLRACE_PROVE: long ? 'long' : 'box' },
  },
);
const box = setTimeout(() => {
  console.error(`prove: stopped after ${MINUTES_MAX} minutes`);
  child.kill('SIGKILL');
}, MINUTES_MAX * 60_000);
if (long) clearTimeout(box);
child.on('exit', (code) => {
  clearTimeout(box);
  process.exitCode = code ?? 1;
});
