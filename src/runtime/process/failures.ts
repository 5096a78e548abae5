/** Errors of user functions, with what a person needs to find the record: operator, key, event time, a preview. */
import { InternalError, UserError } from '../../base/errors.ts';
import { formatTime } from '../../base/time.ts';

/** Whether an error is the function's own: neither a bug of the engine nor exhausted memory. */
export const isOfTheFunction = (error: unknown): boolean =>
  !(error instanceof InternalError) && !(error instanceof UserError && error.code === 'E1302');

/** What a function gave back that is called for what it does: a promise means that it goes on when nobody looks any more. */
export function requireNoPromise(answer: unknown): void {
  if (typeof answer !== 'object' || answer === null || !('then' in answer)) return;
  // Whatever it still fails with was its own fault before.
  Promise.resolve(answer).catch(() => undefined);
  throw new TypeError('it is async, and nobody waits for it here: let mapAsync wait for answers, above this step');
}

const problemOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export interface FailedRow {
  readonly operator: string;
  readonly does: string;
  readonly timestamp: number | undefined;
  /** Previews. */
  readonly key: string | undefined;
  readonly row: string;
}

export function rowFailure({ operator, does, timestamp, key, row }: FailedRow, error: unknown): UserError {
  const at = timestamp === undefined ? '' : ` at ${formatTime(timestamp)}`;
  const params = { does, at, problem: problemOf(error), row };
  return new UserError('E1310', key === undefined ? params : { ...params, key }, {
    location: { operator },
    cause: error,
  });
}

export interface FailedTimer {
  readonly operator: string;
  readonly name: string;
  readonly time: number;
  /** A preview. */
  readonly key: string;
}

export const timerFailure = ({ operator, name, time, key }: FailedTimer, error: unknown): UserError =>
  new UserError(
    'E1333',
    { timer: name, at: formatTime(time), key, problem: problemOf(error) },
    { location: { operator }, cause: error },
  );

/** Of the function that is told of expired entries; `name` is that of the state. */
export const expiryFailure = ({ operator, name, time, key }: FailedTimer, error: unknown): UserError =>
  new UserError(
    'E1316',
    { state: name, at: formatTime(time), key, problem: problemOf(error) },
    { location: { operator }, cause: error },
  );
