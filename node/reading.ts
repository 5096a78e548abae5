/** The sources of a plan as whoever runs it asks for: read in another way than the job says, with their dead letters. */
import { UserError } from '../src/base/errors.ts';
import type { PhysicalPlan } from '../src/platform.ts';
import { LetterFiles } from './letter-files.ts';
import { withLetters } from './connectors/letters.ts';
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

/** Every source that can read its dead letters again with those of a state folder. */
export function withDeadLetters(plan: PhysicalPlan, state: string, isFedBack: boolean): PhysicalPlan {
  const files = new LetterFiles(state);
  const nodes = plan.nodes.map((node) => {
    const { uid, operator } = node;
    if (operator.kind !== 'source') return node;
    return { ...node, operator: { ...operator, connector: withLetters(operator.connector, uid, files, isFedBack) } };
  });
  return { ...plan, nodes };
}
