/**
 * Which file is which. A name says little: logs are renamed while they are written, and their names given to others. A file
 * is known by device and inode while it is open, and by inode and its first bytes over restarts: device numbers change when
 * a machine starts, and inodes of removed files are given to others.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

const HEAD_BYTES = 256;

/** The first bytes of a file, as far as it had been read: how many, and their hash. */
export interface Head {
  readonly bytes: number;
  readonly hash: string;
}

export const NO_HEAD: Head = { bytes: 0, hash: '' };

/** Of a file of which `readTo` bytes were read. `known`: what was found of it before. */
export function headOf(fd: number, readTo: number, known: Head = NO_HEAD): Head {
  const bytes = Math.min(HEAD_BYTES, readTo);
  return bytes === known.bytes ? known : { bytes, hash: hashOf(fd, bytes) ?? '' };
}

/** Whether the file begins as it did. */
export const hasHead = (fd: number, { bytes, hash }: Head): boolean => bytes === 0 || hashOf(fd, bytes) === hash;

function hashOf(fd: number, bytes: number): string | undefined {
  const buffer = new Uint8Array(bytes);
  const read = readSync(fd, buffer, 0, bytes, 0);
  return read < bytes ? undefined : createHash('sha256').update(buffer).digest('hex').slice(0, 16);
}

/** The file at a path, when it is the one that had this key (perhaps before the machine was started) and this head. */
export function isFile(path: string, key: string, head: Head): boolean {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (found?.isFile() !== true || String(found.ino) !== inodeOf(key)) return false;
  const fd = openSync(path, 'r');
  try {
    return hasHead(fd, head);
  } finally {
    closeSync(fd);
  }
}

/** Where the file is that stood at `path`: there, at one of `others`, or under another name in its folder. */
export function locate(path: string, others: readonly string[], key: string, head: Head): string | undefined {
  const folder = dirname(path);
  const beside = namesIn(folder).map((name) => join(folder, name));
  return [path, ...others, ...beside].find((each) => isFile(each, key, head));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

const inodeOf = (key: string): string => key.slice(key.indexOf(':') + 1);
