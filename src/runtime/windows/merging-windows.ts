/**
 * The open sessions of the selected key: which there are, and under which window each keeps its contents. A session that
 * grows keeps the place of its contents; only the windows that a row joins together are moved.
 *
 * Invariants
 *  1. No two sessions of a key touch.
 *  2. The place of a session's contents is a window that was once a session of the key, and of no other session now.
 */
import { assert } from '../../base/assert.ts';
import type { KeyedTable } from '../../state/keyed-state.ts';
import { decodeWindow, encodeWindow, sameWindow, touches, type Window } from './window.ts';

export interface Session {
  readonly window: Window;
  /** Where its contents stand. */
  readonly place: Window;
}

/** What a row's window became. `joined` is empty when it fell into a session or founded one. */
export interface Joining extends Session {
  readonly joined: readonly Session[];
}

export class MergingWindows {
  readonly #table: KeyedTable;

  constructor(table: KeyedTable) {
    this.#table = table;
  }

  /** Sessions of the key in order of their founding. */
  sessions(): readonly Session[] {
    return [...this.#table.entries()].map(({ sub, value }) => ({
      window: decodeWindow(sub),
      place: decodeWindow(value),
    }));
  }

  placeOf(window: Window): Window | undefined {
    const found = this.#table.get(encodeWindow(window));
    return found === undefined ? undefined : decodeWindow(found);
  }

  /** Adds the window of a row: it joins all sessions that it touches. */
  add(window: Window): Joining {
    const met = this.sessions().filter((session) => touches(session.window, window));
    const [first] = met;
    if (first === undefined) {
      this.#table.put(encodeWindow(window), encodeWindow(window));
      return { window, place: window, joined: [] };
    }
    const whole = met.reduce(
      (sum, session) => ({
        start: Math.min(sum.start, session.window.start),
        end: Math.max(sum.end, session.window.end),
      }),
      window,
    );
    if (sameWindow(whole, first.window)) {
      assert(met.length === 1, 'two sessions of a key touch');
      return { ...first, joined: [] };
    }
    for (const session of met) this.#table.delete(encodeWindow(session.window));
    this.#table.put(encodeWindow(whole), encodeWindow(first.place));
    return { window: whole, place: first.place, joined: met };
  }

  retire(window: Window): void {
    this.#table.delete(encodeWindow(window));
  }
}
