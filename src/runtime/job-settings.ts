/** What a job runs with: ports that the host brings, settings with their defaults, and what it tells about itself. */
import type { Clock } from '../base/clock.ts';
import type { SinkConnector } from '../connector/sink.ts';
import type { TimestampHook } from '../format/row-view.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { CheckpointStore } from '../state/checkpoint-store.ts';
import type { StateAlert } from './growth/state-growth.ts';
import type { LagMode } from './lag/lag-figures.ts';
import type { LoadParts } from './makers/parts.ts';

export type JobStatus = 'starting' | 'running' | 'suspended' | 'finished' | 'cancelled' | 'failed';

/** What a host brings. */
export interface JobPorts {
  readonly clock: Clock;
  readonly kernels: KernelInstance;
  readonly store: CheckpointStore;
  /** Brings the parts of the engine that the job needs. */
  readonly loadParts: LoadParts;
  /** What a timestamp reads as in user functions. */
  readonly timestamp: TimestampHook;
  /** Where dead letters are kept; undefined: they are counted and sampled. */
  readonly deadLetters?: SinkConnector;
  /** Told of every alert as it is raised. */
  readonly onAlert?: (alert: StateAlert) => void;
}

/** Where a job is, for people and for tests. */
export interface JobProgress {
  readonly recordsIn: number;
  readonly late: number;
  readonly deadLetters: number;
  readonly bytesRead: number;
  readonly bytesTotal: number | undefined;
  /** The lowest watermark of the job; undefined before there is one. */
  readonly watermark: number | undefined;
  readonly stateBytes: number;
  readonly checkpoints: number;
  readonly longestGapMs: number;
}

export interface JobSettings {
  /** Undefined: only at the end. */
  readonly checkpointEveryMs: number | undefined;
  /** Checkpoints kept in the store. */
  readonly retained: number;
  /** Bytes that state may take. */
  readonly stateBytes: number;
  readonly batchRows: number;
  readonly chunkBytes: number;
  /** A checkpoint writes only what changed, until its segments hold more than this and several times the state. */
  readonly logBytes: number;
  /** How lag is measured. */
  readonly lag: LagMode;
  /** An alert is raised when state will reach its budget within so long; undefined: none is. */
  readonly stateAlertMs: number | undefined;
}

export const DEFAULT_SETTINGS: JobSettings = {
  checkpointEveryMs: 10_000,
  retained: 2,
  stateBytes: 256 * 1024 * 1024,
  batchRows: 4096,
  // What a chunk holds is read, parsed and aggregated while it is in a core's own cache.
  chunkBytes: 512 * 1024,
  logBytes: 64 * 1024 * 1024,
  lag: 'endToEnd',
  stateAlertMs: 15 * 60_000,
};

/** Memory beside state: chunks, batches, and images that a snapshot keeps of blocks that change meanwhile. */
const WORKING_BYTES = 160 * 1024 * 1024;
const MEMORY_BYTES_MAX = 2 ** 32 - 2 ** 20;
/** What state may take at most. */
export const STATE_BYTES_MAX = 3.5 * 2 ** 30;

/** Of these, for the chunks of all splits of a source; a decoder holds two. */
const SPLITS_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES_MIN = 8192;

/** Bytes of a chunk of a source with so many splits: many small ones must not use up what state may take. */
export const chunkBytesFor = ({ chunkBytes }: JobSettings, splits: number): number =>
  Math.min(chunkBytes, Math.max(CHUNK_BYTES_MIN, Math.floor(SPLITS_BYTES / 2 / splits)));

/** What the linear memory of a job with these settings has to be bounded by. Only pages that are used are taken from the system. */
export const memoryBytesFor = ({ stateBytes }: JobSettings): number =>
  Math.min(MEMORY_BYTES_MAX, Math.ceil(stateBytes * 1.25) + WORKING_BYTES);
