/**
 * The oracle walks through the moments of the samples with the rows that had arrived by then. Off, that is all that
 * counts; on, sources are held back, and what is left to judge is what came out.
 */
import { describe } from 'vitest';
import { type Event, type Record, scenario } from '../../src/lab/07-synchronized-watermark/scenario.ts';
import type { Pattern } from '../../src/lab/index.ts';
import { labTest } from './lab-test.ts';

const SPLITS = ['north', 'south', 'payments'] as const;
const BOUND_MS = 1000;
const PATIENCE_MS = 5000;

/** The streams as a reader without any setting has them: where each split stands, and which rows wait for a partner. */
class Readers {
  readonly #left: Map<string, number>;
  readonly #max = new Map<string, number>();
  readonly #waiting = new Map<string, Event>();

  constructor(events: readonly Event[]) {
    this.#left = new Map(SPLITS.map((name) => [name, events.filter(({ split }) => split === name).length]));
  }

  arrive(event: Event): void {
    const { split, happenedMs, order } = event;
    this.#left.set(split, (this.#left.get(split) ?? 0) - 1);
    this.#max.set(split, Math.max(happenedMs, this.#max.get(split) ?? 0));
    if (!this.#waiting.delete(order)) this.#waiting.set(order, event);
  }

  /** A split that has ended may be ahead, but nobody waits for it. */
  get #slowest(): number {
    return Math.min(...[...this.#max].flatMap(([split, max]) => (this.#left.get(split) === 0 ? [] : [max])));
  }

  get driftMs(): number {
    return Math.max(...this.#max.values()) - this.#slowest;
  }

  /** Rows whose patience the slowest split has not passed. */
  get held(): number {
    const passed = this.#slowest - BOUND_MS;
    const dueOf = ({ split, happenedMs }: Event): number => happenedMs + (split === 'payments' ? 0 : PATIENCE_MS);
    return [...this.#waiting.values()].filter((event) => dueOf(event) >= passed).length;
  }
}

/** Every order's events against all of its results. */
function wrongResults({ events, played }: Record): number {
  const orders = new Map<string, { isPaid: boolean; isOrdered: boolean; readonly said: unknown[] }>();
  const of = (order: string) => {
    const known = orders.get(order) ?? { isPaid: false, isOrdered: false, said: [] };
    orders.set(order, known);
    return known;
  };
  for (const { order, split } of events) of(order)[split === 'payments' ? 'isPaid' : 'isOrdered'] = true;
  for (const { row } of played.output['results'] ?? []) of(String(row['order'])).said.push(row['what']);
  return [...orders.values()].filter(({ isPaid, isOrdered, said }) => {
    const what = isPaid && isOrdered ? 'paid' : isPaid ? 'unordered' : 'unpaid';
    return said.length !== 1 || said[0] !== what;
  }).length;
}

function oracle(record: Record, pattern: Pattern): { readonly [figure: string]: number } {
  const wrong = wrongResults(record);
  if (pattern === 'on') return { wrongResults: wrong };
  const readers = new Readers(record.events);
  const events = record.events.values();
  let next = events.next();
  let [driftMs, peakHeld] = [0, 0];
  for (const { at } of record.played.samples) {
    for (; next.done !== true && next.value.arrivedMs <= at; next = events.next()) readers.arrive(next.value);
    driftMs = Math.max(driftMs, readers.driftMs);
    peakHeld = Math.max(peakHeld, readers.held);
  }
  return { driftMs, peakHeld, wrongResults: wrong };
}

describe('synchronized watermarks', () => labTest(scenario, { seeds: [1, 2, 3], oracle }));
