/** An aggregate without windows, whose results are changes. */
import { conditionsOf } from '../expression.ts';
import { Aggregate } from '../operators/aggregate.ts';
import type { Site } from './site.ts';

export function makeAggregate({ uid, kernels, arena, port, node, deadLetter }: Site<'aggregate'>): Aggregate {
  const conditions = conditionsOf(kernels, node.input.schema, node.aggregates, uid);
  return new Aggregate({ uid, kernels, arena, output: port(0), node, conditions, deadLetter });
}
