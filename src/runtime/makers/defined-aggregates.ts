/** Aggregates that users define: their accumulators, and the operator of an aggregation without windows that has one. */
import { ArenaKeyedState } from '../../state/arena-keyed-state.ts';
import type { Entries } from '../aggregates/entries.ts';
import { MixedEntries } from '../aggregates/mixed-entries.ts';
import { GeneralAggregate } from '../operators/general-aggregate.ts';
import type { Site } from './site.ts';

export function makeGeneralAggregate(site: Site<'aggregate'>): GeneralAggregate {
  const { uid, node, kernels, arena, port, timestamp, deadLetter } = site;
  const state = new ArenaKeyedState({ kernels, arena, uid });
  return new GeneralAggregate({ uid, kernels, state, output: port(0), node, timestamp, deadLetter });
}

export const makeEntries = ({ uid, kernels, node, timestamp }: Site<'windowAggregate'>): Entries =>
  new MixedEntries({ uid, kernels, input: node.input.schema, keys: node.keys, calls: node.aggregates, timestamp });
