/**
 * The source port. A source names its splits and opens readers on them; a reader yields batches in record order and knows
 * an offset from which the same records follow again.
 *
 * Invariants
 *  1. Replayable: a reader opened at an offset yields exactly the records that followed when that offset was reported.
 *  2. The `id` of a split is logical and stable (it stands in checkpoints), never a path of one machine.
 *  3. `poll` is synchronous and bounded: at most one batch. It answers 'wait' when input is still on its way; `ready`
 *     resolves when polling again is worth it.
 *  4. Quanta: a batch never spans the position `quantumEnd` that the task gives, measured in the reader's own units
 *     (uncompressed bytes, or rows). The cut depends on positions alone, never on chunk or batch size.
 */
import type { Json } from '../base/json.ts';
import type { Clock } from '../base/clock.ts';
import type { ProcessingTimeMs } from '../base/time.ts';
import type { RecordBatch } from '../data/record-batch.ts';
import type { TableSchema } from '../data/schema.ts';
import type { KernelInstance } from '../kernel/instance.ts';

export interface SourceSplit {
  readonly id: string;
  /** Never read again once it has been read to its end, though it be listed again: checkpoints remember it. */
  readonly once?: boolean;
  /** Units to read in all, when known: for progress and ETA. */
  readonly size?: number;
}

/** Bytes of a record that its dead letter keeps; one that has so many may be cut. */
export const LETTER_BYTES_MAX = 65_536;

/** A record that cannot be used: what it was, where it stood, why. */
export interface DeadLetter {
  readonly source: string;
  readonly split: string;
  /** Offset of the record in its split, in the reader's units. */
  readonly offset: number;
  /** Byte position inside the record, when the reason has one. */
  readonly position?: number;
  readonly reason: string;
  readonly bytes: Uint8Array;
}

export interface ReaderContext {
  readonly kernels: KernelInstance;
  /** Uid of the source, for origins and dead letters. */
  readonly source: string;
  readonly splitIndex: number;
  /** Names of the columns that the plan reads; the others need not be made (their syntax is still checked). */
  readonly columns: ReadonlySet<string>;
  readonly batchRows: number;
  readonly chunkBytes: number;
  deadLetter(letter: DeadLetter): void;
  /** For readers that note when rows come. */
  readonly now?: () => ProcessingTimeMs;
  /** Whether the job has no checkpoint of this source: the only moment for a position to start at. */
  readonly isFirstStart?: boolean;
}

/**
 * Turn of splits that are read by bytes, in every host: a job over the same files gives the same rows in the same order. Of several
 * chunks: a batch ends with each, and the record across that end becomes one of its own.
 */
export const QUANTUM_BYTES = 1_048_576;

export type Poll = RecordBatch | 'wait' | 'quantum end' | 'end';

/** Rows by how a reader found their columns: in the order and form of the row before, or by looking for them. */
export interface ReaderCounters {
  readonly fastRows: number;
  readonly generalRows: number;
  /** Files of which a part was cut off, or was gone, before it was read. */
  readonly filesLost?: number;
}

export interface SplitReader {
  /** The next batch that starts below `quantumEnd`; 'quantum end' when the next record starts at or beyond it. */
  poll(quantumEnd: number): Poll;
  /**
   * Resolves when `poll` may answer something other than 'wait'; rejects when reading failed (E1501). A reader is asked again
   * whenever another one has answered: only the last question counts, and those before must not be kept (base/last-asker.ts).
   */
  ready(): Promise<void>;
  /** Position of the next record: after the batch last polled. In units of quanta. */
  readonly position: number;
  /** What `open` takes to continue at `position`. */
  offset(): Json;
  /** When the first row of the batch last polled was at hand, by the clock; undefined: when it was polled. */
  readonly arrivedAt?: ProcessingTimeMs | undefined;
  /** Position behind the last record that upstream has handed over, polled or not; undefined: `position`. */
  readonly received?: number;
  /** Since it was opened, for the metrics of formats that have a fast path. */
  readonly counters?: ReaderCounters;
  close(): Promise<void>;
}

/** What whoever decides on the rows of a source has to know. */
export interface IntakeContext {
  readonly kernels: KernelInstance;
  /** Index of the column with event time (ms, never null); undefined: the job does not say. */
  readonly eventTime: number | undefined;
  /** What `snapshot` wrote, null when there was no intake; undefined: this is a first start. */
  readonly saved: Json | undefined;
}

/** What of the rows of a source goes on, and how fast (intake.ts). */
export interface Intake {
  /** Whether `allowed` ever says less than infinity. */
  readonly isPaced: boolean;
  /** The rows of a batch that go on, valid as long as it is. `first` is the number of its first row in its split. */
  select(batch: RecordBatch, split: string, first: number): RecordBatch;
  /** Rows that may go on now; of those, `took` says how many did. */
  allowed(now: ProcessingTimeMs): number;
  took(rows: number): void;
  /** When more may go on, after `allowed` has said that none may. */
  readonly resumesAt: ProcessingTimeMs | undefined;
  /** Rows before the instant at which the source starts, and those left out of the sample, since the start. */
  readonly skipped: number;
  readonly sampledOut: number;
  /** Time that rows waited for their turn by the pace. */
  readonly pausedMs: number;
  snapshot(): Json;
}

export interface NewSplit {
  readonly split: SourceSplit;
  readonly reader: SplitReader;
}

/** Splits that come into being while a live source is read (new-splits.ts). */
export interface SplitDiscovery {
  /** Begins to look; `firstIndex` is that of the next split. */
  start(firstIndex: number, open: (split: SourceSplit, index: number) => Promise<SplitReader>): void;
  /** What was found since it was asked last, with readers open. Throws what looking or opening failed with. */
  take(): readonly NewSplit[];
  /** Resolves when `take` has something to say. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Records that dead letters kept. */
export interface KeptRecords {
  /** Id of the split that they make. */
  readonly id: string;
  /** Id of the split that they came from. */
  readonly split: string;
  /** A line break, and then the records, each with one. */
  readonly content: Uint8Array;
}

export interface SourceConnector {
  readonly schema: TableSchema;
  /** Replayable sources are interleaved by position and event time, never by arrival; live ones in order of arrival. */
  readonly live: boolean;
  /** Units of one turn of a split: 262,144 bytes for files. */
  readonly quantum: number;
  splits(): Promise<readonly SourceSplit[]>;
  /** Live sources whose splits become more while they are read: called once a run, before the first `open`. */
  discover?(clock: Clock): SplitDiscovery;
  /** Decides which rows go on; undefined: all, as fast as they are read. Throws E1510 when it cannot. */
  intake?(context: IntakeContext): Intake | undefined;
  /** What is asked of a first start, as messages say it; undefined: nothing. A checkpoint overrules it. */
  readonly startsAt?: string;
  /** Reads records that dead letters kept, as if they stood in their split. Undefined: they cannot be read once more. */
  openLetters?(letters: KeptRecords, offset: Json | undefined, context: ReaderContext): Promise<SplitReader>;
  /**
   * The same source read in another way, as whoever runs the job asks: options of its own, in the form that users write.
   * Throws UserError for what it cannot do. Undefined: it cannot be read in any other way.
   */
  withReading?(options: { readonly [option: string]: unknown }): SourceConnector;
  open(split: SourceSplit, offset: Json | undefined, context: ReaderContext): Promise<SplitReader>;
}
