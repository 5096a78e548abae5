/** A stream split by conditions: each row in one of several streams. */
import type { LogicalNode, SplitNode } from '../plan/logical.ts';
import { conditionOf } from './expression-scope.ts';
import { isRecord, mistake, nothingGiven } from '../base/mistake.ts';

/** Rows of no branch. */
const OTHERWISE = 'otherwise';

/** The stream of each branch and of the rest, made by `streamOf` of its node. */
export function splitStreams<S>(
  input: LogicalNode,
  branches: unknown,
  streamOf: (node: LogicalNode) => S,
): { readonly [name: string]: S } {
  if (!isRecord(branches)) throw mistake('split', 'given an object of conditions', branches);
  const { schema } = input;
  const named = Object.entries(branches).map(([name, condition]) => {
    if (name === OTHERWISE) throw mistake('a branch of split', 'of another name: otherwise has the rows of none', name);
    if (typeof condition !== 'function') throw mistake(`'${name}' of split`, 'a condition', condition);
    // conditionOf refuses what answers no condition.
    return { name, condition: conditionOf(schema, condition as (fields: never) => unknown, `'${name}' of split`) };
  });
  if (named.length === 0) throw nothingGiven('split', 'branch');
  const of: SplitNode = { kind: 'split', schema, input, branches: named };
  const sides = named.map(({ name }, i) => [name, streamOf({ kind: 'side', schema, of, name, port: i + 1 })] as const);
  return Object.fromEntries([...sides, [OTHERWISE, streamOf(of)]]);
}
