/** Folders that sinks of a job write to: each has one of its own, or their parts would replace each other. */
import { realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UserError } from '../src/base/errors.ts';
import type { PhysicalPlan } from '../src/platform.ts';

/** Throws E1503 that names both sinks. `state` is the folder whose dead letters the engine writes. */
export async function requireOwnFolders({ nodes }: PhysicalPlan, state: string | undefined): Promise<void> {
  const owners = new Map<string, string>();
  if (state !== undefined) owners.set(await placeOf(join(state, 'dead-letters')), 'the dead letters of this job');
  for (const { uid, operator } of nodes) {
    if (operator.kind !== 'sink' || operator.connector.folder === undefined) continue;
    const { folder } = operator.connector;
    const place = await placeOf(folder);
    const owner = owners.get(place);
    if (owner !== undefined) {
      const problem = `${owner} and '${uid}' would both write to it`;
      throw new UserError('E1503', { path: folder, problem }, { hint: 'give each sink a folder of its own' });
    }
    owners.set(place, `'${uid}'`);
  }
}

/** Where a path leads, also through links; of one that is not there as it is written. */
const placeOf = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
