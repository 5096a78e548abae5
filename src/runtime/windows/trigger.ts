/**
 * When a window fires: the contract of triggers. A trigger sees each row of a window, and the timers that it asked for;
 * it answers whether the window fires now and whether its contents go.
 *
 * Invariants
 *  1. A trigger is one object for all keys and windows: what it remembers stands in the context's numbers.
 *  2. `clear` takes back all timers and numbers that the trigger still has for the window.
 *  3. After `onMerge` of the joined window, each window that went into it is cleared.
 *  4. A timer of a window that is gone is never told.
 */
import type { WindowClock } from '../../plan/logical.ts';
import type { Row } from '../../format/row-view.ts';
import type { Window } from './window.ts';

export interface Answer {
  readonly fire: boolean;
  /** The contents go, after firing. */
  readonly purge: boolean;
}

export const CONTINUE: Answer = { fire: false, purge: false };
export const FIRE: Answer = { fire: true, purge: false };
export const PURGE: Answer = { fire: false, purge: true };
export const FIRE_AND_PURGE: Answer = { fire: true, purge: true };

/** A number that a trigger keeps for a key and window. */
export interface TriggerNumber {
  get(): number | undefined;
  set(value: number): void;
  clear(): void;
}

export interface TriggerContext {
  readonly window: Window;
  readonly watermark: number;
  /** Processing time. */
  readonly now: number;
  number(name: string): TriggerNumber;
  /** Asks for `onTime` at this instant of a clock; asking twice is asking once. */
  register(clock: WindowClock, time: number): void;
  unregister(clock: WindowClock, time: number): void;
}

export interface MergeContext extends TriggerContext {
  /** Takes the number of all joined windows out of them and sets what `combine` makes of it; that, or undefined. */
  mergeNumber(name: string, combine: (a: number, b: number) => number): number | undefined;
}

export interface TriggerRow {
  /** Event time, or the time of arrival when the window is of processing time. */
  readonly time: number;
  readonly row: Row;
}

/** Says when a window gives results. Windows without one fire when event time has passed their end. */
export interface Trigger {
  /** Whether it needs to be told the time of arrival of rows. */
  readonly usesClock: boolean;
  /** Undefined: windows of this trigger cannot be joined. */
  readonly onMerge: ((context: MergeContext) => void) | undefined;
  onRow(row: TriggerRow, context: TriggerContext): Answer;
  onTime(clock: WindowClock, time: number, context: TriggerContext): Answer;
  clear(context: TriggerContext): void;
}
