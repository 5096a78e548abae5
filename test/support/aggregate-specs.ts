/** Aggregates for kernels by name, with the codes and results that the plan knows. */
import type { AggregateSpec } from '../../src/kernel/aggregate-plan.ts';
import type { ListResult } from '../../src/kernel/list-results.ts';
import { AGGREGATES, type AggregateName } from '../../src/plan/aggregates.ts';
import { Physical } from '../../src/data/types.ts';

export type { AggregateName };

export interface NamedAggregate {
  readonly name: string;
  readonly fn: AggregateName;
  readonly input: Physical | undefined;
  readonly nullable: boolean;
  readonly by?: Physical;
  readonly parameter?: number;
  readonly text?: string;
  readonly list?: ListResult;
}

export type NamedSpec = AggregateSpec & NamedAggregate;

export const specOf = (aggregate: NamedAggregate): NamedSpec => {
  const { code, missing } = AGGREGATES[aggregate.fn];
  const nullable = missing === 'with few values' || (missing === 'without values' && aggregate.nullable);
  return { ...aggregate, code, result: { physical: resultOf(aggregate), nullable } };
};

function resultOf({ fn, input }: NamedAggregate): Physical {
  const { result } = AGGREGATES[fn];
  if (result === 'same') return input ?? Physical.I64;
  if (result === 'sum') return input === Physical.F64 ? Physical.F64 : Physical.I64;
  return { int64: Physical.I64, float64: Physical.F64, bool: Physical.BOOL, utf8: Physical.VIEW, json: Physical.VIEW }[
    result
  ];
}
