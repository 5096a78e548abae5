/** `millrace explain`: the plan of a job, without running it. */
import { explainPhysical, physicalPlanOf } from '../../src/platform.ts';
import { readArguments } from './arguments.ts';
import { loadJob } from './load-job.ts';
import { EXIT, say } from './output.ts';

export const explainHelp = `millrace explain <job.ts|job.js|job.json>

Prints the plan: operators with their uids (the names of their state), what each reads, key groups, whether results are
inserts only or a changelog, and what state holds for each key.
`;

export async function explain(args: readonly string[]): Promise<number> {
  const [path] = readArguments('explain', args, {}).positionals;
  if (path === undefined) {
    say(explainHelp);
    return EXIT.usage;
  }
  const { job, defaultName } = await loadJob(path);
  process.stdout.write(`${explainPhysical(physicalPlanOf(job, job.name ?? defaultName))}\n`);
  return EXIT.done;
}
