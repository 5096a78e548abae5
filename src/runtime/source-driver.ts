/**
 * Reads one source: gives its splits turns and pushes what they yield into the graph, one batch a step.
 *
 * Invariants
 *  1. Replayable splits take turns by rule, never by arrival: a turn lasts to the next multiple of the source's quantum of
 *     the split's own position; the next turn goes to the split with the lowest largest timestamp, ties to the first. While
 *     that split's input is on its way the source waits, even when another split could go on. So a replay interleaves, and
 *     decides lateness, as the first run did.
 *  2. Live splits are read as their input arrives.
 *  3. A split ends right behind its last byte, before anything else is read of any split, one that is empty before the first
 *     record: so lateness depends neither on reads nor on restarts. The source's end follows the last split's.
 * State in the manifest: per split id its offset, position, largest timestamp, whether it has ended; the split whose turn it is.
 */
import type { Json } from '../base/json.ts';
import { type EventTimeMs, eventTimeMs, MIN_TIME } from '../base/time.ts';
import type { ReaderCounters, SourceConnector, SourceSplit, SplitReader } from '../connector/source.ts';
import type { RecordBatch } from '../data/record-batch.ts';
import type { ColumnType } from '../data/types.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import { WatermarkKernels } from '../kernel/watermark.ts';
import { emptyLedger } from '../metrics/ledger.ts';
import type { Output } from './operator.ts';

interface Split {
  readonly split: SourceSplit;
  readonly index: number;
  reader: SplitReader | undefined;
  max: EventTimeMs;
  ended: boolean;
  /** Position and offset at the end of a split whose reader is closed. */
  position: number;
}

export interface SourceDriverOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly output: Output;
  readonly connector: SourceConnector;
  readonly splits: readonly SourceSplit[];
  /** Event time column that orders the turns; undefined: positions alone do. */
  readonly eventTime: { readonly column: number; readonly type: ColumnType } | undefined;
  readonly open: (split: SourceSplit, index: number, offset: Json | undefined) => Promise<SplitReader>;
}

interface SplitState {
  readonly offset: Json;
  readonly position: number;
  readonly max: number;
  readonly ended: boolean;
}

/** What a step did: some work (a batch, an end, a change of turn), must wait for input, or there is nothing more to read. */
export type SourceStep = 'worked' | 'wait' | 'end';

export class SourceDriver {
  // configuration
  readonly uid: string;
  readonly #options: SourceDriverOptions;
  // transient
  readonly ledger = emptyLedger();
  readonly #kernels: WatermarkKernels;
  #ended = false;
  /** Of readers that are closed. */
  #counted: ReaderCounters = { fastRows: 0, generalRows: 0 };
  /** Splits of which nothing is left: their ends are the next steps. Follows from positions, so a restart finds it again. */
  readonly #ending: Split[] = [];
  // checkpointed
  readonly #splits: Split[];
  #current: Split | undefined;
  #turnEnd = 0;

  constructor(options: SourceDriverOptions) {
    this.uid = options.uid;
    this.#options = options;
    this.#kernels = new WatermarkKernels(options.kernels);
    this.#splits = options.splits.map((split, index) => ({
      split,
      index,
      reader: undefined,
      max: MIN_TIME,
      ended: false,
      position: 0,
    }));
  }

  /** Opens the readers at their restored offsets, or at the beginning. Call once, after `restore` when there is a checkpoint. */
  async open(restored: Json | undefined): Promise<void> {
    // What snapshot wrote; the manifest's checksum was verified.
    const state = restored as
      | undefined
      | { splits: { [id: string]: SplitState }; current: string | null; turnEnd: number };
    for (const split of this.#splits) {
      const before = state?.splits[split.split.id];
      split.max = eventTimeMs(before?.max ?? MIN_TIME);
      split.position = before?.position ?? 0;
      split.ended = before?.ended ?? false;
      if (split.ended) continue;
      split.reader = await this.#options.open(split.split, split.index, before?.offset);
      if (!this.live && this.#isAtEnd(split)) this.#ending.push(split);
    }
    if (state === undefined) return;
    this.#current = this.#splits.find(({ split }) => split.id === state.current);
    this.#turnEnd = state.turnEnd;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Units read so far and in all (undefined when some split does not know), for progress. */
  progress(): { readonly read: number; readonly size: number | undefined } {
    let read = 0;
    let size: number | undefined = 0;
    for (const { split, reader, position } of this.#splits) {
      read += reader?.position ?? position;
      size = size === undefined || split.size === undefined ? undefined : size + split.size;
    }
    return { read, size };
  }

  /** What readers counted since the start, those of ended splits included. */
  counters(): ReaderCounters {
    return this.#splits.reduce((sum, { reader }) => added(sum, reader?.counters), this.#counted);
  }

  /** Each split with where it stands, for `explainWindow` and `inspect`. */
  positions(): readonly { readonly id: string; readonly position: number; readonly ended: boolean }[] {
    return this.#splits.map(({ split, reader, position, ended }) => ({
      id: split.id,
      position: reader?.position ?? position,
      ended,
    }));
  }

  get live(): boolean {
    return this.#options.connector.live;
  }

  /** Whether a split's turn has begun and not ended, or ends of splits are due. */
  get inTurn(): boolean {
    return this.#current !== undefined || this.#ending.length > 0;
  }

  /** Largest timestamp of the split whose turn would be next: how replayable sources are ordered among each other. */
  nextMax(): EventTimeMs {
    return this.#lowest()?.max ?? MIN_TIME;
  }

  step(): SourceStep {
    if (this.#ended) return 'end';
    return this.#options.connector.live ? this.#stepLive() : this.#stepReplayable();
  }

  /** Resolves when a step may do something again after it answered 'wait'. */
  async ready(): Promise<void> {
    if (!this.#options.connector.live) {
      await this.#current?.reader?.ready();
      return;
    }
    await Promise.race(this.#splits.flatMap(({ reader }) => (reader === undefined ? [] : [reader.ready()])));
  }

  /** Ends all input here, for a drain: nothing more is read. */
  finish(): void {
    for (const split of this.#splits) if (!split.ended) this.#endSplit(split);
    this.#end();
  }

  snapshot(): Json {
    const splits: { [id: string]: Json } = {};
    for (const { split, reader, max, ended, position } of this.#splits) {
      splits[split.id] = { offset: reader?.offset() ?? null, position: reader?.position ?? position, max, ended };
    }
    return { splits, current: this.#current?.split.id ?? null, turnEnd: this.#turnEnd };
  }

  async close(): Promise<void> {
    for (const { reader } of this.#splits) await reader?.close();
  }

  #stepReplayable(): SourceStep {
    const ending = this.#ending.shift();
    if (ending !== undefined) {
      this.#endSplit(ending);
      if (this.#current === ending) this.#current = undefined;
      return 'worked';
    }
    this.#current ??= this.#nextTurn();
    const split = this.#current;
    if (split?.reader === undefined) {
      this.#end();
      return 'end';
    }
    const polled = split.reader.poll(this.#turnEnd);
    if (polled === 'wait') return 'wait';
    if (polled === 'end') {
      this.#current = undefined;
      this.#endSplit(split);
      return 'worked';
    }
    if (polled !== 'quantum end') this.#emit(split, polled);
    if (this.#isAtEnd(split)) this.#ending.push(split);
    else if (polled === 'quantum end') this.#current = undefined;
    return 'worked';
  }

  #isAtEnd({ split, reader }: Split): boolean {
    return split.size !== undefined && reader !== undefined && reader.position >= split.size;
  }

  #stepLive(): SourceStep {
    let open = 0;
    for (const split of this.#splits) {
      if (split.reader === undefined) continue;
      const polled = split.reader.poll(Number.POSITIVE_INFINITY);
      if (polled === 'end') {
        this.#endSplit(split);
        return 'worked';
      }
      open++;
      if (polled !== 'wait' && polled !== 'quantum end') {
        this.#emit(split, polled);
        return 'worked';
      }
    }
    if (open > 0) return 'wait';
    this.#end();
    return 'end';
  }

  #lowest(): Split | undefined {
    let next: Split | undefined;
    for (const split of this.#splits) {
      if (split.reader !== undefined && (next === undefined || this.#before(split, next))) next = split;
    }
    return next;
  }

  /** The split whose turn is next: lowest largest timestamp, then lowest position in quanta, then first. */
  #nextTurn(): Split | undefined {
    const next = this.#lowest();
    if (next?.reader !== undefined) {
      const { quantum } = this.#options.connector;
      this.#turnEnd = (Math.floor(next.reader.position / quantum) + 1) * quantum;
    }
    return next;
  }

  #before(a: Split, b: Split): boolean {
    if (this.#options.eventTime !== undefined) return a.max < b.max;
    const { quantum } = this.#options.connector;
    return Math.floor((a.reader?.position ?? 0) / quantum) < Math.floor((b.reader?.position ?? 0) / quantum);
  }

  #emit(split: Split, batch: RecordBatch): void {
    const { eventTime, output } = this.#options;
    const timestamps = eventTime === undefined ? undefined : batch.columns[eventTime.column];
    if (eventTime !== undefined && timestamps !== undefined) {
      split.max = this.#kernels.max(timestamps, eventTime.type, batch.rows, split.max);
    }
    this.ledger.in += batch.selected;
    this.ledger.out += batch.selected;
    output.batch(batch);
  }

  #endSplit(split: Split): void {
    split.ended = true;
    split.position = split.reader?.position ?? split.position;
    this.#counted = added(this.#counted, split.reader?.counters);
    // Closing a reader that has nothing more to read cannot fail in a way that matters; its file handle goes with it.
    void split.reader?.close().catch(() => undefined);
    split.reader = undefined;
    this.#options.output.end({ source: this.uid, split: split.index });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.output.end();
  }
}

const added = (sum: ReaderCounters, more: ReaderCounters = { fastRows: 0, generalRows: 0 }): ReaderCounters => ({
  fastRows: sum.fastRows + more.fastRows,
  generalRows: sum.generalRows + more.generalRows,
});
