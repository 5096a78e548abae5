/**
 * npm run conformance -- <folder> [--json] [--each] [--update] [--strict] [--only <text>]
 *
 * Runs every case of the folder through the driver of its kind and prints, for each kind, what passed, failed and is not
 * supported. `--each`: a line for each case as well. `--json`: an array of outcomes instead. `--only`: cases whose kind is the text or whose id contains it.
 *
 * Invariants
 *  1. Once a case has passed it must go on passing: ids in passing.txt that do anything else fail the run. `--update`
 *     adds those that pass; nothing is taken out.
 *  2. Other failures do not fail the run, unless `--strict` says so; what is not supported never does.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ConformanceCase, type Outcome, readCases, Unsupported } from './case.ts';
import { DRIVERS } from './drivers.ts';
import { INSIDE_FLINK } from './inside-flink.ts';

interface Done {
  readonly id: string;
  readonly kind: string;
  readonly outcome: Outcome;
}

type Drivers = typeof DRIVERS;

const SHOWN_MAX = 600;

async function outcomeOf(one: ConformanceCase, drivers: Drivers): Promise<Outcome> {
  const inside = INSIDE_FLINK[one.id];
  if (inside !== undefined) return { result: 'inside-flink', reason: inside };
  const driver = Object.hasOwn(drivers, one.kind) ? drivers[one.kind] : undefined;
  if (driver === undefined) return { result: 'unsupported', reason: `the kind ${one.kind}` };
  try {
    return await driver(one);
  } catch (error) {
    if (error instanceof Unsupported) return { result: 'unsupported', reason: error.message };
    const got = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { result: 'fail', step: -1, expected: 'no error', got };
  }
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
}

function describe({ id, outcome }: Done): string {
  if (outcome.result === 'pass') return `  pass ${id}`;
  if (outcome.result !== 'fail') return `  ${outcome.result} ${id}: ${outcome.reason}`;
  const at = outcome.step < 0 ? '' : ` at step ${outcome.step}`;
  return `  FAIL ${id}${at}\n    expected ${shown(outcome.expected)}\n    got      ${shown(outcome.got)}`;
}

function report(done: readonly Done[], each: boolean): void {
  if (each) for (const one of done) console.log(describe(one));
  const kinds = [...new Set(done.map(({ kind }) => kind))].sort();
  const counts = (list: readonly Done[]): string =>
    (['pass', 'fail', 'unsupported', 'inside-flink'] as const)
      .map((result) => String(list.filter(({ outcome }) => outcome.result === result).length).padStart(8))
      .join('');
  console.log(`${'kind'.padEnd(22)}  passed  failed unsupp. inside Flink`);
  for (const kind of kinds) console.log(kind.padEnd(22) + counts(done.filter((one) => one.kind === kind)));
  console.log('all'.padEnd(22) + counts(done));
  if (!each) for (const one of done) if (one.outcome.result === 'fail') console.log(describe(one));
  reasons(done, 'unsupported');
  reasons(done, 'inside-flink');
}

/** What is not run, by reason. */
function reasons(done: readonly Done[], result: 'unsupported' | 'inside-flink'): void {
  const byReason = new Map<string, number>();
  for (const { outcome } of done) {
    if (outcome.result === result) byReason.set(outcome.reason, (byReason.get(outcome.reason) ?? 0) + 1);
  }
  for (const [reason, count] of byReason) console.log(`  ${result} ${count}: ${reason}`);
}

/** Updates or checks the list of what passes; answers the ids that have left it. */
function ratchet(done: readonly Done[], path: string, update: boolean): readonly string[] {
  const listed = new Set(
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== ''),
  );
  const passed = done.filter(({ outcome }) => outcome.result === 'pass').map(({ id }) => id);
  if (update)
    writeFileSync(
      path,
      [...new Set([...listed, ...passed])]
        .sort()
        .map((id) => `${id}\n`)
        .join(''),
    );
  const lost = done.filter(({ id, outcome }) => listed.has(id) && outcome.result !== 'pass');
  return lost.map(({ id }) => id);
}

function chosen(cases: readonly ConformanceCase[], only: string | undefined): readonly ConformanceCase[] {
  return only === undefined ? cases : cases.filter(({ id, kind }) => kind === only || id.includes(only));
}

/** `root`: the project's folder; `words`: the command line. Answers the exit code. */
export async function main(root: string, words: readonly string[], drivers: Drivers = DRIVERS): Promise<number> {
  const only = words.includes('--only') ? words[words.indexOf('--only') + 1] : undefined;
  const folder = words.find((word) => !word.startsWith('--') && word !== only);
  if (folder === undefined) {
    console.error(
      'npm run conformance -- <folder> [--json] [--each] [--update] [--strict] [--only <kind or part of an id>]',
    );
    return 2;
  }
  const done: Done[] = [];
  for (const one of chosen(readCases(resolve(process.env['INIT_CWD'] ?? '.', folder)), only)) {
    done.push({ id: one.id, kind: one.kind, outcome: await outcomeOf(one, drivers) });
  }
  if (words.includes('--json'))
    console.log(JSON.stringify(done.map(({ id, kind, outcome }) => ({ id, kind, ...outcome }))));
  else report(done, words.includes('--each'));
  const lost = ratchet(done, join(root, 'test', 'conformance', 'passing.txt'), words.includes('--update'));
  for (const id of lost) console.error(`no longer passes: ${id}`);
  const failed = done.some(({ outcome }) => outcome.result === 'fail');
  return lost.length > 0 || (words.includes('--strict') && failed) ? 1 : 0;
}
