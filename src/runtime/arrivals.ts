/** Those who wait until what a source gave has gone through the whole job: reading what one has written. */
import { UserError } from '../base/errors.ts';
import type { JobStatus } from './job-settings.ts';
import type { SourceDriver } from './source-driver.ts';

interface Waiting {
  readonly source: SourceDriver;
  readonly position: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class Arrivals {
  readonly #wake: () => void;
  #waiting: readonly Waiting[] = [];
  #end: JobStatus | undefined;

  /** `wake` makes the job look, when it waits for input. */
  constructor(wake: () => void) {
    this.#wake = wake;
  }

  /** Resolves when `check` finds the source at or behind the position; rejects when the job ends before (E1336). */
  async wait(source: SourceDriver, position: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting = [...this.#waiting, { source, position, resolve, reject }];
      if (this.#end === undefined) this.#wake();
      else this.end(this.#end);
    });
  }

  /** Only when the graph is quiet: what was read has been made into all that it makes. */
  check(): void {
    if (this.#waiting.length === 0) return;
    const there = this.#waiting.filter(({ source, position }) => source.progress().read >= position);
    this.#waiting = this.#waiting.filter((waiting) => !there.includes(waiting));
    for (const { resolve } of there) resolve();
  }

  /** The job has ended. */
  end(status: JobStatus): void {
    this.#end = status;
    this.check();
    for (const { source, position, reject } of this.#waiting) {
      reject(new UserError('E1336', { source: source.uid, position, status }));
    }
    this.#waiting = [];
  }
}
