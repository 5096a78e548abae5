/** The door for hosts: makers of what users hold, the plan behind it, and the ports that a host implements. */

// Makers
export { makeSink, makeSource } from './api/port.ts';
export { tableOf } from './api/schema.ts';
export { eventTimeOf, processingTimeOf } from './api/time.ts';
export { located } from './api/call-site.ts';

// Plans
export { planOf } from './api/job.ts';
export { assignUids } from './plan/uids.ts';
export { explainPlan } from './plan/explain.ts';
export type { LogicalPlan } from './plan/logical.ts';
export type { PhysicalPlan } from './plan/physical.ts';

// Running
export { JobRun } from './runtime/job-run.ts';
export { everyPart } from './runtime/makers/every-part.ts';
export type { LoadParts } from './runtime/makers/parts.ts';
export { coreKernelsRun } from './runtime/makers/kernel-edition.ts';
export { partsOnDemand } from './runtime/makers/parts-on-demand.ts';
export type { Release, WatermarkHold, WindowExplanation } from './runtime/window-hold.ts';
export { JobHandle, type RunningJob } from './runtime/running-job.ts';
export {
  DEFAULT_SETTINGS,
  type JobPorts,
  type JobProgress,
  type JobSettings,
  type JobStatus,
  memoryBytesFor,
} from './runtime/job-settings.ts';
export type { HeavyKeyText, StateAlert } from './runtime/growth/state-growth.ts';
export type { ProcessedOptions, Token } from './runtime/tokens.ts';
export type { JobLag, LagFigure, LagMode, LagPart, SinkLag } from './runtime/lag/lag-figures.ts';
export { type Inspection, inspectStore } from './runtime/inspect.ts';
export { explainPhysical } from './plan/explain-physical.ts';
export { eventTimeHook, physicalPlanOf } from './api/deploy.ts';
export { type RunSettings, settingsOf } from './api/settings.ts';

// Ports
export type { Clock } from './base/clock.ts';
export type { Disk, DiskFile } from './base/disk.ts';
export type { Random } from './base/random.ts';
export type { CheckpointStore, SegmentWriter } from './state/checkpoint-store.ts';
export type { SinkConnector, SinkContext, SinkWriter } from './connector/sink.ts';
export type { DeadLetter, Poll, ReaderContext, SourceConnector, SourceSplit, SplitReader } from './connector/source.ts';
