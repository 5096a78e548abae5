/**
 * What a row of the incident lab is: a seeded incident that can be run with its mechanism off and on.
 *
 *   tape(seed) --> the job, settings off or on --> what came out --> figures, each with a bound for off and for on
 *
 * Invariants
 *  1. Off and on differ in settings of the job alone: same tape, same engine.
 *  2. Figures are computed from the rows that came out and the samples that were taken, never from what was intended.
 *  3. A scenario touches no platform: it runs in a page as in a test.
 */

/** For the person who has the incident: in a few sentences each. */
export interface Guide {
  /** What one sees. */
  readonly symptom: string;
  /** Why it happens. */
  readonly cause: string;
  /** What to write in the job: code that compiles. */
  readonly setting: string;
  /** Which figures to keep an eye on afterwards. */
  readonly watch: string;
}

/** Inclusive; one of the two, or both. */
export interface Bound {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** A figure that a scenario measures, and the bounds that show the incident and its absence. */
export interface FigureSpec {
  readonly name: string;
  readonly unit: string;
  readonly means: string;
  /** What shows the incident; undefined when the figure says nothing while the mechanism is off. */
  readonly off: Bound | undefined;
  /** What shows its absence. */
  readonly on: Bound;
}

/** Whether the mechanism of a scenario is off or on. */
export type Pattern = 'off' | 'on';

/** What was measured in one run. */
export interface Measurement {
  /** By the name of the figure; every figure of the scenario is there. */
  readonly figures: { readonly [name: string]: number };
  /** A few lines for people: rows that show what happened. */
  readonly evidence: readonly string[];
}

/** What a run took in and gave out, for measuring it and for judging the measurement. */
export interface Scenario<Record = unknown> {
  /** Row of the catalogue, 1 to 44. */
  readonly row: number;
  /** 'future-proof-windows': with the row it names folder and command line. */
  readonly name: string;
  readonly incident: string;
  /** The catalogue's name of the mitigation. */
  readonly pattern: string;
  readonly guide: Guide;
  readonly figures: readonly FigureSpec[];
  /** The same seed gives the same record. */
  run(pattern: Pattern, seed: number): Promise<Record>;
  measure(record: Record): Measurement;
}

/** Whether a figure lies where its bound says. */
export const holds = (bound: Bound | undefined, value: number): boolean =>
  bound === undefined
  || (Number.isFinite(value) && value >= (bound.atLeast ?? -Infinity) && value <= (bound.atMost ?? Infinity));

/** A bound in words: 'at most 0.5'. */
export function describeBound(bound: Bound | undefined): string {
  if (bound === undefined) return 'any';
  const { atLeast, atMost } = bound;
  if (atLeast !== undefined && atLeast === atMost) return `exactly ${atLeast}`;
  if (atLeast !== undefined && atMost !== undefined) return `${atLeast} to ${atMost}`;
  return atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
}
