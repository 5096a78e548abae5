/** Windows that are followed row by row: triggers, evictors, functions, counts, zones by key. */
import { LATE_PORT } from '../../plan/logical.ts';
import { ArenaKeyedState } from '../../state/arena-keyed-state.ts';
import type { Entries } from '../aggregates/entries.ts';
import type { GeneralWindow } from '../operators/general-window.ts';
import { buildGeneralWindow } from '../windows/build.ts';
import type { Site } from './site.ts';

export function makeGeneralWindow(site: Site<'windowAggregate'>, entries: Entries | undefined): GeneralWindow {
  const { uid, node, kernels, arena, timestamp, now, port, deadLetter } = site;
  const state = new ArenaKeyedState({ kernels, arena, uid });
  const [output, late] = [port(0), port(LATE_PORT)];
  return buildGeneralWindow({ uid, kernels, node, state, output, late, deadLetter, now, timestamp, entries });
}
