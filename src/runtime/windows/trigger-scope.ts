/**
 * What a trigger works with for one key and window: the clocks, its numbers in keyed state, its timers. One object for
 * all windows of an operator, moved from window to window.
 *
 * Keyed by window: timers have the window as tag; a number stands at window | name.
 */
import type { WindowClock } from '../../plan/logical.ts';
import type { KeyedState, KeyedTable, TimerService } from '../../state/keyed-state.ts';
import type { MergeContext, TriggerNumber } from './trigger.ts';
import { encodeWindow, GLOBAL_WINDOW, type Window, WINDOW_BYTES } from './window.ts';

export class TriggerScope implements MergeContext {
  window: Window = GLOBAL_WINDOW;
  /** Windows that went into this one, while they are being joined. */
  joined: readonly Window[] = [];
  watermark = 0;
  now = 0;
  readonly #state: KeyedState;
  readonly #numbers: KeyedTable;
  readonly #names = new Map<string, Uint8Array>();

  constructor(state: KeyedState, numbers: KeyedTable) {
    this.#state = state;
    this.#numbers = numbers;
  }

  // Functions of their own, not methods: users take them out of the context.
  readonly number = (name: string): TriggerNumber => this.#numberOf(this.window, name);

  readonly mergeNumber = (name: string, combine: (a: number, b: number) => number): number | undefined => {
    let merged: number | undefined;
    for (const window of this.joined) {
      const number = this.#numberOf(window, name);
      const value = number.get();
      number.clear();
      if (value !== undefined) merged = merged === undefined ? value : combine(merged, value);
    }
    if (merged !== undefined) this.number(name).set(merged);
    return merged;
  };

  readonly register = (clock: WindowClock, time: number): void => {
    this.#timers(clock).register(time, encodeWindow(this.window));
  };

  readonly unregister = (clock: WindowClock, time: number): void => {
    this.#timers(clock).delete(time, encodeWindow(this.window));
  };

  #timers(clock: WindowClock): TimerService {
    return clock === 'event time' ? this.#state.eventTimers : this.#state.processingTimers;
  }

  #numberOf(window: Window, name: string): TriggerNumber {
    const sub = this.#subOf(window, name);
    const table = this.#numbers;
    return {
      get() {
        const value = table.get(sub);
        return value === undefined ? undefined : new DataView(value.buffer, value.byteOffset, 8).getFloat64(0, true);
      },
      set(value) {
        const bytes = new Uint8Array(8);
        new DataView(bytes.buffer).setFloat64(0, value, true);
        table.put(sub, bytes);
      },
      clear() {
        table.delete(sub);
      },
    };
  }

  #subOf(window: Window, name: string): Uint8Array {
    let text = this.#names.get(name);
    if (text === undefined) this.#names.set(name, (text = new TextEncoder().encode(name)));
    const sub = encodeWindow(window, text.length);
    sub.set(text, WINDOW_BYTES);
    return sub;
  }
}
