/**
 * Instants as users see them.
 *
 * Invariants
 *  1. An EventTime is an object without a number inside its type: `at > Date.now()` and `at - other` do not compile,
 *     nor does any mix with ProcessingTime or Date. At run time both refuse to become a number or be compared by
 *     accident.
 *  2. Instants are immutable; `epochMs` is exact.
 * Not here: milliseconds inside the engine (base/time.ts).
 */
import { UserError } from '../base/errors.ts';
import { type Duration, durationMs, formatTime, instantMs } from '../base/time.ts';
import { located } from './call-site.ts';
import { mistake } from '../base/mistake.ts';

/** An instant on the clock of the events. */
export interface EventTime {
  readonly clock: 'event time';
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly epochMs: number;
  plus(duration: Duration): EventTime;
  minus(duration: Duration): EventTime;
  /** Milliseconds from `earlier` to this; negative when `earlier` is later. */
  since(earlier: EventTime): number;
  /** '2001-01-03T10:00:00.000Z' */
  toString(): string;
  /** As toString, so that rows print and serialize readably. */
  toJSON(): string;
}

/** An instant on the clock of the machine. */
export interface ProcessingTime {
  readonly clock: 'processing time';
  readonly epochMs: number;
  plus(duration: Duration): ProcessingTime;
  minus(duration: Duration): ProcessingTime;
  /**
   * Another instant of this clock, by its milliseconds: a function that keeps `epochMs` of a timer as int64 can name the
   * timer again in a later call, to delete it.
   */
  at(epochMs: number): ProcessingTime;
  since(earlier: ProcessingTime): number;
  toString(): string;
  toJSON(): string;
}

class Instant<Clock extends 'event time' | 'processing time'> {
  readonly clock: Clock;
  readonly epochMs: number;

  constructor(clock: Clock, epochMs: number) {
    this.clock = clock;
    this.epochMs = epochMs;
  }

  plus(duration: Duration): Instant<Clock> {
    return new Instant(this.clock, this.epochMs + located(() => durationMs(duration, 'plus')));
  }

  minus(duration: Duration): Instant<Clock> {
    return new Instant(this.clock, this.epochMs - located(() => durationMs(duration, 'minus')));
  }

  since(earlier: { readonly clock: Clock; readonly epochMs: number }): number {
    if (earlier.clock === this.clock) return this.epochMs - earlier.epochMs;
    return located(() => {
      throw mistake(`since of ${this.clock}`, `given an instant of ${this.clock}`, earlier);
    });
  }

  toString(): string {
    return formatTime(this.epochMs);
  }

  toJSON(): string {
    return this.toString();
  }

  /** JavaScript code that compares or subtracts instants meets this; TypeScript refuses it before. */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString();
    return located(() => {
      throw new UserError('E1008', { clock: this.clock });
    });
  }
}

class ProcessingInstant extends Instant<'processing time'> implements ProcessingTime {
  constructor(epochMs: number) {
    super('processing time', epochMs);
  }

  override plus(duration: Duration): ProcessingInstant {
    return new ProcessingInstant(super.plus(duration).epochMs);
  }

  override minus(duration: Duration): ProcessingInstant {
    return new ProcessingInstant(super.minus(duration).epochMs);
  }

  at(epochMs: number): ProcessingTime {
    if (Number.isSafeInteger(epochMs)) return new ProcessingInstant(epochMs);
    return located(() => {
      throw mistake('at of processing time', 'given whole milliseconds', epochMs);
    });
  }
}

/** The event time of milliseconds since 1970. For hosts and the runtime: users have eventTime(). */
export const eventTimeOf = (epochMs: number): EventTime => new Instant('event time', epochMs);
/** The processing time of milliseconds since 1970, as a clock gave it. */
export const processingTimeOf = (epochMs: number): ProcessingTime => new ProcessingInstant(epochMs);

export const isEventTime = (value: unknown): value is EventTime =>
  value instanceof Instant && value.clock === 'event time';

/** An instant from ISO text with its zone ('2001-01-03T10:00Z', '…+01:00'), or from a Date. Throws E1007. */
export function eventTime(instant: `${number}-${number}-${number}T${string}` | Date): EventTime {
  return located(() => eventTimeOf(instantMs(instant)));
}
