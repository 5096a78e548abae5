/**
 * A task: sources, operators and sinks that run in one loop on one thread, over one kernel instance. Synchronous: a step
 * does one bounded piece of work and returns. Waiting, time and persistence are the run's (job-run.ts).
 *
 *   step:  an operator with `more`, furthest downstream?  -> resume it
 *          an operator whose timer is due?                -> tell it the time
 *          otherwise the next source                      -> one batch through the chain
 *
 * Invariants
 *  1. Sources are stepped only when no operator has `more`: a quiet graph is the only place for a barrier.
 *  2. Replayable sources take turns among each other by the rule that their splits follow (source-driver.ts): a turn is not
 *     interrupted, the next goes to the lowest largest timestamp. Of the live sources that have something the one goes on
 *     that was read the longest time ago: none waits until another has nothing.
 *  3. Operators stand in topological order, each before its own edges; `resume` goes to the last that has `more`.
 *  4. A task that has ended holds no rows but those that are folded into state without an end.
 */
import { assert } from '../base/assert.ts';
import type { Json } from '../base/json.ts';
import type { ProcessingTimeMs } from '../base/time.ts';
import { type LedgerEntry, checkLedger } from '../metrics/ledger.ts';
import type { Operator } from './operator.ts';
import type { SinkOperator } from './operators/sink.ts';
import type { SourceDriver } from './source-driver.ts';

/** An operator as the task holds it: with its ledger entry. */
export type TaskOperator = Operator & { readonly ledger: LedgerEntry };

type Resumed = Pick<Operator, 'more' | 'resume'>;

/** 'worked': call again. 'wait': only input that is on its way can help. 'end': nothing is left to do. */
export type TaskStep = 'worked' | 'wait' | 'end';

export class Task {
  readonly sources: readonly SourceDriver[];
  readonly operators: readonly TaskOperator[];
  readonly sinks: readonly SinkOperator[];
  /** All that may have `more`. */
  readonly #order: readonly Resumed[];
  #turn = 0;
  /** The live sources, the one that was read the longest time ago first. */
  #live: SourceDriver[];
  /** The replayable source that was stepped last, unless it has ended. */
  #replayable: SourceDriver | undefined;

  /** `order`: the operators with the edges on which something may wait. */
  constructor(
    sources: readonly SourceDriver[],
    operators: readonly TaskOperator[],
    sinks: readonly SinkOperator[],
    order: readonly Resumed[] = operators,
  ) {
    this.sources = sources;
    this.#live = sources.filter(({ live }) => live);
    this.operators = operators;
    this.sinks = sinks;
    this.#order = order;
  }

  /** Whether no output of earlier input remains to be made: the only moment for a barrier. */
  get quiet(): boolean {
    return this.#pending() === undefined;
  }

  /** `now` is asked only when an operator has a timer. */
  step(now: () => ProcessingTimeMs): TaskStep {
    const pending = this.#pending();
    if (pending !== undefined) {
      pending.resume();
      return 'worked';
    }
    if (this.#tellTime(now)) return 'worked';
    if (this.operators.some(({ waiting }) => waiting === 'full')) return 'wait';
    const step = this.#stepSource(now);
    return step === 'end' && this.operators.some(({ waiting }) => waiting === 'some') ? 'wait' : step;
  }

  /** The earliest time at which an operator wants to be told the time, or a live source looks for idle splits. */
  nextTimer(): ProcessingTimeMs | undefined {
    return earliestOf([...this.operators, ...this.sources]);
  }

  /**
   * Resolves when a step may do something again after 'wait'. Of the replayable sources only the one whose turn it is counts:
   * another that has input must not wake the task, because it may not go on.
   */
  async ready(): Promise<void> {
    const live = this.#live.filter(({ ended }) => !ended);
    const sources = this.#replayable === undefined ? live : [...live, this.#replayable];
    const full = this.operators.some(({ waiting }) => waiting === 'full');
    const operators = this.operators.filter(({ waiting }) => waiting === 'some' || waiting === 'full');
    await Promise.race([
      ...(full ? [] : sources.map((source) => source.ready())),
      ...operators.map((operator) => operator.ready?.()),
    ]);
  }

  /** Ends the input of all sources where they stand. */
  finish(): void {
    for (const source of this.sources) if (!source.ended) source.finish();
  }

  /** Gives back what sources and operators hold. What fails in that is dropped: nobody needs it any more. */
  async close(): Promise<void> {
    for (const operator of this.operators) operator.close?.();
    for (const source of this.sources) await source.close().catch(() => undefined);
  }

  /** Every entry must balance while the graph is quiet. At the end rows that an operator still holds would be lost. */
  checkLedgers(isEnd: boolean): void {
    for (const { uid, ledger } of [...this.sources, ...this.operators]) checkLedger(uid, ledger);
    for (const { uid, ledger, keepsRows } of this.operators)
      assert(!isEnd || ledger.held === 0 || keepsRows === true, `${uid} still holds rows`);
  }

  /** What operators and sources keep outside the arena, by uid. */
  snapshot(): {
    readonly operators: { readonly [uid: string]: Json };
    readonly sources: { readonly [uid: string]: Json };
  } {
    return {
      operators: Object.fromEntries(this.operators.map((operator) => [operator.uid, operator.snapshot()])),
      sources: Object.fromEntries(this.sources.map((source) => [source.uid, source.snapshot()])),
    };
  }

  #tellTime(now: () => ProcessingTimeMs): boolean {
    const due = earliestOf(this.operators);
    if (due === undefined) return false;
    const time = now();
    if (time < due) return false;
    for (const operator of this.operators) {
      if (operator.nextTimer === undefined || operator.nextTimer > time) continue;
      operator.processTime?.(time);
      return true;
    }
    return false;
  }

  #pending(): Resumed | undefined {
    for (let i = this.#order.length - 1; i >= 0; i--) {
      const last = this.#order[i];
      if (last?.more === true) return last;
    }
    return undefined;
  }

  /** One step of a live source that has something, else of the replayable source whose turn it is. They alternate. */
  #stepSource(now: () => ProcessingTimeMs): TaskStep {
    this.#turn = (this.#turn + 1) % 2;
    const first = this.#turn === 0 ? this.#stepLive(now) : this.#stepReplayable(now);
    if (first === 'worked') return 'worked';
    const second = this.#turn === 0 ? this.#stepReplayable(now) : this.#stepLive(now);
    if (second === 'worked') return 'worked';
    return first === 'wait' || second === 'wait' ? 'wait' : 'end';
  }

  #stepLive(now: () => ProcessingTimeMs): TaskStep {
    let result: TaskStep = 'end';
    for (const source of this.#live) {
      if (source.ended) continue;
      if (source.step(now) !== 'wait') {
        if (this.#live.length > 1) this.#live = [...this.#live.filter((other) => other !== source), source];
        return 'worked';
      }
      result = 'wait';
    }
    return result;
  }

  #stepReplayable(now: () => ProcessingTimeMs): TaskStep {
    let next: SourceDriver | undefined;
    for (const source of this.sources) {
      if (source.live || source.ended) continue;
      if (source.inTurn) {
        next = source;
        break;
      }
      if (next === undefined || source.nextMax() < next.nextMax()) next = source;
    }
    this.#replayable = next;
    if (next === undefined) return 'end';
    return next.step(now) === 'wait' ? 'wait' : 'worked';
  }
}

function earliestOf(
  all: readonly { readonly nextTimer?: ProcessingTimeMs | undefined }[],
): ProcessingTimeMs | undefined {
  let earliest: ProcessingTimeMs | undefined;
  for (const { nextTimer } of all) {
    if (nextTimer !== undefined && (earliest === undefined || nextTimer < earliest)) earliest = nextTimer;
  }
  return earliest;
}
