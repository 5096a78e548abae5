/**
 * Read-your-writes: a token says what sources had been handed, and `processed` resolves when its effects are in state, or
 * also committed.
 *
 *   token:    source -> split -> position behind the last record
 *   waiting --(every split has handed on so much, nothing of it is on its way)--> processed --(next checkpoint)--> committed
 *
 * Invariants
 *  1. A token is plain data: it may be kept, sent, or written by hand. Positions count as offsets do, across restarts.
 *  2. Processed means that everything up to the token, and all that operators made of it, has gone through the graph: in
 *     state, or handed to sinks. What waits in a window for its watermark is in state.
 *  3. Committed: a checkpoint that was cut after that is durable, and its sinks have committed.
 *  4. A token that the job ends before is rejected (E1340), never left open. One that was processed when the job finished or
 *     was suspended is kept by its last checkpoint: processed and committed, also for whoever asks afterwards.
 */
import { UserError } from '../base/errors.ts';
import { isRecord, mistake } from '../base/mistake.ts';
import { type AnswersLater, answersLater } from './operator.ts';
import type { SourceDriver } from './source-driver.ts';
import type { Task } from './task.ts';

/** Positions by uid of the source and split. A source or split that is left out is not waited for. */
export interface Token {
  readonly [source: string]: { readonly [split: string]: number };
}

export interface ProcessedOptions {
  /** Wait for the next checkpoint as well: results are then visible in sinks that commit, and survive a crash. */
  readonly committed?: boolean;
}

interface Asked {
  /** Whether sources have handed on all that is waited for. */
  readonly isHandedOn: () => boolean;
  /** What to reject with when the job ends before. */
  readonly error: (status: string) => UserError;
  readonly committed: boolean;
}

interface Waiter extends Asked {
  readonly resolve: () => void;
  readonly reject: (error: UserError) => void;
  /** Asynchronous functions that are still to be waited for, in the order of the graph; undefined: sources are. */
  left: readonly AnswersLater[] | undefined;
  /** How many rows the first of these had taken when all before it was done. */
  taken: number;
}

export class Tokens {
  readonly #task: Task;
  #waiting: Waiter[] = [];
  /** Processed, and to be committed: since the last cut, and by the checkpoint in progress. */
  #processed: Waiter[] = [];
  #cut: Waiter[] = [];
  #ended: string | undefined;

  constructor(task: Task) {
    this.#task = task;
  }

  /** Throws E1341 for what the job does not read, E1006 for what is no token. */
  processed(token: Token, options: ProcessedOptions): Promise<void> {
    this.#requireToken(token);
    return this.#wait({
      isHandedOn: () => this.#isHandedOn(token),
      error: (status) => new UserError('E1340', { status }),
      committed: options.committed === true,
    });
  }

  /** The same for the first `rows` units of a source, over all of its splits. Throws E1006 for what is no number of rows. */
  rows(source: SourceDriver, rows: number, options: ProcessedOptions): Promise<void> {
    requirePosition(`the number of rows of '${source.uid}'`, rows);
    return this.#wait({
      isHandedOn: () => source.progress().read >= rows && source.positions().every(({ isHeld }) => !isHeld),
      error: (status) => new UserError('E1336', { source: source.uid, position: rows, status }),
      committed: options.committed === true,
    });
  }

  #wait(asked: Asked): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...asked, resolve, reject, left: undefined, taken: 0 });
      if (this.#ended !== undefined) this.end(this.#ended);
    });
  }

  /** After each step: lets go whoever waited for what has been done. */
  advance(): void {
    if (this.#waiting.length === 0 || !this.#task.quiet) return;
    const done = this.#waiting.filter((waiter) => this.#isDone(waiter));
    if (done.length === 0) return;
    this.#waiting = this.#waiting.filter((waiter) => !done.includes(waiter));
    for (const waiter of done) {
      if (waiter.committed) this.#processed.push(waiter);
      else waiter.resolve();
    }
  }

  /** A checkpoint is being cut. */
  cut(): void {
    this.advance();
    this.#cut.push(...this.#processed.splice(0));
  }

  /** The checkpoint that was cut last is committed. */
  committed(): void {
    for (const waiter of this.#cut.splice(0)) waiter.resolve();
  }

  /** The job has ended: nothing more will be processed. */
  end(status: string): void {
    this.#ended = status;
    if (status === 'finished' || status === 'suspended') {
      // Nothing went on since the last checkpoint was cut, so it has all that is done.
      this.cut();
      this.committed();
    }
    const left = [...this.#waiting.splice(0), ...this.#processed.splice(0), ...this.#cut.splice(0)];
    for (const { reject, error } of left) reject(error(status));
  }

  /**
   * Function by function: what has come out of one is in the next, or further on, as soon as the graph is quiet. What the next
   * has taken by then is all that it has to be waited for, however much comes behind.
   */
  #isDone(waiter: Waiter): boolean {
    if (waiter.left === undefined) {
      if (!waiter.isHandedOn()) return false;
      this.#waitFor(
        waiter,
        this.#task.operators.filter((operator) => answersLater(operator)),
      );
    }
    for (let [first, ...rest] = waiter.left ?? []; first !== undefined; [first, ...rest] = rest) {
      if (first.settled < waiter.taken) return false;
      this.#waitFor(waiter, rest);
    }
    return true;
  }

  #waitFor(waiter: Waiter, left: readonly AnswersLater[]): void {
    waiter.left = left;
    waiter.taken = left[0]?.received ?? 0;
  }

  #isHandedOn(token: Token): boolean {
    return this.#task.sources.every((source) => {
      const asked = token[source.uid];
      if (asked === undefined) return true;
      return source.positions().every(({ id, position, isHeld }) => {
        const until = asked[id];
        return until === undefined || (position >= until && !isHeld);
      });
    });
  }

  #requireToken(token: Token): void {
    requireRecord('the token', 'an object of sources, such as { orders: { rows: 17 } }', token);
    for (const [uid, splits] of Object.entries(token)) {
      const source = this.#task.sources.find((each) => each.uid === uid);
      if (source === undefined) throw new UserError('E1341', { name: uid });
      requireRecord(`'${uid}' of the token`, 'an object of positions by split, such as { rows: 17 }', splits);
      const known = new Set(source.positions().map(({ id }) => id));
      for (const [split, position] of Object.entries(splits)) {
        if (!known.has(split)) throw new UserError('E1341', { name: `${uid}/${split}` });
        requirePosition(`'${uid}/${split}' of the token`, position);
      }
    }
  }
}

function requireRecord(what: string, needs: string, given: unknown): void {
  if (!isRecord(given)) throw mistake(what, needs, given);
}

function requirePosition(what: string, given: unknown): void {
  if (typeof given === 'number' && Number.isSafeInteger(given) && given >= 0) return;
  throw mistake(what, 'a whole number from 0 on', given);
}
