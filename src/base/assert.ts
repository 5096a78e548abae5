/** Assertions are for our own bugs only: they fail the task at once and are never caught to go on. */
import { InternalError } from './errors.ts';

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InternalError(message);
}

/** The end of a switch over a closed union: does not compile while a case is missing. */
export function assertNever(value: never): never {
  throw new InternalError(`unexpected value ${JSON.stringify(value)}`);
}
