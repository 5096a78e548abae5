/** A port whose calls, and those of files that it opens, can be held back: a process that is put to sleep. */

/** Calls from number `from` on wait for `release`; those before go through. Counted from 1. */
export class Holder {
  readonly #from: number;
  readonly #released: Promise<void>;
  #release: () => void = () => undefined;
  calls = 0;
  /** The first call that waited, as 'method first argument'. */
  held: string | undefined;

  constructor(from: number) {
    this.#from = from;
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#release();
  }

  /** `port` with every method asynchronous and held. */
  hold<P extends object>(port: P): P {
    return new Proxy(port, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        return async (...args: unknown[]): Promise<unknown> => {
          this.calls++;
          if (this.calls >= this.#from) {
            this.held ??= `${String(key)} ${String(args[0])}`;
            await this.#released;
          }
          const made: unknown = await Reflect.apply(value, target, args);
          return typeof made === 'object' && made !== null && 'append' in made ? this.hold(made) : made;
        };
      },
    });
  }
}
