/**
 * What event time costs that is always on, or can be switched on: P1's uniform file through the same job with the guard
 * against the future, idleness, alignment, and all of them, over the same without; time of all cores, as the process counts
 * it. Idleness is of live sources only, so there the file is read as one. `again` is the job without against itself: what the
 * machine adds to such a figure. All sides take turns in one process: two processes that do the same work differ by more
 * than what is measured, in where their memory and machine code lie. A figure is the ratio of the quickest tenth of the rounds
 * of both sides: others on the machine empty the caches, which only ever adds to what a round takes. Its spread is that of
 * single rounds. Figures that end in Wall are the same by the clock.
 *
 * The ledger cannot be switched off. `ledger` is an upper bound: what it would take to write every term of the entries of all
 * operators of this job, and to check all equations, with each batch, which happens with each checkpoint only.
 */
import { emptyLedger, imbalance, type LedgerEntry } from '../src/metrics/ledger.ts';
import { type Bench, type BenchOptions, type BenchResult, quantile, roundsWithin, spreadOf } from './bench.ts';
import type { Answer } from './side-process.ts';
import type { BidRun } from './support/bid-run.ts';
import { bidFile } from './support/bids.ts';
import { SideProcess } from './support/sides.ts';

const ROUNDS = 40;
const QUICK = 0.1;
const BOX_MS = 170_000;
/** A quantum is two chunks, a batch of one at most; the record across two quanta is counted as one more. */
const BATCH_BYTES = 1_048_576 / 3;
/** Source, watermarks, window, sink. */
const OPERATORS = 4;

type Settings = Pick<BidRun, 'watermark' | 'live'>;
const align = { group: 'bids', maxDrift: '1 hour' } as const;
const OFF = { futureSkew: 'off', idleAfter: 'off' } as const;

/** What is measured, with what it is measured against. */
const SIDES = {
  without: { live: false, watermark: OFF },
  again: { live: false, watermark: OFF },
  guard: { live: false, watermark: { ...OFF, futureSkew: '31 days' } },
  alignment: { live: false, watermark: { ...OFF, align } },
  withoutLive: { live: true, watermark: OFF },
  idleness: { live: true, watermark: { ...OFF, idleAfter: '1 minute' } },
  all: { live: true, watermark: { idleAfter: '1 minute', futureSkew: '31 days', align } },
} as const satisfies { readonly [name: string]: Settings };
type Name = keyof typeof SIDES;
const NAMES = ['without', 'again', 'guard', 'alignment', 'withoutLive', 'idleness', 'all'] as const;
const AGAINST = {
  again: 'without',
  guard: 'without',
  alignment: 'without',
  idleness: 'withoutLive',
  all: 'withoutLive',
} as const;

interface Took {
  readonly cpuMs: number;
  readonly wallMs: number;
}

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const { path, bytes } = bidFile('uniform', short ? 200_000 : 2_000_000);
  using engine = new SideProcess();
  using peer = new SideProcess();
  const { digest } = await peer.run({ side: 'plainJs', options: { path } });
  const rounds: ReadonlyMap<Name, Took>[] = [];
  let counters: Answer['counters'] = {};
  const boxed = { rounds: short ? 2 : ROUNDS + 1, atLeast: 2, boxMs: BOX_MS, now: () => performance.now() };
  for (const number of roundsWithin(boxed)) {
    const { took, last } = await round(engine, number, path, digest);
    counters = last;
    // The first warms up.
    if (number > 0) rounds.push(took);
  }
  const batchNs = (quantile(timesOf(rounds, 'without', 'cpuMs'), 0.5) * 1e6) / (bytes / BATCH_BYTES);
  return resultOf(rounds, 1 + ledgerNs() / batchNs, { ...counters, rounds: rounds.length });
}

async function round(
  engine: SideProcess,
  number: number,
  path: string,
  digest: string,
): Promise<{ readonly took: ReadonlyMap<Name, Took>; readonly last: Answer['counters'] }> {
  const took = new Map<Name, Took>();
  let last: Answer['counters'] = {};
  for (const name of orderOf(number)) {
    const began = performance.now();
    const answer = await engine.run({ side: 'engine', options: { path, ...SIDES[name] } });
    if (answer.digest !== digest) throw new Error(`wrong answer of ${name}: ${answer.digest} instead of ${digest}`);
    took.set(name, { cpuMs: answer.cpuMs ?? Number.NaN, wallMs: performance.now() - began });
    last = answer.counters;
  }
  return { took, last };
}

/** Each begins in its turn, and the order is turned round every other time. */
function orderOf(round: number): readonly Name[] {
  const from = round % NAMES.length;
  const order = [...NAMES.slice(from), ...NAMES.slice(0, from)];
  return round % 2 === 0 ? order : order.toReversed();
}

const timesOf = (rounds: readonly ReadonlyMap<Name, Took>[], name: Name, of: keyof Took): number[] =>
  rounds.map((took) => took.get(name)?.[of] ?? Number.NaN);

function resultOf(
  rounds: readonly ReadonlyMap<Name, Took>[],
  ledger: number,
  counters: Readonly<Record<string, number>>,
): BenchResult {
  const figures: Record<string, number> = {};
  const spread: Record<string, number> = {};
  for (const [name, against] of entriesOf(AGAINST)) {
    for (const [of, suffix] of [['cpuMs', ''] as const, ['wallMs', 'Wall'] as const]) {
      const [ours, theirs] = [timesOf(rounds, name, of), timesOf(rounds, against, of)];
      const ratios = ours.map((ms, i) => ms / (theirs[i] ?? Number.NaN));
      figures[`${name}${suffix}`] = quantile(ours, QUICK) / quantile(theirs, QUICK);
      spread[`${name}${suffix}`] = spreadOf(ratios);
    }
  }
  return { figures: { ...figures, ledger }, spread, counters };
}

// The keys of an object that is written out here are its names.
const entriesOf = (against: typeof AGAINST) => Object.entries(against) as [keyof typeof AGAINST, Name][];

/** ns of what is counted for one batch, and more: all terms of all entries, and their equations. */
function ledgerNs(): number {
  const entries = Array.from({ length: OPERATORS }, emptyLedger);
  const batches = 100_000;
  let off = 0;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10; round++) {
    const began = performance.now();
    for (let batch = 0; batch < batches; batch++) {
      for (const entry of entries) {
        countAll(entry, batch & 1);
        off += imbalance(entry);
      }
    }
    best = Math.min(best, performance.now() - began);
  }
  if (off === 0) throw new Error('nothing was counted');
  return (best * 1e6) / batches;
}

function countAll(entry: LedgerEntry, rows: number): void {
  entry.in += rows;
  entry.out += rows;
  entry.filtered += rows;
  entry.late += rows;
  entry.future += rows;
  entry.deadLetters += rows;
  entry.expanded += rows;
  entry.released += rows;
  entry.held += rows;
  entry.results += rows;
}

export const bench: Bench = {
  id: 'p1-costs',
  title: 'P1 with guard, idleness, alignment and ledger, over the same without',
  targets: {
    guard: { atMost: 1.05 },
    idleness: { atMost: 1.05 },
    alignment: { atMost: 1.05 },
    all: { atMost: 1.05 },
    ledger: { atMost: 1.05 },
  },
  // All lines of the uniform file look alike, and a run ends before a checkpoint is due.
  idle: ['generalRows', 'checkpointBytes', 'checkpoints'],
  run,
};
