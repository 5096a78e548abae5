/**
 * A Disk that tells what is being done on it, and kills its own process at a chosen moment of a chosen operation.
 *
 * Invariants
 *  1. An operation belongs to one phase, by what it does to which file; while the job restores, to recovery.
 *  2. The kill is SIGKILL: nothing of this process runs after it, and no buffer of it is written.
 *  3. 'inside' an append means that half of its bytes are in the file. Other calls are one system call or a few: for them it
 *     is the moment before.
 * Not here: what to kill next (kill-harness.ts).
 */
import { writeSync } from 'node:fs';
import type { Disk, DiskFile } from '../../src/base/disk.ts';

export type Phase = 'segment' | 'manifest' | 'sink commit' | 'recovery' | 'sink part' | 'clean-up' | 'other';
export type Moment = 'before' | 'inside' | 'after';

/** At the nth operation of a phase. */
export interface KillPoint {
  readonly phase: Phase;
  readonly nth: number;
  readonly moment: Moment;
}

/** What all disks of one process share: the phase of the job, the kill point, and the way to tell. */
export class Watch {
  recovering = true;
  /** Operations of the recovery so far. */
  recoverySteps = 0;
  readonly #point: KillPoint | undefined;
  #seen = 0;

  constructor(point: KillPoint | undefined) {
    this.#point = point;
  }

  /** At once and without a buffer, so that the last line before a kill arrives. */
  tell(line: string): void {
    writeSync(1, `${line}\n`);
  }

  async during<T>(phase: Phase, what: string, work: () => Promise<T>, half?: () => Promise<void>): Promise<T> {
    if (phase === 'recovery') this.recoverySteps++;
    const isPoint = phase === this.#point?.phase && ++this.#seen === this.#point.nth;
    this.tell(`+ ${phase}`);
    if (isPoint && this.#point?.moment !== 'after') {
      const inside = this.#point?.moment === 'inside' && half !== undefined;
      if (inside) await half();
      this.#kill(phase, `${inside ? 'inside' : 'before'} ${what}`);
    }
    const result = await work();
    if (isPoint) this.#kill(phase, `after ${what}`);
    this.tell(`- ${phase}`);
    return result;
  }

  #kill(phase: Phase, what: string): void {
    this.tell(`! ${phase}: ${what}`);
    process.kill(process.pid, 'SIGKILL');
  }
}

type Operation =
  | 'create'
  | 'append'
  | 'sync'
  | 'close'
  | 'rename'
  | 'remove'
  | 'size'
  | 'makeFolder'
  | 'syncDirectory'
  | 'list'
  | 'read';

function phaseOf(role: 'state' | 'sink', operation: Operation, path: string): Phase {
  if (operation === 'list' || operation === 'read' || operation === 'size') return 'other';
  if (operation === 'remove') return 'clean-up';
  if (role === 'state') {
    if (path.startsWith('segments/')) return 'segment';
    return path.startsWith('checkpoint-') || operation === 'syncDirectory' ? 'manifest' : 'other';
  }
  const commits = operation === 'rename' || (operation === 'syncDirectory' && path === '');
  return commits ? 'sink commit' : 'sink part';
}

export function watchedDisk(disk: Disk, role: 'state' | 'sink', watch: Watch): Disk {
  const during = <T>(
    operation: Operation,
    path: string,
    work: () => Promise<T>,
    half?: () => Promise<void>,
  ): Promise<T> =>
    watch.during(
      watch.recovering ? 'recovery' : phaseOf(role, operation, path),
      `${operation} ${nameOf(path)}`,
      work,
      half,
    );
  const file = (inner: DiskFile, path: string): DiskFile => ({
    append: (bytes) =>
      during(
        'append',
        path,
        () => inner.append(bytes),
        () => inner.append(bytes.subarray(0, bytes.length >> 1)),
      ),
    sync: () => during('sync', path, () => inner.sync()),
    close: () => during('close', path, () => inner.close()),
  });
  return {
    async create(path, options) {
      const made = await during('create', path, () => disk.create(path, options));
      return made === false ? false : file(made, path);
    },
    read: (path, offset, length) => during('read', path, () => disk.read(path, offset, length)),
    size: (path) => during('size', path, () => disk.size(path)),
    list: (folder) => during('list', folder, () => disk.list(folder)),
    makeFolder: (folder) => during('makeFolder', folder, () => disk.makeFolder(folder)),
    rename: (from, to) => during('rename', from, () => disk.rename(from, to)),
    remove: (path) => during('remove', path, () => disk.remove(path)),
    syncDirectory: (folder) => during('syncDirectory', folder, () => disk.syncDirectory(folder)),
  };
}

/** The kind of file: numbers and uids left out, so that a histogram has few lines. */
const nameOf = (path: string): string =>
  path === '' ? 'folder' : path.replace(/-[0-9a-f]{12}(?=-)/g, '').replace(/\d+/g, 'N');
