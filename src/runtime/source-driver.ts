/**
 * Reads one source: gives its splits turns and pushes what they yield into the graph, one batch a step.
 *
 * Invariants
 *  1. Replayable splits take turns by rule, never by arrival: a turn lasts to the next multiple of the source's quantum of
 *     the split's own position; the next goes to the split with the lowest largest timestamp that watermarks have seen, ties
 *     to the first. While its input is on its way the source waits, even when another split could go on. So a replay
 *     interleaves, and decides lateness, as the first run did.
 *  2. Live splits are read as their input arrives: of those that have some, the one that was read the longest time ago. Where
 *     they may become more while the job runs, the one with the lowest largest timestamp goes before.
 *  3. A split ends right behind its last byte, before anything else is read of any split, one that is empty before the first
 *     record: so lateness depends neither on reads nor on restarts. The source's end follows the last split's.
 *  4. Aligned splits stop in the middle of a batch, at the first row that is too far ahead; the rest waits here. A checkpoint
 *     then has the offset before the batch and how many rows have gone on, and a restart passes over these.
 *  5. A live split that is asked and has nothing for a time is idle; a replayable one never is.
 * Long because turns, idleness and alignment decide together which split is read next.
 * State in the manifest: per split id its offset, position, largest timestamp, whether it has ended; the split whose turn it is.
 */
import { UserError } from '../base/errors.ts';
import type { Json } from '../base/json.ts';
import { type EventTimeMs, eventTimeMs, MAX_TIME, MIN_TIME, type ProcessingTimeMs } from '../base/time.ts';
import type {
  Intake,
  Poll,
  ReaderCounters,
  SourceConnector,
  SourceSplit,
  SplitDiscovery,
  SplitReader,
} from '../connector/source.ts';
import { BATCH_ROWS_MAX, type BatchOrigin, type Ptr, type RecordBatch } from '../data/record-batch.ts';
import type { ColumnType } from '../data/types.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import { unitsPerMs, WatermarkKernels } from '../kernel/watermark.ts';
import { emptyLedger } from '../metrics/ledger.ts';
import type { Output } from './operator.ts';
import { type AlignedSplit, type AlignmentGroup, limitOf } from './progress/alignment.ts';
import { Idleness } from './progress/idleness.ts';

interface Split extends AlignedSplit {
  readonly split: SourceSplit;
  readonly origin: BatchOrigin;
  idleness: Idleness;
  reader: SplitReader | undefined;
  max: EventTimeMs;
  ended: boolean;
  /** Position at the end of a split whose reader is closed. */
  position: number;
  /** An aligned split's batch of which rows have to wait. */
  held: Held | undefined;
  /** Of a split that may have to stop in a batch: where the reader stood before it was polled last. */
  batchOffset: Json;
  /** Rows that the reader has given, and had given before it was polled last. */
  rows: number;
  batchRow: number;
  /** Rows to pass over after a restart, and where the batch that they were of ended. */
  skip: number;
  skipUntil: number;
  /** End of the turn that the split had to give up. */
  brokenTurnEnd: number | undefined;
  /** When a row of it is to be followed next. */
  followAt: number;
  /** Since when the rows that were polled last were at hand. */
  arrivedAt: ProcessingTimeMs | undefined;
}

interface Held {
  readonly batch: RecordBatch;
  /** Where the batch began, in the reader's own terms, and the number of its first row. */
  readonly offset: Json;
  readonly firstRow: number;
  /** Rows of it that never go on. */
  readonly dropped: number;
  /** Rows of it that have gone on. */
  at: number;
}

export interface SourceDriverOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly output: Output;
  readonly connector: SourceConnector;
  readonly splits: readonly SourceSplit[];
  /** Event time column: how far ahead a row is. Undefined: the rows have none yet. */
  readonly eventTime: { readonly column: number; readonly type: ColumnType } | undefined;
  /**
   * Where the operators that make watermarks of these rows, here or below other steps, see a split: its largest timestamp
   * that is not from the future. It orders the turns. Undefined: the largest of all; without event time positions alone.
   */
  readonly maxOf?: ((origin: BatchOrigin) => EventTimeMs) | undefined;
  /** A live split that has nothing for so long is idle; undefined: never. */
  readonly idleAfterMs?: number | undefined;
  readonly align?: Alignment | undefined;
  /** Decides which rows go on, and how fast. */
  readonly intake?: Intake | undefined;
  readonly open: (split: SourceSplit, index: number, offset: Json | undefined) => Promise<SplitReader>;
  /** Splits that come into being from here on. */
  readonly newSplits?: SplitDiscovery | undefined;
  /** Told of such a split before its first row. */
  readonly onSplit?: (split: SourceSplit, origin: BatchOrigin) => void;
}

export interface Alignment {
  readonly group: Pick<AlignmentGroup, 'join' | 'others'>;
  readonly maxDriftMs: number;
  /** Rows so far ahead of their split move nothing, so nobody has to wait for others on their account. */
  readonly skewMs: number | undefined;
}

/** Who follows single rows of a source, to measure lag. */
export interface RowFollower {
  /** Of each split one row in so many milliseconds. */
  readonly everyMs: number;
  readonly now: () => ProcessingTimeMs;
  /** A row with this event time, at hand since `arrived`, goes on with its batch. Undefined: it has none; just now. */
  follow(event: EventTimeMs | undefined, arrived: ProcessingTimeMs | undefined): void;
}

interface SplitState {
  readonly offset: Json;
  readonly position: number;
  readonly max: number;
  readonly ended: boolean;
  readonly idle?: boolean;
  readonly skip?: number;
  readonly skipUntil?: number;
  readonly brokenTurnEnd?: number | null;
  readonly rows?: number;
  readonly once?: boolean;
}

interface SourceState {
  readonly live?: boolean;
  readonly intake?: Json;
  readonly splits: { readonly [id: string]: SplitState };
  readonly current: string | null;
  readonly turnEnd: number;
}

/** The splits that had more to read when the snapshot was taken. */
export function unfinishedSplits(snapshot: Json | undefined): readonly SourceSplit[] {
  // What snapshot wrote; the manifest's checksum was verified.
  const state = snapshot as SourceState | undefined;
  return Object.entries(state?.splits ?? {}).flatMap(([id, { ended, once }]) =>
    ended ? [] : [once === true ? { id, once } : { id }],
  );
}

/** What the intake of a source wrote, null when it had none; undefined: there is no checkpoint of the source. */
export function savedIntake(snapshot: Json | undefined): Json | undefined {
  // As above.
  const state = snapshot as SourceState | undefined;
  return state === undefined ? undefined : (state.intake ?? null);
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
  /** Row numbers of the part of a batch that goes on. */
  #selection: Ptr = 0;
  #ended = false;
  #isRestored = false;
  /** The clock of the step in progress. */
  #now: (() => ProcessingTimeMs) | undefined;
  /** Whether rows wait because they would come too fast. */
  #isPaused = false;
  #follower: RowFollower | undefined;
  /** Read last: steps between here and its watermark may have handed rows on since. */
  #pushed: Split | undefined;
  /** Of readers that are closed. */
  #counted: ReaderCounters = { fastRows: 0, generalRows: 0 };
  /** Splits of which nothing is left: their ends are the next steps. Follows from positions, so a restart finds it again. */
  readonly #ending: Split[] = [];
  // checkpointed
  readonly #splits: Split[];
  /** Splits that are not listed at the moment and must not be read again when they are, as the checkpoint has them. */
  #past: { readonly [id: string]: SplitState } = {};
  /** Live splits, the one that was read the longest time ago first. */
  #byTurn: Split[] = [];
  #current: Split | undefined;
  #turnEnd = 0;

  constructor(options: SourceDriverOptions) {
    this.uid = options.uid;
    this.#options = options;
    this.#kernels = new WatermarkKernels(options.kernels);
    this.#splits = [];
    for (const split of options.splits) this.#add(split);
  }

  #add(split: SourceSplit): Split {
    const { uid, align } = this.#options;
    const added: Split = {
      split,
      origin: { source: uid, split: this.#splits.length },
      idleness: new Idleness(this.#idleAfterMs),
      reader: undefined,
      max: MIN_TIME,
      ended: false,
      position: 0,
      held: undefined,
      batchOffset: null,
      rows: 0,
      batchRow: 0,
      skip: 0,
      skipUntil: 0,
      brokenTurnEnd: undefined,
      followAt: Number.NEGATIVE_INFINITY,
      arrivedAt: undefined,
      get isWaitedFor() {
        return !this.ended && !this.idleness.isIdle;
      },
    };
    this.#splits.push(added);
    this.#byTurn.push(added);
    align?.group.join(added);
    return added;
  }

  /** Opens the readers at their restored offsets, or at the beginning. Call once, after `restore` when there is a checkpoint. */
  async open(restored: Json | undefined): Promise<void> {
    // What snapshot wrote; the manifest's checksum was verified.
    const state = restored as SourceState | undefined;
    if (state !== undefined) this.#requireSameKind(state);
    this.#isRestored = state !== undefined;
    const listed = new Set(this.#splits.map(({ split }) => split.id));
    this.#past = Object.fromEntries(
      Object.entries(state?.splits ?? {}).filter(
        ([id, { ended, once }]) => (ended || once === true) && !listed.has(id),
      ),
    );
    for (const split of this.#splits) {
      const before = state?.splits[split.split.id];
      split.max = eventTimeMs(before?.max ?? MIN_TIME);
      split.position = before?.position ?? 0;
      split.ended = before?.ended ?? false;
      if (before?.idle === true) split.idleness = new Idleness(this.#idleAfterMs, true);
      split.rows = before?.rows ?? 0;
      split.skip = before?.skip ?? 0;
      split.skipUntil = before?.skipUntil ?? 0;
      split.brokenTurnEnd = before?.brokenTurnEnd ?? undefined;
      if (split.ended) continue;
      split.reader = await this.#options.open(split.split, split.origin.split, before?.offset);
      if (!this.live && this.#isAtEnd(split)) this.#ending.push(split);
    }
    this.#options.newSplits?.start(this.#splits.length, (split, index) => this.#options.open(split, index, undefined));
    if (state === undefined) return;
    this.#current = this.#splits.find(({ split }) => split.id === state.current);
    this.#turnEnd = state.turnEnd;
  }

  /** Splits of a live source and of one that is read to its end say where they stand in different terms. */
  #requireSameKind({ live = this.live }: SourceState): void {
    if (live === this.live) return;
    const before = live ? 'followed' : 'read to its end';
    const hint = 'run the job as before, or begin anew with another state folder';
    throw new UserError('E1509', { source: this.uid, before }, { hint });
  }

  /** What the options ask of a first start and the checkpoint overrules, for people; undefined: nothing. */
  get overruled(): string | undefined {
    const { startsAt } = this.#options.connector;
    if (!this.#isRestored || startsAt === undefined) return undefined;
    return `source '${this.uid}' goes on as its checkpoint says: ${startsAt} is for a first start`;
  }

  get intake(): Intake | undefined {
    return this.#options.intake;
  }

  followRows(follower: RowFollower): void {
    this.#follower = follower;
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

  /** Each split with where it stands, for `explainWindow`, `inspect` and whoever follows watermarks. */
  positions(): readonly {
    readonly id: string;
    readonly position: number;
    /** Position behind the last record that upstream has handed over, read or not. */
    readonly received: number;
    /** Whether rows before `position` are still to go on. */
    readonly isHeld: boolean;
    readonly ended: boolean;
    readonly isIdle: boolean;
    /** Whether it waits for slower splits of its group. */
    readonly isHeldBack: boolean;
  }[] {
    return this.#splits.map((split) => ({
      id: split.split.id,
      position: split.reader?.position ?? split.position,
      received: split.reader?.received ?? split.reader?.position ?? split.position,
      isHeld: split.held !== undefined,
      ended: split.ended,
      isIdle: split.idleness.isIdle,
      isHeldBack: this.#isHeldBack(split),
    }));
  }

  /** Whether a dead letter at this offset was told before the restart: its batch is read a second time. */
  wasTold(split: number, offset: number): boolean {
    return offset < (this.#splits[split]?.skipUntil ?? 0);
  }

  /** When a live split may become idle. */
  get nextTimer(): ProcessingTimeMs | undefined {
    let earliest = this.#isPaused ? this.#options.intake?.resumesAt : undefined;
    for (const { idleness, reader } of this.#splits) {
      const deadline = reader === undefined ? undefined : idleness.deadline;
      if (deadline !== undefined && (earliest === undefined || deadline < earliest)) earliest = deadline;
    }
    return earliest;
  }

  /** Replayable splits never idle: their input is there, however long it takes to come. */
  get #idleAfterMs(): number | undefined {
    return this.live ? this.#options.idleAfterMs : undefined;
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
    this.#settle();
    return this.#lowest()?.max ?? (this.#isOpen ? MAX_TIME : MIN_TIME);
  }

  /** `now` is asked only when a live split has nothing. */
  step(now?: () => ProcessingTimeMs): SourceStep {
    if (this.#ended) return 'end';
    this.#settle();
    this.#now = now;
    if (this.#mustPause()) return 'wait';
    return this.#options.connector.live ? this.#stepLive(now) : this.#stepReplayable();
  }

  /** Resolves when a step may do something again after it answered 'wait'; a pause ends by `nextTimer`. */
  async ready(): Promise<void> {
    if (this.#isPaused) return new Promise(() => undefined);
    if (!this.#options.connector.live && this.#current !== undefined) {
      await this.#current.reader?.ready();
      return;
    }
    // Splits that are held back are woken by those that they wait for, which are read by the same loop.
    const readers = this.#splits.flatMap((split) =>
      split.reader === undefined || this.#isHeldBack(split) ? [] : [split.reader.ready()],
    );
    const { connector, newSplits } = this.#options;
    await Promise.race(connector.live ? [...readers, ...(newSplits === undefined ? [] : [newSplits.ready()])] : []);
  }

  /** Ends all input here, for a drain: nothing more is read. */
  finish(): void {
    for (const split of this.#splits) if (!split.ended) this.#endSplit(split);
    this.#end();
  }

  snapshot(): Json {
    this.#settle();
    const splits: { [id: string]: Json } = Object.fromEntries(
      Object.entries(this.#past).map(([id, { offset, position, max, ended, once = false }]) => [
        id,
        { offset, position, max, ended, once },
      ]),
    );
    for (const split of this.#splits) splits[split.split.id] = this.#snapshotOf(split);
    const intake = this.#options.intake?.snapshot() ?? null;
    return { live: this.live, splits, current: this.#current?.split.id ?? null, turnEnd: this.#turnEnd, intake };
  }

  #snapshotOf(split: Split): Json {
    const { reader, held, max, ended, idleness, position, skip, skipUntil, brokenTurnEnd, rows } = split;
    const basic = { offset: reader?.offset() ?? null, position: reader?.position ?? position, max, ended, rows };
    const named = split.split.once === true ? { ...basic, once: true } : basic;
    const at = this.live ? { ...named, idle: idleness.isIdle } : named;
    if (!this.#stops && skip === 0 && held === undefined) return at;
    const turn = brokenTurnEnd ?? null;
    if (held === undefined) return { ...at, skip, skipUntil, brokenTurnEnd: turn };
    const { offset, firstRow } = held;
    return { ...at, offset, rows: firstRow, skip: held.at, skipUntil: at.position, brokenTurnEnd: turn };
  }

  async close(): Promise<void> {
    await this.#options.newSplits?.close();
    // Each, although one fails.
    for (const { reader } of this.#splits) await reader?.close().catch(() => undefined);
  }

  /** Whether rows are at hand that would come too fast. Only then: the end of a source waits for nobody. */
  #mustPause(): boolean {
    const { intake } = this.#options;
    if (intake?.isPaced !== true || this.#now === undefined) return false;
    const waiting = this.#splits.filter(({ held }) => held !== undefined);
    this.#isPaused = waiting.length > 0 && intake.allowed(this.#now()) === 0;
    if (this.#isPaused) for (const { idleness } of waiting) idleness.heldBack();
    return this.#isPaused;
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
      if (this.#isOpen) return 'wait';
      this.#end();
      return 'end';
    }
    const { held } = split;
    const polled = held === undefined ? this.#poll(split, split.reader, this.#turnEnd) : undefined;
    if (polled === 'wait') return 'wait';
    if (polled === 'end') {
      this.#current = undefined;
      this.#endSplit(split);
      return 'worked';
    }
    if (polled !== 'quantum end' && !this.#emit(split, polled)) {
      // A pause ends no turn: what follows would depend on the clock.
      if (this.#mustPause()) return 'wait';
      split.brokenTurnEnd = this.#turnEnd;
      this.#current = undefined;
    } else if (split.held === undefined && this.#isAtEnd(split)) this.#ending.push(split);
    else if (polled === 'quantum end') this.#current = undefined;
    return 'worked';
  }

  #poll(split: Split, reader: SplitReader, end: number): Poll {
    if (this.#stops || split.skip > 0) split.batchOffset = reader.offset();
    split.batchRow = split.rows;
    const polled = reader.poll(end);
    split.arrivedAt = reader.arrivedAt;
    return polled;
  }

  /** Whether batches may have to stop in the middle. */
  get #stops(): boolean {
    return this.#options.align !== undefined || this.#options.intake?.isPaced === true;
  }

  get #isOpen(): boolean {
    return this.#splits.some(({ reader }) => reader !== undefined);
  }

  #isAtEnd({ split, reader }: Split): boolean {
    return split.size !== undefined && reader !== undefined && reader.position >= split.size;
  }

  #stepLive(now: (() => ProcessingTimeMs) | undefined): SourceStep {
    this.#adopt();
    let open = this.#options.newSplits === undefined ? 0 : 1;
    for (const split of this.#inOrder()) {
      if (split.reader === undefined) continue;
      open++;
      if (this.#isHeldBack(split)) {
        split.idleness.heldBack();
        continue;
      }
      if (split.held !== undefined && this.#emit(split, undefined)) return this.#hadTurn(split);
      const polled = this.#poll(split, split.reader, Number.POSITIVE_INFINITY);
      if (polled === 'end') {
        this.#endSplit(split);
        return 'worked';
      }
      if (polled === 'wait' || polled === 'quantum end') {
        if (now === undefined || this.#idleAfterMs === undefined || !split.idleness.silent(now())) continue;
        this.#options.output.status('idle', split.origin);
        return 'worked';
      }
      if (split.idleness.active()) this.#options.output.status('active', split.origin);
      if (this.#emit(split, polled)) return this.#hadTurn(split);
    }
    this.#mustPause();
    if (open > 0) return 'wait';
    this.#end();
    return 'end';
  }

  /** Takes in the splits that came into being. */
  #adopt(): void {
    for (const { split, reader } of this.#options.newSplits?.take() ?? []) {
      const added = this.#add(split);
      added.reader = reader;
      this.#options.onSplit?.(split, added.origin);
    }
  }

  /** In turn; where splits are found old rows come first, so that a backlog of files is read about as it came into being. */
  #inOrder(): readonly Split[] {
    if (this.#options.newSplits !== undefined)
      this.#byTurn.sort((a, b) => (a.max === b.max ? 0 : a.max < b.max ? -1 : 1));
    return this.#byTurn;
  }

  #hadTurn(split: Split): 'worked' {
    if (this.#byTurn.length > 1) this.#byTurn = [...this.#byTurn.filter((other) => other !== split), split];
    return 'worked';
  }

  #lowest(): Split | undefined {
    let next: Split | undefined;
    for (const split of this.#splits) {
      if (split.reader === undefined || this.#isHeldBack(split)) continue;
      if (next === undefined || this.#before(split, next)) next = split;
    }
    return next;
  }

  /** The split whose turn is next: lowest largest timestamp, then lowest position in quanta, then first. */
  #nextTurn(): Split | undefined {
    const next = this.#lowest();
    if (next?.reader !== undefined) {
      const { quantum } = this.#options.connector;
      this.#turnEnd = next.brokenTurnEnd ?? (Math.floor(next.reader.position / quantum) + 1) * quantum;
      next.brokenTurnEnd = undefined;
    }
    return next;
  }

  #before(a: Split, b: Split): boolean {
    if (this.#options.maxOf ?? this.#options.eventTime) return a.max < b.max;
    const { quantum } = this.#options.connector;
    return Math.floor((a.reader?.position ?? 0) / quantum) < Math.floor((b.reader?.position ?? 0) / quantum);
  }

  /** Hands on a batch, or what was held of one; of an aligned split as far as it may go. False: nothing may. */
  #emit(split: Split, polled: RecordBatch | undefined): boolean {
    if (polled !== undefined) {
      const batch = this.#options.intake?.select(polled, split.split.id, split.rows) ?? polled;
      split.rows += polled.selected;
      const dropped = polled.selected - batch.selected;
      // What had gone on before a restart is passed over, though nothing stops any more.
      if (!this.#stops && split.skip === 0) {
        this.#drop(dropped);
        if (batch.selected > 0) this.#push(split, batch);
        return true;
      }
      this.#hold(split, batch, dropped);
    }
    const { held } = split;
    if (held === undefined) return true;
    const rows = this.#rowsAllowed(split, held);
    if (rows === 0) return false;
    const part = this.#partOf(held, rows);
    held.at += rows;
    if (held.at === held.batch.selected) {
      split.held = undefined;
      this.#drop(held.dropped);
    }
    this.#options.intake?.took(rows);
    this.#push(split, part);
    return true;
  }

  /** Keeps a batch, without the rows that had gone on before a restart. */
  #hold(split: Split, batch: RecordBatch, dropped: number): void {
    const passed = Math.min(split.skip, batch.selected);
    split.skip -= passed;
    if (passed < batch.selected)
      split.held = { batch, offset: split.batchOffset, firstRow: split.batchRow, at: passed, dropped };
    else this.#drop(dropped);
  }

  /** Counted when nothing of their batch is left: until then a restart reads it once more. */
  #drop(rows: number): void {
    this.ledger.in += rows;
    this.ledger.filtered += rows;
  }

  #isHeldBack(split: Split): boolean {
    const { align } = this.#options;
    if (align === undefined || split.ended) return false;
    if (split.held !== undefined) return this.#rowsAllowed(split, split.held) === 0;
    const others = align.group.others(split);
    return split.max > others && split.max > limitOf(others, align.maxDriftMs);
  }

  #rowsAllowed(split: Split, { batch, at }: Held): number {
    const { align, eventTime, intake } = this.#options;
    const timestamps = eventTime && batch.columns[eventTime.column];
    const now = this.#now?.();
    const paced = intake === undefined || now === undefined ? Number.POSITIVE_INFINITY : intake.allowed(now);
    const most = Math.min(batch.selected - at, paced);
    if (align === undefined || !timestamps) return most;
    const { type } = eventTime;
    const others = align.group.others(split);
    const limit = limitOf(others, align.maxDriftMs);
    const bounds = { type, max: split.max, others, limit, skewMs: align.skewMs };
    return Math.min(most, this.#kernels.rowsWithin(batch, timestamps, at, bounds));
  }

  #partOf({ batch, at }: Held, rows: number): RecordBatch {
    if (rows === batch.selected) return batch;
    if (batch.selection !== 0) return { ...batch, selection: batch.selection + at * 4, selected: rows };
    const { memory } = this.#options.kernels;
    if (this.#selection === 0) this.#selection = memory.allocate(BATCH_ROWS_MAX * 4);
    const { u32 } = memory;
    for (let k = 0; k < rows; k++) u32[(this.#selection >>> 2) + k] = at + k;
    return { ...batch, selection: this.#selection, selected: rows };
  }

  #push(split: Split, batch: RecordBatch): void {
    const { eventTime, maxOf, output } = this.#options;
    this.ledger.in += batch.selected;
    this.ledger.out += batch.selected;
    if (this.#follower !== undefined) this.#follow(this.#follower, split, batch);
    output.batch(batch);
    this.#pushed = split;
    if (maxOf !== undefined) return this.#settle();
    const timestamps = eventTime && batch.columns[eventTime.column];
    if (timestamps) split.max = this.#kernels.max(timestamps, eventTime.type, batch.rows, split.max);
  }

  /** Looks anew at where the split stands that was read last: no matter of batches while the graph is quiet. */
  #settle(): void {
    const split = this.#pushed;
    if (split !== undefined) split.max = this.#options.maxOf?.(split.origin) ?? split.max;
  }

  #follow(follower: RowFollower, split: Split, batch: RecordBatch): void {
    const now = follower.now();
    if (now < split.followAt || batch.selected === 0) return;
    split.followAt = now + follower.everyMs;
    follower.follow(this.#firstTime(batch), split.arrivedAt);
  }

  /** Event time of the first row meant; undefined when there is none or it is null. */
  #firstTime(batch: RecordBatch): EventTimeMs | undefined {
    const { eventTime, kernels } = this.#options;
    const timestamps = eventTime && batch.columns[eventTime.column];
    if (!timestamps) return undefined;
    const { u8, u32, i64 } = kernels.memory;
    const row = batch.selection === 0 ? 0 : (u32[batch.selection >>> 2] ?? 0);
    const { validity, values } = timestamps;
    if (validity !== 0 && (((u8[validity + (row >>> 3)] ?? 0) >>> (row & 7)) & 1) === 0) return undefined;
    return eventTimeMs(Math.floor(Number(i64[(values >>> 3) + row] ?? 0n) / unitsPerMs(eventTime.type)));
  }

  #endSplit(split: Split): void {
    split.ended = true;
    split.position = split.reader?.position ?? split.position;
    this.#counted = added(this.#counted, split.reader?.counters);
    // Closing a reader that has nothing more to read cannot fail in a way that matters; its file handle goes with it.
    void split.reader?.close().catch(() => undefined);
    split.reader = undefined;
    split.held = undefined;
    this.#options.output.end(split.origin);
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
  filesLost: (sum.filesLost ?? 0) + (more.filesLost ?? 0),
});
