/**
 * A promise that another part of the program can resolve, and the signal that ends a sleep with it.
 *
 * Invariant: waking is once and for all; whoever wants to be woken again takes another one.
 */
import type { AbortSignalLike } from './clock.ts';

export class Wake implements AbortSignalLike {
  readonly promise: Promise<void>;
  aborted = false;
  #resolve: () => void = () => undefined;
  readonly #listeners = new Set<() => void>();

  constructor() {
    this.promise = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  wake(): void {
    this.aborted = true;
    this.#resolve();
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener);
  }
}
