/**
 * The registry: names of an operator's (or the job's) figures, with units, read when someone asks. Nothing is paid while
 * nobody does: counters stay plain numbers where they are counted.
 */
import type { Histogram } from './histogram.ts';

export type MetricUnit =
  | 'records'
  | 'bytes'
  | 'ms'
  | 'checkpoints'
  | 'keys'
  | 'windows'
  | 'accumulators'
  | 'bytes/s'
  | 'alerts'
  | 'files';

export interface Metric {
  readonly value: number;
  readonly unit: MetricUnit;
}

/** By operator uid (or 'job'), by name. JSON as it is. */
export interface MetricsSnapshot {
  readonly [scope: string]: { readonly [name: string]: Metric };
}

/** Undefined: there is nothing to say at the moment, and the figure is left out. */
type Read = () => number | undefined;

export class MetricsRegistry {
  readonly #scopes = new Map<string, Map<string, { readonly unit: MetricUnit; readonly read: Read }>>();

  /** A figure that `read` answers; the last one of a name counts. */
  add(scope: string, name: string, unit: MetricUnit, read: Read): void {
    const names = this.#scopes.get(scope) ?? new Map();
    names.set(name, { unit, read });
    this.#scopes.set(scope, names);
  }

  /** Count, median, 99th percentile and maximum under names that begin alike. */
  addHistogram(scope: string, name: string, unit: MetricUnit, histogram: Histogram): void {
    this.add(scope, `${name}P50`, unit, () => histogram.quantile(0.5));
    this.add(scope, `${name}P99`, unit, () => histogram.quantile(0.99));
    this.add(scope, `${name}Max`, unit, () => histogram.max);
  }

  snapshot(): MetricsSnapshot {
    return Object.fromEntries(
      [...this.#scopes].map(([scope, names]) => [
        scope,
        Object.fromEntries(
          [...names].flatMap(([name, { unit, read }]) => {
            const value = read();
            return value === undefined ? [] : [[name, { value, unit }] as const];
          }),
        ),
      ]),
    );
  }
}
