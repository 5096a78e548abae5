/**
 * npm run bench                       all benches, a table, and benches/baseline.json kept
 * npm run bench -- <id> [--short]     one bench; its last line is its result as JSON
 * npm run bench -- --list             what there is
 *
 * Bundled by bundle.mjs together with every bench, so it finds them beside itself. Each bench runs in a process of its own,
 * so that none meets code that another has warmed up.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Bench, type BenchResult, lastLine, runChecked } from './bench.ts';
import { type Baseline, keep, type Outcome, table } from './report.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const baselinePath = join(here, '..', '..', 'benches', 'baseline.json');

/** A bench that takes longer hangs: none is made for more than five minutes on a busy machine. */
const BENCH_MS_MAX = 15 * 60_000;

const machineLine = (): string =>
  `${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`;

const loadNow = (): number => Math.round((loadavg()[1] ?? 0) * 10) / 10;

async function findBenches(): Promise<Bench[]> {
  const names = readdirSync(here, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.bench.js'));
  const benches: Bench[] = [];
  for (const name of names.sort()) {
    const module: { bench?: Bench } = await import(pathToFileURL(join(here, name)).href);
    if (module.bench === undefined) throw new Error(`${name} exports no 'bench'`);
    if (benches.some(({ id }) => id === module.bench?.id)) throw new Error(`two benches are called ${module.bench.id}`);
    benches.push(module.bench);
  }
  return benches;
}

function readBaseline(): Baseline {
  return JSON.parse(readFileSync(baselinePath, 'utf8'));
}

/** Whoever limits the time of a bench is told that it has no result, and not only that it ended. */
function tellWhenStopped(id: string): void {
  const began = performance.now();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      const seconds = Math.round((performance.now() - began) / 1000);
      console.error(`${id} has no result: it was stopped by ${signal} after ${seconds} s`);
      process.exit(1);
    });
  }
}

async function runOne(bench: Bench, short: boolean): Promise<void> {
  tellWhenStopped(bench.id);
  console.log(`${bench.id}: ${bench.title}`);
  const result = await runChecked(bench, { short });
  console.log(table([{ bench, result }], readBaseline(), machineLine()));
  console.log(lastLine(bench, result));
}

function runAll(benches: readonly Bench[], short: boolean): void {
  const outcomes: Outcome[] = [];
  const failed: string[] = [];
  for (const bench of benches) {
    const args = [...process.execArgv, join(here, 'run.js'), bench.id, ...(short ? ['--short'] : [])];
    try {
      const printed = execFileSync(process.execPath, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit'],
        timeout: BENCH_MS_MAX,
      });
      const result: BenchResult = JSON.parse(printed.trimEnd().split('\n').at(-1) ?? '');
      outcomes.push({ bench, result });
      console.log(table([{ bench, result }], readBaseline(), machineLine()));
    } catch (error) {
      failed.push(bench.id);
      console.error(`${bench.id} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  console.log(`\n${table(outcomes, readBaseline(), machineLine())}`);
  if (!short)
    writeFileSync(
      baselinePath,
      `${JSON.stringify(keep(readBaseline(), outcomes, machineLine(), loadNow()), null, 2)}\n`,
    );
  if (failed.length > 0) {
    console.error(`failed: ${failed.join(', ')}`);
    process.exitCode = 1;
  }
}

const words = process.argv.slice(2);
const ids = words.filter((word) => !word.startsWith('--'));
const short = words.includes('--short');
const benches = await findBenches();
if (words.includes('--list')) {
  for (const { id, title } of benches) console.log(`${id.padEnd(24)} ${title}`);
} else if (ids.length === 0) {
  runAll(benches, short);
} else {
  for (const id of ids) {
    const bench = benches.find((one) => one.id === id);
    if (bench === undefined)
      throw new Error(`no bench is called '${id}'; there are: ${benches.map((one) => one.id).join(', ')}`);
    await runOne(bench, short);
  }
}
