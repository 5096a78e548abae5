/**
 * A job: outputs under a name that identifies its state. Making one checks it; running it is the host's.
 *
 * Invariants
 *  1. A job is immutable and can be planned any number of times.
 *  2. Without a name the host gives one from where the job came from (its file), the same at every start.
 */
import { explainPlan } from '../plan/explain.ts';
import type { LogicalPlan, SinkNode } from '../plan/logical.ts';
import { assignUids } from '../plan/uids.ts';
import { located } from './call-site.ts';
import { mistake, nothingGiven } from '../base/mistake.ts';

/** Outputs that run together and share one state. Made with `.to(sink)` and `job(...)`, run by the host. */
export interface Job {
  /** Undefined until the host names it. */
  readonly name: string | undefined;
  /** The plan as text. */
  explain(): string;
}

const UNNAMED = 'unnamed';

class JobDeclaration implements Job {
  readonly name: string | undefined;
  readonly sinks: readonly SinkNode[];

  constructor(name: string | undefined, sinks: readonly SinkNode[]) {
    this.name = name;
    this.sinks = sinks;
  }

  explain(): string {
    return explainPlan(planOf(this, UNNAMED));
  }
}

/** What `.to` makes: a job of one output. */
export const outputJob = (sink: SinkNode): Job => new JobDeclaration(undefined, [sink]);

/** Several outputs in one job: job('departures', perHour.to(a), perHour.late.to(b)). The name may be left out. */
export function job(first: string | Job, ...more: Job[]): Job {
  return located(() => {
    const name = typeof first === 'string' ? first : undefined;
    const outputs = typeof first === 'string' ? more : [first, ...more];
    if (name === '') throw mistake('the name of job', 'text', name);
    if (outputs.length === 0) throw nothingGiven('job', 'output');
    const sinks = outputs.flatMap((output) => declarationOf(output, 'an output of job').sinks);
    const made = new JobDeclaration(name, sinks);
    assignUids(planOf(made, UNNAMED));
    return made;
  });
}

/** The plan of a job, for hosts; `defaultName` is used when the job has none. */
export function planOf(declared: Job, defaultName: string): LogicalPlan {
  const { name, sinks } = declarationOf(declared, 'a job');
  return { name: name ?? defaultName, sinks };
}

function declarationOf(declared: unknown, what: string): JobDeclaration {
  if (declared instanceof JobDeclaration) return declared;
  throw mistake(what, 'made with .to(sink)', declared);
}
