/**
 * Ways to mix the clock of the events with that of the machine, as JavaScript lets one write them. None of them compiles in
 * TypeScript (test/types/refused.txt).
 */
import {
  collect,
  collection,
  eventTime,
  type EventTime,
  from,
  monotonous,
  type ProcessingTime,
  punctuated,
  schema,
  type Strategy,
  timestamp,
  utf8,
  value,
} from '../../index.ts';
import { play, tape } from '../../testing/index.ts';

const Reading = schema({ at: timestamp(), sensor: utf8() });

interface Row {
  readonly at: EventTime;
  readonly sensor: string;
}

/** What a function of JavaScript is given, where nothing says what may be done with it. */
interface Given {
  readonly at: EventTime;
  readonly now: ProcessingTime;
  readonly timers: {
    eventTime(at: EventTime, name: 'tick'): void;
    processingTime(at: ProcessingTime, name: 'tick'): void;
  };
  readonly last: { set(at: EventTime): void };
  emit(row: Row): void;
}

/** A value of another type: JavaScript has no types that would refuse it, so the compiler is told to look away. */
const untyped = <T>(given: unknown): T => given as T;

export interface Mix {
  readonly name: string;
  readonly strategy?: Strategy<Row>;
  readonly row?: (given: Given) => unknown;
}

export const MIXES: readonly Mix[] = [
  { name: 'at < now', row: ({ at, now }) => untyped<number>(at) < untyped<number>(now) },
  { name: 'at > Date.now()', row: ({ at, now }) => untyped<number>(at) > now.epochMs },
  { name: 'now - at', row: ({ at, now }) => untyped<number>(now) - untyped<number>(at) },
  { name: 'at.since(now)', row: ({ at, now }) => at.since(untyped(now)) },
  { name: 'now.since(at)', row: ({ at, now }) => now.since(untyped(at)) },
  { name: 'timers.eventTime(now)', row: ({ now, timers }) => timers.eventTime(untyped(now), 'tick') },
  { name: 'timers.eventTime(Date.now())', row: ({ now, timers }) => timers.eventTime(untyped(now.epochMs), 'tick') },
  { name: 'timers.processingTime(at)', row: ({ at, timers }) => timers.processingTime(untyped(at), 'tick') },
  { name: 'emit({ at: now })', row: ({ now, emit }) => emit({ at: untyped(now), sensor: '' }) },
  { name: 'state.set(now)', row: ({ now, last }) => last.set(untyped(now)) },
  { name: 'a watermark that is a number', strategy: punctuated<Row>(({ at }) => untyped(at.epochMs)) },
];

export interface Tried {
  readonly mix: string;
  /** What it was refused with; undefined when it passed. */
  readonly refusal: string | undefined;
}

const AT = eventTime('2026-03-02T00:00:01Z');
const ONE = tape(Reading, [{ at: 1000, row: { at: AT, sensor: 'a' } }]);

/** Runs a job of one row in which `mix` is written. */
export async function tryMix({ name, strategy, row }: Mix): Promise<Tried> {
  const rows = from(collection(Reading, []), { uid: 'readings' })
    .watermark('at', strategy ?? monotonous())
    .keyBy('sensor')
    .process(
      {
        state: { last: value(timestamp()) },
        timers: ['tick'],
        row({ at }, { now, timers, state: { last }, emit }) {
          row?.({ at, now, timers, last, emit });
        },
      },
      { out: Reading },
    );
  const { failure } = await play(rows.to(collect()), { tapes: { readings: ONE } });
  return { mix: name, refusal: failure instanceof Error ? failure.message : undefined };
}
