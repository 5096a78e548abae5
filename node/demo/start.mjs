/**
 * npm start: builds what is not built, writes the flights, runs the main job through the command line like any other job, and
 * prints what came out.
 *
 *   npm start                       from the first flight, with an empty output folder
 *   npm start -- --continue         continues the state that is there, after Ctrl-C or a kill
 *   npm start -- --slowly           with pauses, so that there is time to kill it by hand; also together with --continue
 *
 * Not here: the job (departures.ts), its data (make-flights.mjs).
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFlights } from './make-flights.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
process.chdir(root);

const STATE = join('.millrace', 'departures');
const RESULTS = join('out', 'departures');
const LATE = join('out', 'late');
const OPTIONS = ['--continue', '--slowly'];
const SLOWLY = ['--throttle', '100 ms', '--batch-rows', '4', '--checkpoint-every', '500 ms'];
const TOP = 10;

/** Newest time of change of any file under a folder. */
function newest(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((time, entry) => {
    const path = join(folder, entry.name);
    return Math.max(time, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }, 0);
}

/** The compiler leaves files alone that would not change, so the time of the build is that of its record. */
function isBuilt() {
  const [made, kernels] = [join('dist', 'node', 'cli', 'main.js'), join('dist', 'kernels.js')];
  if (!existsSync(made) || !existsSync(kernels)) return false;
  const records = readdirSync('dist', { recursive: true }).filter((name) => String(name).endsWith('.tsbuildinfo'));
  const built = Math.max(
    ...[made, ...records.map((name) => join('dist', String(name)))].map((path) => statSync(path).mtimeMs),
  );
  return statSync(kernels).mtimeMs >= newest('assembly') && built >= Math.max(newest('src'), newest('node'));
}

function mustRun(command, args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', shell: process.platform === 'win32' });
  if (status !== 0) process.exit(status ?? 1);
}

/** Runs the job as `millrace run` does. Answers its exit code; undefined when it was killed. */
function runJob(slowly) {
  return new Promise((done) => {
    // Ctrl-C reaches the job as well, which ends by itself.
    process.on('SIGINT', () => undefined);
    const args = [
      join('dist', 'node', 'cli', 'main.js'),
      'run',
      join('node', 'demo', 'departures.ts'),
      ...(slowly ? SLOWLY : []),
    ];
    const child = spawn(process.execPath, args, { stdio: 'inherit' });
    if (slowly) console.log(`Kill it from another terminal: kill -9 ${child.pid}\n`);
    child.on('close', (code) => done(code ?? undefined));
  });
}

const rowsIn = (folder) =>
  readdirSync(folder)
    .filter((name) => name.startsWith('part-'))
    .sort()
    .flatMap((name) => readFileSync(join(folder, name), 'utf8').trimEnd().split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

/** Lines of cells under their titles; numbers to the right. */
function table(titles, rows) {
  const cells = [titles, ...rows.map((row) => row.map(String))];
  const widths = titles.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  const isNumber = titles.map((_, i) => rows.every((row) => typeof row[i] === 'number'));
  const line = (texts) =>
    texts
      .map((text, i) => (isNumber[i] ? text.padStart(widths[i]) : text.padEnd(widths[i])))
      .join('  ')
      .trimEnd();
  return cells.map((texts) => `  ${line(texts)}`).join('\n');
}

const hourOf = (instant) => instant.slice(0, 16).replace('T', ' ');

function summary() {
  const rows = rowsIn(RESULTS);
  const late = rowsIn(LATE);
  const busiest = [...rows].sort((a, b) => b.departures - a.departures || (a.windowStart < b.windowStart ? -1 : 1));
  const counted = rows.reduce((sum, row) => sum + row.departures, 0);
  console.log(`\nThe busiest of ${rows.length.toLocaleString('en-US')} airport hours:\n`);
  console.log(
    table(
      ['airport', 'hour', 'departures', 'worst delay', 'mean delay'],
      busiest
        .slice(0, TOP)
        .map((row) => [row.origin, hourOf(row.windowStart), row.departures, row.worst, Math.round(row.mean * 10) / 10]),
    ),
  );
  console.log(
    `\n${counted.toLocaleString('en-US')} flights counted once each; ${late.length} left more than an hour late and found their hour closed.`,
  );
  console.log(
    `\n  results       ${RESULTS}\n  late flights  ${LATE}\n  state         ${STATE}    npx millrace inspect ${STATE}`,
  );
}

const HOW_TO_KILL = `
See it survive a kill: npm start -- --slowly prints the command that kills it; npm start -- --continue then goes on from
the last checkpoint, and the table is the same.`;

const given = process.argv.slice(2);
const unknown = given.filter((word) => !OPTIONS.includes(word));
if (unknown.length > 0) {
  console.error(`npm start has no option ${unknown.join(', ')}; it has ${OPTIONS.join(' and ')}`);
  process.exit(2);
}
if (!isBuilt()) mustRun('npm', ['run', 'build', '--silent']);
const flights = join('.millrace', 'flights');
console.log(`${writeFlights(flights).toLocaleString('en-US')} flights in ${flights}`);
if (!given.includes('--continue'))
  for (const folder of [STATE, RESULTS, LATE]) rmSync(folder, { recursive: true, force: true });
const code = await runJob(given.includes('--slowly'));
if (code === 0) {
  summary();
  if (!given.includes('--continue')) console.log(HOW_TO_KILL);
} else if (code === undefined) {
  console.log(
    '\nIt was killed. What was committed stands; go on from the last checkpoint with: npm start -- --continue',
  );
}
process.exitCode = code ?? 1;
