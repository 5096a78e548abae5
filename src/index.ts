/**
 * The door for users: everything that a job is written with, grouped by noun. Running is the host's (millrace/node,
 * millrace/web).
 */
import { columnAggregates } from './api/aggregate.ts';

// Streams and jobs
export { from } from './api/stream-builder.ts';
export { job, type Job } from './api/job.ts';
export type {
  Branches,
  Broadcast,
  BroadcastConnected,
  Connected,
  Flag,
  FunctionOptions,
  Deduplicated,
  Keyed,
  Out,
  Processed,
  Reordered,
  Split,
  Stream,
  Uid,
  Windowed,
  WithLate,
} from './api/stream.ts';

export type { AsyncOptions, RequestContext, RequestSignal, Retry } from './api/async.ts';

// Schemas and rows
export {
  bool,
  bytes,
  type Column,
  float32,
  float64,
  int16,
  int32,
  int64,
  type Int64Column,
  int8,
  json,
  schema,
  type Schema,
  timestamp,
  utf8,
} from './api/schema.ts';
export type { bigint64, Columns, NewRow, Row, Value } from './api/kind.ts';
export type { Json } from './base/json.ts';

// Expressions
export { lit } from './api/expression-builder.ts';
export type { Condition, Expr, Fields } from './api/expression.ts';

// Aggregates
export {
  type Aggregate,
  argMax,
  argMin,
  collectList,
  count,
  joinText,
  type Limited,
  type Only,
  quantile,
  topK,
} from './api/aggregate.ts';
export {
  type AggregateDefinition,
  type DefinedAggregate,
  defineAggregate,
  reduce,
} from './api/define-aggregate.ts';
/** Whether all values are true. */
export const all = columnAggregates.all;
/** Whether any value is true. */
export const any = columnAggregates.any;
/** How many different values there are, about: the standard error is 1.6%, and few are counted exactly or nearly so. */
export const approxCountDistinct = columnAggregates.approxCountDistinct;
/** The mean. */
export const avg = columnAggregates.avg;
/** How many different values there are; a group can hold about 97,000, or 1 MiB of text. */
export const countDistinct = columnAggregates.countDistinct;
/** The first value by event time; of rows with one time by record order. Without event time: by record order. */
export const firstValue = columnAggregates.firstValue;
/** The last value by event time; of rows with one time by record order. Without event time: by record order. */
export const lastValue = columnAggregates.lastValue;
/** The largest value; floats with -0 below 0 and NaN above everything, text by code point. */
export const max = columnAggregates.max;
/** The value in the middle, within 1%; of an even number of values the lower one. */
export const median = columnAggregates.median;
/** The smallest value; floats with -0 below 0 and NaN above everything, text by code point. */
export const min = columnAggregates.min;
/** Standard deviation of the rows as a sample (n - 1); null for fewer than two values. */
export const stddev = columnAggregates.stddev;
/** Integers add up to an int64, exactly; floats to a float64, in record order. */
export const sum = columnAggregates.sum;
/** Variance of the rows as a sample (n - 1); null for fewer than two values. */
export const variance = columnAggregates.variance;

// Functions with state and time
export {
  aggregating,
  type Aggregating,
  type FoldState,
  listOf,
  type ListState,
  mapOf,
  type MapState,
  reducing,
  type States,
  type Ttl,
  value,
  type ValueOptions,
  type ValueState,
} from './api/state.ts';
export type {
  BroadcastProcess,
  Context,
  CoProcess,
  Expired,
  Fired,
  Process,
  Sides,
  Timers,
} from './api/process.ts';

// Time, windows and watermarks
export { type EventTime, eventTime, type ProcessingTime } from './api/time.ts';
export {
  adaptive,
  type AdaptiveOptions,
  boundedOutOfOrderness,
  custom,
  monotonous,
  punctuated,
  type Strategy,
  type WatermarkGenerator,
  type WatermarkOptions,
} from './api/watermark.ts';
export {
  countWindow,
  globalWindow,
  type NumberedWindow,
  processingHopping,
  processingSession,
  processingTumbling,
  session,
} from './api/row-window.ts';
export {
  continuous,
  continuousProcessing,
  countTrigger,
  defineTrigger,
  deltaEvictor,
  eachRow,
  earlyAndLate,
  type Evictor,
  every,
  evictRows,
  keepLast,
  keepWithin,
  purging,
  timeout,
  type Trigger,
  type TriggerDefinition,
  type WindowOptions,
} from './api/trigger.ts';
export type { WindowFunction } from './api/window-function.ts';
export {
  column,
  type ColumnRef,
  cumulating,
  hopping,
  type LateOptions,
  tumbling,
  type Window,
  type WindowInZone,
  type WindowOffset,
} from './api/window.ts';
export type { ResultMode } from './plan/logical.ts';
export type { CalendarDuration, Duration } from './base/time.ts';
export type { Size } from './base/bytes.ts';

// Sources and sinks
export { collection, fromAsyncIterable, type IterableOptions } from './api/collection.ts';
export {
  type AnyRow,
  callback,
  type Change,
  type Changelog,
  collect,
  type Collected,
  iterate,
  type Iterated,
} from './api/collect.ts';
export type { DeduplicateOptions, DeduplicateOrder } from './api/deduplicate.ts';
export type { AuditColumns, ExtremeColumns, GapColumns, ReorderOptions } from './api/reorder.ts';
export type { Accepts, Sink, Source } from './api/port.ts';

// Errors
export {
  type ErrorCode,
  type ErrorLocation,
  ExternalError,
  InternalError,
  MillraceError,
  UserError,
} from './base/errors.ts';
