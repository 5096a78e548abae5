/** Aggregates for kernels by name, with the codes and results that the plan knows. */
import type { AggregateSpec } from '../../src/kernel/aggregate-plan.ts';
import { AGGREGATES, type AggregateName } from '../../src/plan/aggregates.ts';
import { Physical } from '../../src/data/types.ts';

export type { AggregateName };

export interface NamedAggregate {
  readonly name: string;
  readonly fn: AggregateName;
  readonly input: Physical | undefined;
  readonly nullable: boolean;
}

export type NamedSpec = AggregateSpec & NamedAggregate;

export const specOf = (aggregate: NamedAggregate): NamedSpec => {
  const { code, missing } = AGGREGATES[aggregate.fn];
  const nullable = missing === 'with few values' || (missing === 'without values' && aggregate.nullable);
  return { ...aggregate, code, result: { physical: resultOf(aggregate), nullable } };
};

function resultOf({ fn, input }: NamedAggregate): Physical {
  if (fn === 'count') return Physical.I64;
  if (fn === 'sum') return input === Physical.F64 ? Physical.F64 : Physical.I64;
  return fn === 'min' || fn === 'max' ? (input ?? Physical.I64) : Physical.F64;
}
