/**
 * The logical plan: what the fluent API (and later SQL) builds. A tree of nodes that point at their inputs; a node used
 * twice is one node. Serializable except for connectors and user functions. Long because every kind of node stands here.
 *
 * Invariants
 *  1. Nodes are immutable; rules return new ones.
 *  2. `schema` is the schema of the node's main output. Column names were checked when the node was made.
 *  3. A uid names the state of a node in checkpoints. One given by the user is `explicit`; others are derived from the
 *     path of the node to its sinks and sources, so that reordering independent branches changes nothing (plan/uids.ts).
 */
import type { Json } from '../base/json.ts';
import type { TableSchema } from '../data/schema.ts';
import type { SinkConnector } from '../connector/sink.ts';
import type { SourceConnector } from '../connector/source.ts';
import type { Expression } from './expression.ts';
import type { Clocks, OnError, StateSpec } from './process.ts';
import type { ReorderSpec } from './reorder.ts';
import type { UserAggregate } from './user-aggregate.ts';

export interface SourceNode {
  readonly kind: 'source';
  readonly schema: TableSchema;
  readonly uid: string | undefined;
  readonly connector: SourceConnector;
  /** What it is, for explain: "ndjsonFiles('flights/*.ndjson')". */
  readonly label: string;
}

export type WatermarkStrategy =
  | { readonly kind: 'monotonous' }
  /** W = max - delayMs - 1 over the rows before. */
  | { readonly kind: 'bounded'; readonly delayMs: number }
  /** As bounded, with a delay (at most maxMs) that follows the rows so that about lateRate of them are late. */
  | { readonly kind: 'adaptive'; readonly lateRate: number; readonly maxMs: number }
  /** A user's function over the rows of each split. */
  | { readonly kind: 'punctuated'; readonly run: WatermarkGenerator['onRow'] }
  | { readonly kind: 'custom'; readonly generator: WatermarkGenerator };

/** What a user's generator does, without the types of its rows. Watermarks are milliseconds; undefined: as before. */
export interface WatermarkGenerator {
  /** What it remembers of one split, at first: plain data, kept in checkpoints and changed in place. */
  readonly state: () => Json;
  readonly onRow: (row: never, eventTimeMs: number, state: Json) => number | undefined;
  /** By the clock of the machine, every so often. */
  readonly periodic:
    | { readonly everyMs: number; readonly onPeriodic: (nowMs: number, state: Json) => number | undefined }
    | undefined;
}

export interface WatermarkNode {
  readonly kind: 'watermark';
  readonly schema: TableSchema;
  readonly input: LogicalNode;
  readonly column: string;
  readonly strategy: WatermarkStrategy;
  /** Live splits without rows for this long count as idle. Undefined: DEFAULT_IDLE_AFTER_MS. */
  readonly idleAfterMs: number | 'off' | undefined;
  /**
   * Rows dated so much ahead of all earlier ones of their split go to port FUTURE_PORT and move nothing. Undefined:
   * DEFAULT_FUTURE_SKEW_MS.
   */
  readonly futureSkewMs?: number | 'off' | undefined;
  /** Holds splits back that are more than maxDriftMs ahead of the slowest of all that name the group. */
  readonly align?: { readonly group: string; readonly maxDriftMs: number } | undefined;
}

/** The rows from the future of a watermark node. */
export const FUTURE_PORT = 1;
/** Long enough for what comes once a month; months and years that were mistaken are mostly farther off. */
export const DEFAULT_FUTURE_SKEW_MS = 31 * 86_400_000;
/** A live split that is silent for so long should not keep the windows of the others open. */
export const DEFAULT_IDLE_AFTER_MS = 60_000;

export interface FilterNode {
  readonly kind: 'filter';
  readonly schema: TableSchema;
  readonly input: LogicalNode;
  readonly condition: Expression;
}

/** Each row to the first branch whose condition holds: port 1 + i has the rows of branches[i], port 0 those of none. */
export interface SplitNode {
  readonly kind: 'split';
  readonly schema: TableSchema;
  readonly input: LogicalNode;
  readonly branches: readonly { readonly name: string; readonly condition: Expression }[];
}

export interface ProjectNode {
  readonly kind: 'project';
  readonly schema: TableSchema;
  readonly input: LogicalNode;
  /** In the order of `schema`. */
  readonly columns: readonly { readonly name: string; readonly expression: Expression }[];
}

/** A user's function over flyweight rows. `schema` is that of the input for a filter, the declared one otherwise. */
export interface FunctionNode {
  readonly kind: 'function';
  readonly schema: TableSchema;
  readonly uid: string | undefined;
  readonly input: LogicalNode;
  readonly does: 'filter' | 'map' | 'flatMap';
  readonly run: (row: never) => unknown;
  readonly onError: OnError;
}

export interface ProcessInput {
  readonly node: LogicalNode;
  /** Undefined: its rows are for every key (broadcast). */
  readonly keys: readonly string[] | undefined;
  /** Without it, it does not hold the watermark of the others back. */
  readonly hasEventTime: boolean;
  readonly run: (row: never, context: never) => unknown;
}

/** A user's function with state and time: for each key of one input, or of two that are connected. */
export interface ProcessNode {
  readonly kind: 'process';
  readonly schema: TableSchema;
  readonly uid: string | undefined;
  readonly inputs: readonly ProcessInput[];
  /** Columns of the key, as functions see them: those of the first input. */
  readonly key: TableSchema;
  readonly states: readonly StateSpec[];
  /** The same for all keys; written by the broadcast input, read by the other. */
  readonly broadcast: readonly StateSpec[];
  readonly timers: readonly string[];
  readonly timer: ((context: never) => unknown) | undefined;
  /** Told of each entry of a state that expires. */
  readonly onExpire: ((context: never) => unknown) | undefined;
  /** Port 1 + i has the rows of sides[i]. */
  readonly sides: readonly { readonly name: string; readonly schema: TableSchema }[];
  readonly hasEventTime: boolean;
  readonly onError: OnError;
  readonly clocks: Clocks;
}

/** How an asynchronous function is called (runtime/operators/async-function.ts). */
export interface AsyncSpec {
  readonly run: (row: never, context: never) => unknown;
  /** Whether it answers with any number of rows, or with one. */
  readonly many: boolean;
  readonly order: 'input' | 'arrival';
  /** Requests under way at once. */
  readonly capacity: number;
  readonly timeoutMs: number;
  /** As the user wrote it, for messages. */
  readonly timeoutText: string;
  /** Attempts after the first, and the pause before the first of them; each further pause is twice as long. */
  readonly retries: number;
  readonly backoffMs: number;
  readonly onFailure: 'fail' | 'dead letter';
}

/** A user's asynchronous function over rows. */
export interface AsyncNode {
  readonly kind: 'async';
  readonly schema: TableSchema;
  readonly uid: string | undefined;
  readonly input: LogicalNode;
  readonly spec: AsyncSpec;
}

export interface UnionNode {
  readonly kind: 'union';
  readonly schema: TableSchema;
  readonly inputs: readonly LogicalNode[];
}

/** A window of slices side by side, aligned to the calendar of a zone. */
interface Aligned {
  readonly clock: WindowClock;
  readonly offsetMs: number;
  /** Undefined: UTC. */
  readonly zone: ZoneSpec | undefined;
}

export type WindowClock = 'event time' | 'processing time';
export type CalendarUnit = 'day' | 'week' | 'month' | 'quarter' | 'year';
/** An IANA zone, or the column that names it row by row. */
export type ZoneSpec =
  | { readonly kind: 'fixed'; readonly name: string }
  | { readonly kind: 'column'; readonly column: string };

export type WindowSpec =
  /** `calendar`: windows of so many units, of whatever length the zone gives them; `sizeMs` is then the nominal length. */
  | (Aligned & {
      readonly kind: 'tumbling';
      readonly sizeMs: number;
      readonly calendar: { readonly unit: CalendarUnit; readonly count: number } | undefined;
    })
  | (Aligned & { readonly kind: 'hopping'; readonly sizeMs: number; readonly slideMs: number })
  /** Windows that share their start and grow by `stepMs` up to `sizeMs`. */
  | (Aligned & { readonly kind: 'cumulating'; readonly sizeMs: number; readonly stepMs: number })
  /** `gapOf`: each row's own gap in milliseconds; `gapMs` is then 0. */
  | {
      readonly kind: 'session';
      readonly clock: WindowClock;
      readonly gapMs: number;
      readonly gapOf?: ((row: never) => number) | undefined;
    }
  /** `rows` rows of a key, a window beginning at every `slide`th. */
  | { readonly kind: 'count'; readonly rows: number; readonly slide: number }
  /** One window for everything; something else says when it fires. */
  | { readonly kind: 'global' };

/** What becomes of a window's earlier result when it fires again. */
export type ResultMode =
  /** Each firing stands for itself and has everything so far. */
  | 'accumulating'
  /** Each firing has what came since the one before. */
  | 'discarding'
  /** A changelog: each firing takes the earlier result back. */
  | 'retracting'
  /** One result, when no late row can change it any more. */
  | 'final';

/** When a window fires. Without one: when its end is reached, and at every row that comes later. */
export type TriggerSpec =
  | { readonly kind: 'end'; readonly clock: WindowClock }
  | { readonly kind: 'endOfWindow'; readonly early: TriggerSpec | undefined; readonly late: TriggerSpec | undefined }
  | { readonly kind: 'count'; readonly rows: number }
  | { readonly kind: 'eachRow' }
  /** At multiples of the interval. */
  | { readonly kind: 'continuous'; readonly clock: WindowClock; readonly intervalMs: number }
  /** Every so often from the first row on, on the clock of the machine. */
  | { readonly kind: 'every'; readonly intervalMs: number }
  | { readonly kind: 'purging'; readonly inner: TriggerSpec }
  | {
      readonly kind: 'timeout';
      readonly inner: TriggerSpec;
      readonly timeoutMs: number;
      readonly resetByRows: boolean;
      readonly clearOnTimeout: boolean;
    }
  /** A user's trigger, as api/trigger.ts declares it. */
  | { readonly kind: 'custom'; readonly name: string; readonly trigger: unknown };

/** Which rows of a window count when it fires. */
export type EvictorSpec = { readonly when: 'before' | 'after' } & (
  | { readonly kind: 'count'; readonly rows: number }
  | { readonly kind: 'time'; readonly keepMs: number }
  | { readonly kind: 'delta'; readonly threshold: number; readonly delta: (row: never, last: never) => number }
  | { readonly kind: 'custom'; readonly keep: (row: never, index: number, count: number) => boolean }
);

/** One aggregate of an aggregation: `name: fn(column) where condition`. */
export interface AggregateCall {
  readonly name: string;
  /** Key into the aggregate registry (plan/aggregates.ts). */
  readonly fn: string;
  /** Undefined: count(). */
  readonly column: string | undefined;
  readonly where: Expression | undefined;
  /** A second column, by which it orders. */
  readonly by?: string;
  /** What else it was told: how many, which quantile. */
  readonly options?: Json;
  /** Functions of the user make it; `fn` is then USER_FUNCTION. */
  readonly user?: UserAggregate;
}

/** What stands for the name of an aggregate that a user defined. */
export const USER_FUNCTION = 'user';

/**
 * Keyed (or global, with no keys) aggregation over event-time windows. Event time is no column here: it travels beside
 * the columns from the watermark on (data/record-batch.ts). Output: key columns, windowStart, windowEnd, aggregates.
 * Late rows go to port LATE_PORT; when nothing reads it they are counted and sampled.
 */
export interface WindowAggregateNode {
  readonly kind: 'windowAggregate';
  readonly schema: TableSchema;
  readonly uid: string | undefined;
  readonly input: LogicalNode;
  readonly keys: readonly string[];
  readonly window: WindowSpec;
  readonly aggregates: readonly AggregateCall[];
  readonly allowedLatenessMs: number;
  readonly results: ResultMode;
  readonly trigger?: TriggerSpec | undefined;
  readonly evictor?: EvictorSpec | undefined;
  /** A user's function over all rows of a window, in place of aggregates. */
  readonly process?: WindowProcess | undefined;
  /** What becomes of a row on which a user's aggregate fails. Undefined: it fails the job. */
  readonly onError?: OnError | undefined;
}

/** Makes result rows of `schema` from the rows of a window. */
export interface WindowProcess {
  readonly rows: (rows: never, context: never) => Iterable<unknown>;
}

/**
 * Aggregation without windows: one result per key (one in all without keys) that changes with every row. Output is a
 * changelog: insert, then update-before and update-after per input row.
 */
export interface AggregateNode {
  readonly kind: 'aggregate';
  readonly schema: TableSchema;
  readonly uid: string | undefined;
  readonly input: LogicalNode;
  readonly keys: readonly string[];
  readonly aggregates: readonly AggregateCall[];
  /** Whether its input is a changelog, whose rows may take others back. */
  readonly takesBack: boolean;
  /** As of windows. */
  readonly onError?: OnError | undefined;
}

/** One row of each key: the first or the last of those that have it. Rows too late to be put in order go to LATE_PORT. */
export interface DeduplicateNode {
  readonly kind: 'deduplicate';
  readonly schema: TableSchema;
  readonly uid: string | undefined;
  readonly input: LogicalNode;
  readonly keys: readonly string[];
  readonly keep: 'first' | 'last';
  /** By what a row is the first or the last. 'arrival' and 'processing time' differ in what `within` is measured by. */
  readonly order: 'event time' | 'processing time' | 'arrival';
  /** Rows of a key that are further apart are no duplicates. Undefined: a key is kept for good. */
  readonly within: { readonly ms: number; readonly clock: 'event time' | 'processing time' } | undefined;
  /**
   * 'final': inserts only, each when it can no longer change; not for the last. 'every change': a changelog. 'of a batch':
   * a changelog with at most one change for each key of an input batch.
   */
  readonly emits: 'final' | 'every change' | 'of a batch';
  /** A last row that is not so is taken back with its key; undefined: all are. */
  readonly where: Expression | undefined;
  /** Whether the changelog has rows that take back (-U), and tells the first of a key apart (+I) when it has not. */
  readonly updateBefore: boolean;
  readonly insert: boolean;
}

/** The rows of each key in order. Gaps, rows that could not be put in order and the audit have ports of their own. */
export interface ReorderNode {
  readonly kind: 'reorder';
  readonly schema: TableSchema;
  readonly uid: string | undefined;
  readonly input: LogicalNode;
  readonly keys: readonly string[];
  readonly spec: ReorderSpec;
}

/** What a node puts out beside its results: late rows, rows from the future, sides of a function. */
export interface SideNode {
  readonly kind: 'side';
  readonly schema: TableSchema;
  readonly of: Exclude<LogicalNode, SideNode>;
  /** What it has, for people: 'late', the name of a side. */
  readonly name: string;
  /** Output port of `of`, from 1 on: port 0 has its results. LATE_PORT for windows. */
  readonly port: number;
}

/** The late rows of a window aggregate, with the schema of its input. */
export const LATE_PORT = 1;

export type LogicalNode =
  | SourceNode
  | WatermarkNode
  | FilterNode
  | SplitNode
  | ProjectNode
  | FunctionNode
  | ProcessNode
  | AsyncNode
  | DeduplicateNode
  | ReorderNode
  | UnionNode
  | WindowAggregateNode
  | AggregateNode
  | SideNode;

export interface SinkNode {
  readonly kind: 'sink';
  readonly uid: string | undefined;
  readonly input: LogicalNode;
  readonly connector: SinkConnector;
  readonly label: string;
}

export interface LogicalPlan {
  /** Identifies the state of the job. */
  readonly name: string;
  readonly sinks: readonly SinkNode[];
}

/** The nodes that a node reads from. */
export function inputsOf(node: LogicalNode | SinkNode): readonly LogicalNode[] {
  switch (node.kind) {
    case 'source':
      return [];
    case 'union':
      return node.inputs;
    case 'process':
      return node.inputs.map((input) => input.node);
    case 'side':
      return [node.of];
    default:
      return [node.input];
  }
}
