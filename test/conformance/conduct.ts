/** Takes an operator through the steps of a case: inputs go to the actor, questions to its transcript. */
import { UserError } from '../../src/base/errors.ts';
import { type ConformanceCase, objectOf, type Outcome, type Step, Unsupported } from './case.ts';
import { type Mismatch, sameValue, type Transcript } from './compare.ts';

/** What a driver makes of a case. The harness is one. */
export interface Actor {
  readonly transcript: Transcript;
  /** Does what the step says goes in; throws Unsupported for a step that it does not know. */
  act(step: Step): void | Promise<void>;
  /** A counter by the name that cases give it. */
  metric?(name: string): number | undefined;
  /** Answers any other step that asks, such as `state`: 'not mine' hands it on to `act`. Undefined: as expected. */
  ask?(step: Step): Mismatch | undefined | 'not mine' | Promise<Mismatch | undefined | 'not mine'>;
}

/** Runs all steps. Errors of the engine that the case does not expect are failures, and so are missing ones. */
export async function conduct(one: ConformanceCase, actor: Actor): Promise<Outcome> {
  for (const [index, step] of one.steps.entries()) {
    const mismatch = await stepOf(step, actor);
    if (mismatch !== undefined) return { result: 'fail', step: index, ...mismatch };
  }
  return { result: 'pass' };
}

async function stepOf(step: Step, actor: Actor): Promise<Mismatch | undefined> {
  if (step['expectError'] !== undefined) return failing(() => actor.act(step));
  if (step['metric'] !== undefined) return sameMetrics(step, actor);
  const own = (await actor.ask?.(step)) ?? (actor.ask === undefined ? 'not mine' : undefined);
  if (own !== 'not mine') return own;
  if (actor.transcript.asks(step)) return actor.transcript.check(step);
  await actor.act(step);
  return undefined;
}

/** A step that must be refused, as a mistake of the user: anything else is a mistake of the engine. */
export async function failing(act: () => unknown): Promise<Mismatch | undefined> {
  try {
    await act();
  } catch (error) {
    if (error instanceof Unsupported) throw error;
    return error instanceof UserError ? undefined : { expected: 'a UserError', got: String(error) };
  }
  return { expected: 'a UserError', got: 'no error' };
}

function sameMetrics(step: Step, actor: Actor): Mismatch | undefined {
  for (const [name, value] of Object.entries(objectOf(step['metric'], 'metric'))) {
    const got = actor.metric?.(name);
    if (got === undefined) throw new Unsupported(`the counter ${name}`);
    if (!sameValue(value, got)) return { expected: { [name]: value }, got: { [name]: got } };
  }
  return undefined;
}
