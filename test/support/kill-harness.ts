/**
 * Kills a job again and again, continues it each time, and compares what it committed with an undisturbed run.
 *
 * A lineage is one state folder from an empty start to the end of the input, over as many killed processes as it takes.
 * Kill points are drawn from a seed; besides them the parent kills at random times.
 *
 * Invariants
 *  1. Every lineage ends with a run that nothing kills, and its output, late rows and dead letters are compared byte by byte.
 *  2. A kill counts for a phase only when the child had announced the operation and not its end.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { below, type Random, seededRandom } from '../../src/base/random.ts';
import type { ChildTask } from './kill-child.ts';
import { root } from './packed-project.ts';
import type { KillPoint, Moment, Phase } from './watched-disk.ts';

export type Target = Extract<Phase, 'segment' | 'manifest' | 'sink commit' | 'recovery'> | 'random time';

export interface Campaign {
  readonly seed: number;
  /** Kills wanted of each kind. */
  readonly kills: { readonly [target in Target]: number };
  readonly rowsPerSplit: number;
}

export interface CampaignReport {
  readonly kills: number;
  /** Kills that fell inside an operation of each phase, by purpose or by chance. */
  readonly byPhase: ReadonlyMap<string, number>;
  /** By operation and moment, for those on purpose. */
  readonly byPlace: ReadonlyMap<string, number>;
  readonly lineages: number;
  readonly late: number;
  readonly deadLetters: number;
  /** What differed, by lineage; empty when nothing did. */
  readonly differences: readonly string[];
}

const SPLITS = 3;
const KEYS = 700;
const KILLS_PER_LINEAGE = 15;
const FOLDERS = ['out', 'late', 'letters'] as const;
const MOMENTS: readonly Moment[] = ['before', 'inside', 'after'];

export async function killCampaign(campaign: Campaign): Promise<CampaignReport> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-kill-'));
  try {
    return await new Campaigner(campaign, folder, await bundleChild()).run();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The child from the sources, as one file that finds the compiled kernels of this repository. */
async function bundleChild(): Promise<string> {
  const outfile = join(root, 'dist', 'test', `kill-child-${process.pid}.mjs`);
  await build({
    entryPoints: [join(root, 'test', 'support', 'kill-child.ts')],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  return outfile;
}

/** Rows that are out of order by less than the bound, one in fifty far behind it, and one line in 400 that is no row. */
export function writeSplits(folder: string, rows: number, random: Random): void {
  mkdirSync(folder, { recursive: true });
  for (let split = 0; split < SPLITS; split++) {
    const lines: string[] = [];
    for (let i = 0; i < rows; i++) {
      const delay = below(random, 50) === 0 ? 60_000 + below(random, 120_000) : below(random, 5_000);
      const at = 1_700_000_000_000 + i * (50 + split) - delay;
      const key = `key ${below(random, KEYS).toString().padStart(40, '·')}`;
      lines.push(
        below(random, 400) === 0 ? `{"at":${at},"key":` : JSON.stringify({ at, key, n: below(random, 1_000_000) }),
      );
    }
    writeFileSync(join(folder, `split-${split}.ndjson`), `${lines.join('\n')}\n`);
  }
}

interface Ended {
  readonly finished: boolean;
  readonly lines: readonly string[];
  readonly errors: string;
}

class Campaigner {
  readonly #campaign: Campaign;
  readonly #folder: string;
  readonly #child: string;
  readonly #random: Random;
  readonly #left: Map<Target, number>;
  readonly #byPhase = new Map<string, number>();
  readonly #byPlace = new Map<string, number>();
  readonly #differences: string[] = [];
  #kills = 0;
  #lineages = 0;
  /** Operations of each phase in the undisturbed run. */
  readonly #steps = new Map<string, number>();
  /** Operations of the last recovery that had a checkpoint, and milliseconds of a whole run: where kills can fall. */
  #recoverySteps = 20;
  #runMs = 0;

  constructor(campaign: Campaign, folder: string, child: string) {
    this.#campaign = campaign;
    this.#folder = folder;
    this.#child = child;
    this.#random = seededRandom(campaign.seed);
    // The keys are those of the interface.
    this.#left = new Map(Object.entries(campaign.kills) as [Target, number][]);
  }

  async run(): Promise<CampaignReport> {
    const input = join(this.#folder, 'input');
    writeSplits(input, this.#campaign.rowsPerSplit, this.#random);
    const undisturbed = join(this.#folder, 'undisturbed');
    const began = performance.now();
    const first = await this.#start({ input, folder: undisturbed });
    const counts = countsOf(first);
    for (const line of first.lines) if (line.startsWith('- ')) add(this.#steps, line.slice(2));
    this.#runMs = performance.now() - began;
    const expected = contentOf(undisturbed);
    while (this.#open().length > 0) await this.#lineage(input, expected);
    return {
      kills: this.#kills,
      byPhase: this.#byPhase,
      byPlace: this.#byPlace,
      lineages: this.#lineages,
      late: counts.lateRows,
      deadLetters: counts.deadLetters,
      differences: this.#differences,
    };
  }

  #open(): readonly Target[] {
    return [...this.#left].filter(([, left]) => left > 0).map(([target]) => target);
  }

  async #lineage(input: string, expected: ReadonlyMap<string, string>): Promise<void> {
    const folder = join(this.#folder, `lineage-${this.#lineages++}`);
    let hasCheckpoint = false;
    for (let kills = 0; kills < KILLS_PER_LINEAGE; ) {
      const open = this.#open();
      // A recovery needs a checkpoint to recover from: a kill in a commit leaves one.
      const wanted: readonly Target[] = open.length > 0 && !hasCheckpoint ? [...open, 'sink commit'] : open;
      const targets = wanted.filter((target) => target !== 'recovery' || hasCheckpoint);
      const target = targets[below(this.#random, Math.max(1, targets.length))];
      if (target === undefined) break;
      const ended = await this.#killedRun(input, folder, target);
      hasCheckpoint ||= ended.lines.some((line) => /^[-!] sink commit/.test(line));
      if (ended.finished) break;
      kills++;
    }
    // The last process of every lineage runs undisturbed, also when there is nothing left to do.
    countsOf(await this.#start({ input, folder }));
    this.#compare(folder, expected);
    rmSync(folder, { recursive: true });
  }

  async #killedRun(input: string, folder: string, target: Target): Promise<Ended> {
    const ended =
      target === 'random time'
        ? await this.#start({ input, folder }, below(this.#random, Math.ceil(this.#runMs)))
        : await this.#start({ input, folder, kill: this.#pointIn(target) });
    if (!ended.finished) this.#count(target, ended.lines);
    return ended;
  }

  #pointIn(phase: Exclude<Target, 'random time'>): KillPoint {
    const steps = phase === 'recovery' ? this.#recoverySteps : (this.#steps.get(phase) ?? 1);
    // Early ones, so that a run reaches them although no two runs take their checkpoints at the same records.
    const nth =
      1 + below(this.#random, Math.max(1, Math.floor(phase === 'recovery' ? steps * 0.8 : Math.min(20, steps * 0.4))));
    return { phase, nth, moment: MOMENTS[below(this.#random, 3)] ?? 'inside' };
  }

  #count(target: Target, lines: readonly string[]): void {
    this.#kills++;
    this.#left.set(target, (this.#left.get(target) ?? 0) - 1);
    add(this.#byPhase, phaseAt(lines));
    const place = lines.find((line) => line.startsWith('! '));
    if (place !== undefined) add(this.#byPlace, place.slice(2));
  }

  /** Runs the child to its end; with `killAfterMs` it is killed from outside then. Throws when it ends by itself with an error. */
  #start(task: ChildTask, killAfterMs?: number): Promise<Ended> {
    return new Promise((done, fail) => {
      const child = spawn(process.execPath, [this.#child, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'pipe'] });
      let [text, errors] = ['', ''];
      child.stdout.on('data', (bytes) => (text += String(bytes)));
      child.stderr.on('data', (bytes) => (errors += String(bytes)));
      const timer = killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
      child.on('error', fail);
      child.on('close', (code, signal) => {
        clearTimeout(timer);
        const lines = text.split('\n');
        const steps = /running after (\d+) steps from \d/.exec(text)?.[1];
        if (steps !== undefined) this.#recoverySteps = Number(steps);
        if (code === 0 || signal === 'SIGKILL') done({ finished: code === 0, lines, errors });
        else
          fail(
            new Error(
              `seed ${this.#campaign.seed}, after ${this.#kills} kills: the job failed with ${code ?? signal}\n${errors}`,
            ),
          );
      });
    });
  }

  #compare(folder: string, expected: ReadonlyMap<string, string>): void {
    const found = contentOf(folder);
    for (const [name, content] of expected) {
      if (found.get(name) !== content) this.#differences.push(`lineage ${this.#lineages}: ${name} differs`);
    }
    for (const name of leftBehind(folder)) this.#differences.push(`lineage ${this.#lineages}: ${name} was left behind`);
  }
}

function add(histogram: Map<string, number>, key: string): void {
  histogram.set(key, (histogram.get(key) ?? 0) + 1);
}

/** The phase that it was killed in: as it said itself, else that of the operation which had begun last and not ended. */
function phaseAt(lines: readonly string[]): string {
  const said = lines.find((line) => line.startsWith('! '));
  if (said !== undefined) return said.slice(2, said.indexOf(':'));
  const under: string[] = [];
  for (const line of lines) {
    if (line.startsWith('+ ')) under.push(line.slice(2));
    if (line.startsWith('- ')) under.splice(under.lastIndexOf(line.slice(2)), 1);
  }
  const ran = lines.some((line) => line.startsWith('running'));
  return under.at(-1) ?? (ran ? 'between operations' : 'start of the process');
}

interface Counts {
  readonly lateRows: number;
  readonly deadLetters: number;
}

function countsOf({ lines, finished }: Ended): Counts {
  const ended = lines.find((line) => line.startsWith('ended '));
  if (!finished || ended === undefined) throw new Error(`the job did not end:\n${lines.slice(-5).join('\n')}`);
  // kill-child.ts wrote it.
  return JSON.parse(ended.slice(6)) as Counts;
}

/** Per sink its part files joined in the order of their names. */
function contentOf(folder: string): ReadonlyMap<string, string> {
  return new Map(
    FOLDERS.map((name) => {
      const parts = readdirSync(join(folder, name))
        .filter((part) => part.startsWith('part-'))
        .sort();
      return [name, parts.map((part) => readFileSync(join(folder, name, part), 'utf8')).join('')];
    }),
  );
}

/** Whatever is neither output nor state: pending parts, temporary files, folders of earlier owners. */
function leftBehind(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const known =
    /^((out|late|letters)(\/(part-\d{10}\.ndjson|\.committed-[\w-]+-\d{10}))?|state(\/(owner|checkpoint|segments?)[-\d]*)?|state\/segments\/segment-[-\d]+)$/;
  return names.filter((name) => !known.test(name));
}

/** The report as lines for people. */
export function formatReport(report: CampaignReport): string {
  const bars = (histogram: ReadonlyMap<string, number>): string[] =>
    [...histogram].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, n]) => `  ${String(n).padStart(4)}  ${name}`);
  return [
    `${report.kills} kills over ${report.lineages} lineages, ${report.late} late rows, ${report.deadLetters} dead letters`,
    'where they hit:',
    ...bars(report.byPhase),
    'on purpose:',
    ...bars(report.byPlace),
  ].join('\n');
}
