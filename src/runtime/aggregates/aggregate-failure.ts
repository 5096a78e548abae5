/**
 * A function of a user's aggregate that threw, on its way to where key, window and row are known: whoever knows them
 * makes the error of it that people see.
 */
import { UserError } from '../../base/errors.ts';
import { formatTime } from '../../base/time.ts';
import type { Row } from '../../format/row-view.ts';
import { previewOf } from '../preview.ts';

export interface FailedAggregate {
  readonly operator: string;
  /** As the user named it, and which of its functions. */
  readonly name: string;
  readonly does: 'create' | 'add' | 'merge' | 'retract' | 'finish';
  /** The key of these bytes. */
  readonly keyOf: (bytes: Uint8Array) => Row;
}

/** A row at which it failed. NaN: it has no event time. */
export interface FailedAt {
  /** A preview. */
  readonly row: string;
  readonly timestamp: number;
  readonly key: Uint8Array;
}

export class AggregateFailure extends Error {
  override readonly name = 'AggregateFailure';
  readonly #failed: FailedAggregate;

  constructor(failed: FailedAggregate, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.#failed = failed;
  }

  atRow({ row, timestamp, key }: FailedAt): UserError {
    const { does, name, operator } = this.#failed;
    const at = Number.isNaN(timestamp) ? '' : ` at ${formatTime(timestamp)}`;
    const params = { does, name, at, key: this.#key(key), problem: this.message, row };
    return new UserError('E1314', params, { location: { operator }, cause: this.cause });
  }

  /** `when`: 'in the window from … to …', or nothing. */
  ofGroup(key: Uint8Array, when: string): UserError {
    const { does, name, operator } = this.#failed;
    const params = { does, name, key: this.#key(key), when, problem: this.message };
    return new UserError('E1315', params, { location: { operator }, cause: this.cause });
  }

  /** Keys of nothing are those of aggregations over all rows. */
  #key(bytes: Uint8Array): string {
    return bytes.length === 0 ? '' : ` of key ${previewOf(this.#failed.keyOf(bytes))}`;
  }
}

/** What a failure in a window is told as; any other error is what it was. */
export function inWindow(
  error: unknown,
  key: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): unknown {
  const when = ` in the window from ${formatTime(start)} to ${formatTime(end)}`;
  return error instanceof AggregateFailure ? error.ofGroup(key, when) : error;
}
