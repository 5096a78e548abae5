/** A user's asynchronous function over rows. */
import { AsyncFunction } from '../operators/async-function.ts';
import type { Site } from './site.ts';

export const makeAsync = ({ uid, kernels, port, node, clock, timestamp, deadLetter }: Site<'async'>): AsyncFunction =>
  new AsyncFunction({
    uid,
    kernels,
    output: port(0),
    input: node.input.schema,
    out: node.schema,
    spec: node.spec,
    clock,
    timestamp,
    deadLetter,
  });
