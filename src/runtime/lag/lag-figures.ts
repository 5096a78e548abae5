/**
 * How far the effects of a job are behind the events that they come from, by sink, in parts that sum to the whole.
 *
 *   event ---- source ----> at hand ---- queue ----> taken ---- operator ----> window ---- watermark wait ----> released
 *         upstream has it          in the engine          works on it               is open
 *   released ---- operator ----> handed to the sink ---- sink ----> out (committed, where the sink commits)
 *
 * Invariants
 *  1. Of every probe, and so of every mean and every last one, the parts sum to the total exactly. Quantiles of parts do
 *     not sum to the quantile of the total, and are not meant to.
 * Not here: what is followed and how (lag-tracker.ts).
 */
import { Histogram } from '../../metrics/histogram.ts';

export const LAG_PARTS = ['source', 'queue', 'operator', 'watermarkWait', 'sink'] as const;

/**
 * `source`: upstream held the row (negative when its event time is ahead of the clock). `queue`: it waited in the engine
 * to be taken, for sinks that could take no more as well. `watermarkWait`: its window was open. `operator`: the rest until
 * the sink was handed what came of it. `sink`: until that was out.
 */
export type LagPart = (typeof LAG_PARTS)[number];

/**
 * 'endToEnd': from the event. 'processing': from when the row was at hand, without what it waited in windows, which is what
 * the engine itself needs. 'off': nothing is followed.
 */
export type LagMode = 'endToEnd' | 'processing' | 'off';

/** Milliseconds. Quantiles are right within 9%, `last` and `mean` exactly. */
export interface LagFigure {
  readonly last: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Of one sink. Probes are rows that were followed; while there are none, all figures are 0. */
export interface SinkLag extends Readonly<Record<LagPart, LagFigure>> {
  readonly probes: number;
  /** From the event time of a row until its effect was out. */
  readonly total: LagFigure;
}

export interface JobLag {
  readonly sinks: { readonly [uid: string]: SinkLag };
  /** By the uid of the operator: how far its watermark is behind the clock, ms. Those without a watermark yet are left out. */
  readonly watermarks: { readonly [uid: string]: number };
}

/** Milliseconds of one probe by part. */
export type LagSplit = Readonly<Record<LagPart, number>>;

class Series {
  readonly #histogram = new Histogram();
  #last = 0;

  record(ms: number): void {
    this.#histogram.record(ms);
    this.#last = ms;
  }

  get figure(): LagFigure {
    const { count, sum, max } = this.#histogram;
    const [p50, p99] = [this.#histogram.quantile(0.5), this.#histogram.quantile(0.99)];
    return { last: this.#last, mean: count === 0 ? 0 : sum / count, p50, p99, max };
  }

  get count(): number {
    return this.#histogram.count;
  }
}

/** The lag of one sink while it is being measured. */
export class LagRecord {
  readonly #total = new Series();
  readonly #parts: Readonly<Record<LagPart, Series>> = {
    source: new Series(),
    queue: new Series(),
    operator: new Series(),
    watermarkWait: new Series(),
    sink: new Series(),
  };

  record(totalMs: number, parts: LagSplit): void {
    this.#total.record(totalMs);
    for (const part of LAG_PARTS) this.#parts[part].record(parts[part]);
  }

  get figures(): SinkLag {
    const { source, queue, operator, watermarkWait, sink } = this.#parts;
    return {
      probes: this.#total.count,
      total: this.#total.figure,
      source: source.figure,
      queue: queue.figure,
      operator: operator.figure,
      watermarkWait: watermarkWait.figure,
      sink: sink.figure,
    };
  }
}
