/**
 * Which file is which. A name says little: logs are renamed while they are written, and their names given to others. A file
 * is known by device and inode while it is open, and by inode and its print over restarts: device numbers change when
 * a machine starts, and inodes of removed files are given to others, often at once.
 *
 * A print holds the first and the last bytes of what was read. The first alone do not do: many files begin alike, with a
 * header or a banner. Of two files that are alike up to there the time at which they were made tells, where it is kept.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const EDGE_BYTES = 256;

/** A file as far as it had been read: how many bytes, the hash of the first and the last of them, and its birth. */
export interface Print {
  readonly bytes: number;
  readonly hash: string;
  /** When the file was made (ns), where that is kept. */
  readonly born?: string;
}

export const NO_PRINT: Print = { bytes: 0, hash: '' };

/** Of the first `bytes` bytes of a file. `known`: what was found of it before. */
export function printOf(fd: number, bytes: number, known: Print = NO_PRINT): Print {
  return bytes === known.bytes ? known : { bytes, hash: hashOf(fd, bytes) ?? '', ...birthOf(fd) };
}

/** Of a file of which nothing was read: what is there already. */
export const printAhead = (fd: number): Print => printOf(fd, Math.min(EDGE_BYTES, fstatSync(fd).size));

/** Whether so much of the file is there, and as it was. */
export function hasPrint(fd: number, { bytes, hash, born }: Print): boolean {
  if (born !== undefined && String(fstatSync(fd, { bigint: true }).birthtimeNs) !== born) return false;
  return bytes === 0 || hashOf(fd, bytes) === hash;
}

/** Where no birth is kept, systems answer 0 or the time of the last change. */
function birthOf(fd: number): Pick<Print, 'born'> {
  const { birthtimeNs, ctimeNs } = fstatSync(fd, { bigint: true });
  return birthtimeNs > 0n && birthtimeNs < ctimeNs ? { born: String(birthtimeNs) } : {};
}

/** Undefined: the file is shorter. */
function hashOf(fd: number, bytes: number): string | undefined {
  const first = Math.min(EDGE_BYTES, bytes);
  const last = Math.min(EDGE_BYTES, bytes - first);
  const buffer = new Uint8Array(first + last);
  const read = readSync(fd, buffer, 0, first, 0) + (last === 0 ? 0 : readSync(fd, buffer, first, last, bytes - last));
  return read < buffer.length ? undefined : createHash('sha256').update(buffer).digest('hex').slice(0, 16);
}

/** The file at a path, when it is the one that had this key (perhaps before the machine was started) and this print. */
export function isFile(path: string, key: string, print: Print): boolean {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (found?.isFile() !== true || String(found.ino) !== inodeOf(key)) return false;
  const fd = openSync(path, 'r');
  try {
    return hasPrint(fd, print);
  } finally {
    closeSync(fd);
  }
}

/** Where the file is that stood at `path`: there, at one of `others`, or under another name in its folder. */
export function locate(path: string, others: readonly string[], key: string, print: Print): string | undefined {
  const folder = dirname(path);
  const beside = namesIn(folder).map((name) => join(folder, name));
  return [path, ...others, ...beside].find((each) => isFile(each, key, print));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const inodeOf = (key: string): string => key.slice(key.indexOf(':') + 1);
