/**
 * What failures of IndexedDB mean for a job: no room (E1411), or a connection that is not to be used any more (E1412).
 */
import { ExternalError, InternalError, MillraceError } from '../../src/base/errors.ts';

/** Why a connection is not to be used any more. */
export interface Connection {
  lost: string | undefined;
}

export const connectionLost = (path: string, problem: string, cause?: unknown): ExternalError =>
  new ExternalError(
    'E1412',
    { path, problem },
    {
      retry: 'backoff',
      cause,
      hint: 'open the state again: the job goes on from its last checkpoint',
    },
  );

/** What a failure of the browser means for a job. Errors of our own pass. */
export function translate(error: unknown, path: string, connection: Connection): unknown {
  if (error instanceof MillraceError || error instanceof InternalError) return error;
  const name = error instanceof Error ? error.name : '';
  const problem = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (name === 'QuotaExceededError') {
    return new ExternalError(
      'E1411',
      { path, problem },
      {
        retry: 'backoff',
        cause: error,
        hint: 'free storage of this site, or ask the browser for more (navigator.storage.persist)',
      },
    );
  }
  connection.lost ??= problem;
  return connectionLost(path, problem, error);
}
