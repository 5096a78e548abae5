/** A user's function over rows: filter, map, flatMap. */
import { UserFunction } from '../operators/user-function.ts';
import type { Site } from './site.ts';

export const makeFunction = ({ uid, kernels, port, node, timestamp, deadLetter }: Site<'function'>): UserFunction =>
  new UserFunction({
    uid,
    kernels,
    output: port(0),
    input: node.input.schema,
    out: node.schema,
    does: node.does,
    // The API's types tie the function to the rows of its input; the plan holds it without them.
    run: node.run as (row: unknown) => unknown,
    timestamp,
    onError: node.onError,
    deadLetter,
  });
