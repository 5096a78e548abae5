/** The sources of a plan read in another way than the job says: what whoever runs it asks for. */
import { UserError } from '../src/base/errors.ts';
import type { PhysicalPlan } from '../src/platform.ts';
import type { FileReadOptions } from './connectors/read-options.ts';

/** Throws E1508 when no source of the job can be read so. */
export function withReading(plan: PhysicalPlan, reading: FileReadOptions): PhysicalPlan {
  const asked = Object.entries(reading).filter(([, value]) => value !== undefined);
  if (asked.length === 0) return plan;
  let changed = 0;
  const nodes = plan.nodes.map((node) => {
    const { operator } = node;
    const other = operator.kind === 'source' ? operator.connector.withReading?.(Object.fromEntries(asked)) : undefined;
    if (operator.kind !== 'source' || other === undefined) return node;
    changed++;
    return { ...node, operator: { ...operator, connector: other } };
  });
  if (changed === 0) {
    throw new UserError(
      'E1508',
      { options: asked.map(([name]) => name).join(', ') },
      { hint: 'Sources of files can: ndjsonFiles(...).' },
    );
  }
  return { ...plan, nodes };
}
