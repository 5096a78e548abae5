/**
 * What a function with state is given: one object for the life of the operator, whose properties say what holds for the
 * call at hand. Functions take it apart (`{ state, emit }`), so what they call is bound.
 *
 * Invariants
 *  1. Instants are refused when they are of the other clock: the compiler does this for TypeScript.
 *  2. The wall clock is read when `now` is asked for, and nowhere else.
 */
import { UserError } from '../../base/errors.ts';
import type { Row } from '../../format/row-view.ts';
import type { StateHandle } from '../state/states.ts';
import type { TimerService } from '../../state/keyed-state.ts';

/** What the operator answers for its context. */
export interface ContextHost {
  key(): Row;
  watermark(): unknown;
  now(): unknown;
  emit(row: Row): void;
  side(name: string, row: Row): void;
  /** The timers of a clock, with the key at hand selected. */
  timers(clock: 'event time' | 'processing time'): TimerService;
  /** What a timer of this name is registered under. E1331 when none was declared. */
  tag(name: unknown): Uint8Array;
  readonly hasEventTime: boolean;
}

type Clock = 'event time' | 'processing time';

/** Timers of the key at hand: registering one that is there changes nothing. */
export interface Timers {
  eventTime(at: unknown, name: unknown): void;
  processingTime(at: unknown, name: unknown): void;
  deleteEventTime(at: unknown, name: unknown): void;
  deleteProcessingTime(at: unknown, name: unknown): void;
}

export class ProcessContext {
  readonly #host: ContextHost;
  readonly state: { readonly [name: string]: StateHandle };
  readonly broadcast: { readonly [name: string]: unknown };
  readonly timers: Timers;
  readonly emit: (row: Row) => void;
  readonly side: (name: string, row: Row) => void;
  /** Of the timer at hand. */
  name: string | undefined;
  at: unknown;
  clock: Clock | undefined;
  /** Of the entry that has expired: what it held and, of a map, its key. `name` and `at` are of its state and its end. */
  value: unknown;
  entry: unknown;

  constructor(
    host: ContextHost,
    state: { readonly [name: string]: StateHandle },
    broadcast: { readonly [name: string]: unknown },
  ) {
    this.#host = host;
    this.state = state;
    this.broadcast = broadcast;
    this.emit = (row) => host.emit(row);
    this.side = (name, row) => host.side(name, row);
    this.timers = timersOf(host);
  }

  get key(): Row {
    return this.#host.key();
  }

  get watermark(): unknown {
    return this.#host.watermark();
  }

  get now(): unknown {
    return this.#host.now();
  }
}

function timersOf(host: ContextHost): Timers {
  const register = (clock: Clock, at: unknown, name: unknown): void => {
    const ms = msOf(clock, at, host.hasEventTime);
    const tag = host.tag(name);
    host.timers(clock).register(ms, tag);
  };
  const remove = (clock: Clock, at: unknown, name: unknown): void => {
    const ms = msOf(clock, at, host.hasEventTime);
    const tag = host.tag(name);
    host.timers(clock).delete(ms, tag);
  };
  return {
    eventTime: (at, name) => register('event time', at, name),
    processingTime: (at, name) => register('processing time', at, name),
    deleteEventTime: (at, name) => remove('event time', at, name),
    deleteProcessingTime: (at, name) => remove('processing time', at, name),
  };
}

/** Milliseconds of an instant of this clock. E1330 for anything else. */
function msOf(clock: Clock, at: unknown, hasEventTime: boolean): number {
  if (clock === 'event time' && !hasEventTime) throw new UserError('E1205', { where: 'a timer of event time' });
  const isInstant = typeof at === 'object' && at !== null && 'clock' in at && 'epochMs' in at;
  if (isInstant && at.clock === clock && Number.isSafeInteger(at.epochMs)) return Number(at.epochMs);
  const got = isInstant ? `an instant of ${String(at.clock)}` : typeof at === 'number' ? `the number ${at}` : typeof at;
  throw new UserError('E1330', { clock, got });
}
