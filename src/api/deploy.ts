/** From what users hold to what the runtime takes: the plan of a job, and what its timestamps read as. */
import type { TimestampHook } from '../format/row-view.ts';
import { type PhysicalPlan, physicalPlan } from '../plan/physical.ts';
import { type Job, planOf } from './job.ts';
import { eventTimeOf } from './time.ts';

/** Throws UserError when the job cannot be planned. `defaultName` names its state when the job has no name. */
export const physicalPlanOf = (job: Job, defaultName: string): PhysicalPlan => physicalPlan(planOf(job, defaultName));

/** Timestamps read as EventTime in user functions; of microseconds the milliseconds. */
export const eventTimeHook: TimestampHook = (epochMs) => eventTimeOf(epochMs);
