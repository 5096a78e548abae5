/**
 * The oracle counts and marks the readings of the tape in plain loops, once for each clock: that of the events, and that of
 * a machine to which they come at some speed.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Event, type Record, scenario } from '../../src/lab/26-time-domain-isolation/scenario.ts';
import type { Pattern } from '../../src/lab/index.ts';
import { labTest } from './lab-test.ts';

const BEGAN_MS = 1_000_000_000_000;
const WINDOW_MS = 1000;
const OLD_MS = 1000;
const DUE_MS = 5000;
const FAST = 100;

interface Texts {
  readonly totals: readonly string[];
  readonly marks: readonly string[];
}

const textOf = (ms: number): string => new Date(BEGAN_MS + ms).toISOString();

function totalsOf(events: readonly Event[], clock: (event: Event) => number): Map<string, number> {
  const totals = new Map<string, number>();
  for (const event of events) {
    const start = Math.floor(clock(event) / WINDOW_MS) * WINDOW_MS;
    const window = `${event.sensor} ${start}`;
    totals.set(window, (totals.get(window) ?? 0) + 1);
  }
  return totals;
}

const startOf = (window: string): number => Number(window.split(' ').at(-1));
const markOf = (ms: number, sensor: string, mark: string): string => `${textOf(ms)} ${sensor} ${mark}`;

/** By the clock of the events: everything fires in the end. */
function byEvents(events: readonly Event[]): Texts {
  const due = new Set<string>();
  let largest = Number.NEGATIVE_INFINITY;
  const marks = events.map(({ happenedMs, sensor }) => {
    due.add(markOf(happenedMs + DUE_MS, sensor, 'due'));
    // The watermark is a millisecond before the largest event time less its bound.
    const behindMs = largest - 1 - happenedMs;
    largest = Math.max(largest, happenedMs);
    return markOf(happenedMs, sensor, behindMs > OLD_MS ? 'old' : 'in time');
  });
  const totals = [...totalsOf(events, ({ happenedMs }) => happenedMs)];
  return { totals: totals.map(([window, n]) => `${window}: ${n}`), marks: [...marks, ...due] };
}

/** By the clock of a machine: what is not due when the tape ends does not come. */
function byMachine(events: readonly Event[], speed: number): Texts {
  const clock = ({ arrivedMs }: Event): number => Math.floor(arrivedMs / speed);
  const endedAt = Math.max(...events.map(clock));
  const due = new Set<string>();
  const marks = events.map((event) => {
    const { happenedMs, sensor } = event;
    if (clock(event) + DUE_MS <= endedAt) due.add(markOf(clock(event) + DUE_MS, sensor, 'due'));
    return markOf(happenedMs, sensor, clock(event) - happenedMs > OLD_MS ? 'old' : 'in time');
  });
  const totals = [...totalsOf(events, clock)].filter(([window]) => startOf(window) + WINDOW_MS <= endedAt);
  return { totals: totals.map(([window, n]) => `${window}: ${n}`), marks: [...marks, ...due] };
}

/** How many of `all` are not in `some`, each counted once for each time that it is there. */
function missing(all: readonly string[], some: readonly string[]): number {
  const left = [...some].sort();
  const sorted = [...all].sort();
  let at = 0;
  let found = 0;
  for (const text of sorted) {
    while ((left[at] ?? '\uffff') < text) at++;
    if (left[at] !== text) continue;
    found++;
    at++;
  }
  return sorted.length - found;
}

function given({ slow, fast }: Record): { readonly slow: Texts; readonly fast: Texts } {
  const read = ({ output }: Record['slow']): Texts => ({
    totals: (output['totals'] ?? []).map(({ row }) => {
      // A timestamp reads as an instant.
      const start = (row['windowStart'] as { readonly epochMs: number }).epochMs - BEGAN_MS;
      return `${String(row['sensor'])} ${start}: ${String(row['readings'])}`;
    }),
    marks: (output['marks'] ?? []).map(
      ({ row }) => `${String(row['at'])} ${String(row['sensor'])} ${String(row['mark'])}`,
    ),
  });
  return { slow: read(slow), fast: read(fast) };
}

function oracle(record: Record, pattern: Pattern): { readonly [figure: string]: number } {
  const { events } = record;
  const { slow, fast } = given(record);
  const expected = pattern === 'on' ? byEvents(events) : byMachine(events, 1);
  const hurried = pattern === 'on' ? expected : byMachine(events, FAST);
  expect([...slow.totals].sort()).toEqual([...expected.totals].sort());
  expect([...slow.marks].sort()).toEqual([...expected.marks].sort());
  const share = (kind: keyof Texts): number => missing(expected[kind], hurried[kind]) / expected[kind].length;
  const isSame = (kind: keyof Texts): boolean => slow[kind].join('\n') === fast[kind].join('\n');
  return {
    totalsDiffer: share('totals'),
    marksDiffer: share('marks'),
    sameBytes: Number(isSame('totals')) + Number(isSame('marks')),
  };
}

describe('time domains', () => {
  labTest(scenario, { seeds: [1, 2, 3], oracle });

  // What throws in JavaScript does not compile in TypeScript: these are programs of test/types.
  it.each([
    'event time compared with processing time',
    'event time compared with Date.now()',
    'event time minus event time',
    'event time since processing time',
    'event time and processing time subtracted by since',
    'an event-time timer set with processing time',
    'an event-time timer set with a number',
    'a processing-time timer set with event time',
    'a column of event time given processing time',
    'a state of event time given processing time',
    'a watermark from the rows that is a number',
    'a wall clock in a map',
  ])('%s does not compile', (name) => {
    const refused = readFileSync(fileURLToPath(new URL('../types/refused.txt', import.meta.url)), 'utf8');
    expect(refused.split('\n')).toContain(`### ${name}`);
  });
});
