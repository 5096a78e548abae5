/**
 * Generated windows of every kind, with every trigger, lateness, result mode and evictor, against an oracle that
 * recomputes them; in batches of several sizes, and restarted in the middle.
 */
import { expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../src/base/random.ts';
import { aggregateCall } from '../../src/api/aggregate.ts';
import { count, defineAggregate, int64, reduce, schema } from '../../src/index.ts';
import type { KernelInstance } from '../../src/kernel/instance.ts';
import type {
  AggregateCall,
  EvictorSpec,
  TriggerSpec,
  WindowAggregateNode,
  WindowSpec,
} from '../../src/plan/logical.ts';
import { runsAsKernel } from '../../src/plan/window-choice.ts';
import { type OracleCase, oracleOf, type OracleTrigger, type OracleWindow } from '../oracle/general-windows.ts';
import { NO_WATERMARK, runWindow, WINDOW_INPUT, windowNode, type WindowRow } from '../support/general-window-run.ts';
import { newKernels } from '../support/kernels.ts';

const CASES = 120;
const ROWS = 60;

const WINDOWS: readonly OracleWindow[] = [
  { kind: 'tumbling', sizeMs: 1000 },
  { kind: 'hopping', sizeMs: 1000, slideMs: 400 },
  { kind: 'cumulating', sizeMs: 1200, stepMs: 400 },
  { kind: 'session' },
  { kind: 'global' },
  { kind: 'count', rows: 3, slide: 3 },
  { kind: 'count', rows: 4, slide: 2 },
];
const TRIGGERS: readonly OracleTrigger[] = [
  { kind: 'none' },
  { kind: 'none' },
  { kind: 'none' },
  { kind: 'count', rows: 2, purges: false },
  { kind: 'count', rows: 3, purges: true },
  { kind: 'eachRow' },
  { kind: 'continuous', intervalMs: 350 },
  { kind: 'earlyAndLate', early: 2, late: 2 },
  { kind: 'earlyAndLate', early: 3, late: undefined },
];
const MODES = ['accumulating', 'discarding', 'retracting', 'final'] as const;

const pick = <T>(random: Random, list: readonly [T, ...T[]] | readonly T[]): T => {
  const found = list[below(random, list.length)];
  if (found === undefined) throw new Error('an empty list');
  return found;
};

function caseOf(random: Random): OracleCase {
  const window = pick(random, WINDOWS);
  const hasEnds = window.kind !== 'global' && window.kind !== 'count';
  const triggers = hasEnds ? TRIGGERS : TRIGGERS.filter(({ kind }) => kind !== 'none' && kind !== 'earlyAndLate');
  const isCount = window.kind === 'count';
  const trigger: OracleTrigger = isCount ? { kind: 'none' } : pick(random, triggers);
  // Sessions that fired and are joined within the lateness repeat results at once: how often is left to the engine.
  const isOnTime = window.kind === 'session' && trigger.kind === 'continuous';
  return {
    window,
    trigger,
    latenessMs: isOnTime ? 0 : pick(random, [0, 300, 2000]),
    mode: pick(random, hasEnds ? MODES : MODES.slice(0, isCount ? 1 : 3)),
    keep: !isCount && below(random, 4) === 0 ? 2 : undefined,
  };
}

/** Rows out of order, a watermark that lags and leaves some of them late. */
function rowsOf(random: Random): readonly WindowRow[] {
  let clock = below(random, 2000);
  let watermark = NO_WATERMARK;
  return Array.from({ length: ROWS }, () => {
    clock += below(random, 120);
    const time = Math.max(0, clock - below(random, below(random, 3) === 0 ? 2500 : 200));
    const row = {
      key: pick(random, ['a', 'b', 'c']),
      value: below(random, 9),
      time,
      watermark,
      gapMs: 50 + below(random, 200),
    };
    if (below(random, 3) === 0) watermark = Math.max(watermark, clock - below(random, 150));
    return row;
  });
}

function specOf(window: OracleWindow): WindowSpec {
  const aligned = { clock: 'event time', zone: undefined, offsetMs: 0 } as const;
  switch (window.kind) {
    case 'tumbling':
      return { ...aligned, ...window, calendar: undefined };
    case 'hopping':
    case 'cumulating':
      return { ...aligned, ...window };
    case 'session':
      return { kind: 'session', clock: 'event time', gapMs: 0, gapOf: (row: { gap: number }) => row.gap };
    default:
      return window;
  }
}

function triggerOf(trigger: OracleTrigger): TriggerSpec | undefined {
  switch (trigger.kind) {
    case 'none':
      return undefined;
    case 'count': {
      const counts: TriggerSpec = { kind: 'count', rows: trigger.rows };
      return trigger.purges ? { kind: 'purging', inner: counts } : counts;
    }
    case 'eachRow':
      return trigger;
    case 'continuous':
      return { ...trigger, clock: 'event time' };
    case 'earlyAndLate':
      return {
        kind: 'endOfWindow',
        early: { kind: 'count', rows: trigger.early },
        late: trigger.late === undefined ? undefined : { kind: 'count', rows: trigger.late },
      };
  }
}

function nodeOf({ window, trigger, latenessMs, mode, keep }: OracleCase): WindowAggregateNode {
  const evictor: EvictorSpec | undefined =
    keep === undefined ? undefined : { kind: 'count', rows: keep, when: 'before' };
  return windowNode({
    window: specOf(window),
    trigger: triggerOf(trigger),
    allowedLatenessMs: latenessMs,
    results: mode,
    evictor,
  });
}

interface Seen {
  late: number;
  kernelRuns: number;
  readonly kinds: Set<string>;
}

/** Runs a generated window in batches of several sizes and with restarts; all must be what the oracle says. */
function checkCase(kernels: KernelInstance, seed: number, change: Partial<WindowAggregateNode>, seen: Seen): void {
  const random = seededRandom(seed);
  const given = caseOf(random);
  const rows = rowsOf(random);
  const told = `seed ${seed}: ${JSON.stringify(given)}`;
  const node = { ...nodeOf(given), ...change };
  const oracle = oracleOf(given, rows);
  const single = runWindow(kernels, node, rows, { batchRows: 1 });
  const inOrder = ({ steps }: Pick<typeof single, 'steps'>): string[][] => steps.map((step) => [...step].sort());
  expect(inOrder(single), told).toEqual(oracle.steps);
  expect(single.late, told).toEqual(oracle.late);
  expect(single.ledgerOff, told).toBe(0);
  const restarts = [below(random, ROWS), below(random, ROWS)].sort((a, b) => a - b);
  for (const options of [
    { batchRows: 7 },
    { batchRows: ROWS },
    { batchRows: 5, restarts },
    { batchRows: 1, restarts },
  ]) {
    const other = runWindow(kernels, node, rows, options);
    expect(other.results, `${told} ${JSON.stringify(options)}`).toEqual(single.results);
    expect(other.late, told).toEqual(single.late);
    expect(other.ledgerOff, told).toBe(0);
  }
  if (given.window.kind !== 'global' && given.window.kind !== 'count') expect(single.entriesLeft, told).toBe(0);
  if (runsAsKernel(node)) {
    const kernel = runWindow(kernels, node, rows, { batchRows: 1, as: 'kernel' });
    expect(inOrder(kernel), `${told}, by kernels`).toEqual(oracle.steps);
    expect(kernel.late, told).toEqual(oracle.late);
    seen.kernelRuns++;
  }
  seen.late += oracle.late.length > 0 ? 1 : 0;
  for (const text of oracle.steps.flat()) seen.kinds.add(text.slice(0, 2));
}

test(`${CASES} generated windows equal the oracle row by row, whatever the batches and restarts`, {
  timeout: 120_000,
}, async () => {
  const kernels = await newKernels();
  const seen: Seen = { late: 0, kernelRuns: 0, kinds: new Set() };
  for (let seed = 1; seed <= CASES; seed++) checkCase(kernels, seed, {}, seen);
  expect(seen.late).toBeGreaterThan(CASES * 0.3);
  expect(seen.kernelRuns).toBeGreaterThan(CASES * 0.03);
  expect([...seen.kinds].sort()).toEqual(['+I', '+U', '-D', '-U']);
});

/** The same two results, by functions of users: one alone, or both. */
const rowCount = defineAggregate({
  input: int64(),
  accumulator: int64(),
  result: int64(),
  create: () => 0,
  add: (rows) => rows + 1,
  merge: (a, b) => a + b,
  finish: (rows) => rows,
});
const total = defineAggregate({
  input: int64(),
  accumulator: schema({ sum: int64(), last: int64() }),
  result: int64(),
  create: () => ({ sum: 0, last: 0 }),
  add: ({ sum }, value) => ({ sum: sum + value, last: value }),
  merge: (a, b) => ({ sum: a.sum + b.sum, last: b.last }),
  finish: ({ sum }) => sum,
});
const called = (name: string, declared: unknown): AggregateCall =>
  aggregateCall(name, declared, WINDOW_INPUT, 'a test');
const DEFINED: readonly (readonly AggregateCall[])[] = [
  [called('n', rowCount('value')), called('total', total('value'))],
  [called('n', count()), called('total', total('value'))],
  [
    called('n', rowCount('row')),
    called(
      'total',
      reduce<{ value: int64 }, 'value', {}>('value', (a, b) => a + b),
    ),
  ],
];

test(`${CASES} generated windows with functions of users for aggregates equal the oracle too`, {
  timeout: 120_000,
}, async () => {
  const kernels = await newKernels();
  const seen: Seen = { late: 0, kernelRuns: 0, kinds: new Set() };
  for (let seed = 1; seed <= CASES; seed++) {
    checkCase(kernels, seed, { aggregates: DEFINED[seed % DEFINED.length] ?? [] }, seen);
  }
  expect(seen.late).toBeGreaterThan(CASES * 0.3);
  expect(seen.kernelRuns).toBe(0);
  expect([...seen.kinds].sort()).toEqual(['+I', '+U', '-D', '-U']);
});
