/** `millrace inspect`: what a state folder holds, read without owning it and without changing it. */
import { formatBytes } from '../../src/base/bytes.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { TERMS } from '../../src/metrics/ledger.ts';
import { type Inspection, inspectStore } from '../../src/platform.ts';
import { DiskCheckpointStore } from '../../src/state/disk-store.ts';
import { NodeDisk } from '../disk.ts';
import { kernelModule } from '../platform.ts';
import { readArguments } from './arguments.ts';
import { bold, EXIT, say } from './output.ts';
import { requireFolder } from './state-folder.ts';

export const inspectHelp = `millrace inspect <state folder> [--json]

Lists the checkpoints of a job and whether each is whole (every checksum is verified), and of the newest whole one: operators,
bytes and keys of each state, where every source stands, what each sink has to commit, and the ledger.
`;

const INSPECT_BYTES_MAX = 2 ** 32 - 2 ** 20;

export async function inspect(args: readonly string[]): Promise<number> {
  const options = readArguments('inspect', args, { json: { type: 'boolean', help: 'print JSON' } });
  const [folder] = options.positionals;
  if (folder === undefined) {
    say(inspectHelp);
    return EXIT.usage;
  }
  await requireFolder(folder);
  const kernels = new KernelInstance(await kernelModule(), INSPECT_BYTES_MAX);
  const inspection = await inspectStore(new DiskCheckpointStore(new NodeDisk(folder), folder), kernels);
  process.stdout.write(options.flag('json') ? `${JSON.stringify(inspection, null, 2)}\n` : `${format(inspection)}\n`);
  return inspection.checkpoints.some(({ problem }) => problem !== undefined) ? EXIT.failed : EXIT.done;
}

function format({ job, checkpoints, newest }: Inspection): string {
  const lines = [bold(`job ${job ?? '(none)'}`), 'checkpoints, newest first:'];
  for (const { name, bytes, takenAt, problem } of checkpoints) {
    const when = takenAt === undefined ? '' : new Date(takenAt).toISOString();
    lines.push(
      `  ${name}  ${formatBytes(bytes).padStart(10)}  ${when}  ${problem === undefined ? 'whole' : `DAMAGED: ${problem}`}`,
    );
  }
  if (newest === undefined) return lines.join('\n');
  lines.push(`newest whole one: checkpoint ${newest.checkpoint}${newest.finished ? ', the job is finished' : ''}`);
  for (const { uid, kind, states, ledger } of newest.operators) {
    lines.push(`  ${uid} (${kind})`);
    for (const { name, entries, bytes } of states)
      lines.push(`    state ${name}: ${entries.toLocaleString('en-US')} entries, ${formatBytes(bytes)}`);
    const terms = TERMS.filter((term) => (ledger[term] ?? 0) !== 0).map(
      (term) => `${term} ${(ledger[term] ?? 0).toLocaleString('en-US')}`,
    );
    if (terms.length > 0) lines.push(`    records: ${terms.join(', ')}`);
  }
  for (const { uid, split, position, ended } of newest.offsets) {
    lines.push(
      `  ${uid} split ${split}: ${ended ? 'read to its end' : `next record at ${position.toLocaleString('en-US')}`}`,
    );
  }
  for (const { uid, committables } of newest.sinks) lines.push(`  ${uid}: ${committables} committables`);
  return lines.join('\n');
}
