/** What evaluates expressions over columns: filters, projections, splits, and the conditions of aggregates. */
import { conditionsOf, type Projection } from '../expression.ts';
import { Filter } from '../operators/filter.ts';
import { Project } from '../operators/project.ts';
import { Split } from '../operators/split.ts';
import type { Site } from './site.ts';

export const makeFilter = ({ uid, kernels, port, node, deadLetter }: Site<'filter'>): Filter =>
  new Filter({ uid, kernels, output: port(0), schema: node.input.schema, condition: node.condition, deadLetter });

export const makeProject = ({ uid, kernels, port, node, deadLetter }: Site<'project'>): Project =>
  new Project({
    uid,
    kernels,
    output: port(0),
    inputSchema: node.input.schema,
    schema: node.schema,
    columns: node.columns,
    deadLetter,
  });

export const makeSplit = ({ uid, kernels, port, node, deadLetter }: Site<'split'>): Split =>
  new Split({
    uid,
    kernels,
    outputs: [0, ...node.branches.map((_, branch) => branch + 1)].map(port),
    node,
    deadLetter,
  });

export const makeConditions = ({ uid, kernels, node }: Site<'windowAggregate'>): Projection | undefined =>
  conditionsOf(kernels, node.input.schema, node.aggregates, uid);
