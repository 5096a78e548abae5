/**
 * Files that patterns name: `*` and `?` inside a name, `**` over folders, `{a,b}` for either. Names that begin with a
 * dot are matched only by a dot in the pattern, so that files on their way (and other hidden ones) are never input.
 *
 * Not here: reading them.
 */
import { readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { UserError } from '../../src/base/errors.ts';
import { readFailure } from '../disk.ts';

export interface FoundFile {
  /** Path relative to the folder that all patterns share, '/'-separated: the same on every machine. */
  readonly id: string;
  readonly path: string;
  readonly bytes: number;
  /** Device and inode: the same while a file is renamed. */
  readonly key: string;
  /** Another one as soon as anything of the file has changed. */
  readonly stamp: string;
}

/** A name without magic that no file has. */
export type MissingFile = Pick<FoundFile, 'id' | 'path'>;

const MAGIC = /[*?{]/;

/** The files of all patterns, each once, sorted by id. E1504 for a pattern that names none. */
export async function expandGlobs(patterns: readonly string[]): Promise<readonly FoundFile[]> {
  const { files, unmatched } = await findFiles(patterns);
  if (unmatched[0] !== undefined) throw noFile(unmatched[0]);
  return files;
}

export interface Found {
  /** Each once, sorted by id. */
  readonly files: readonly FoundFile[];
  /** Patterns that name no file. */
  readonly unmatched: readonly string[];
  /** Of these, names that a file may yet get. */
  readonly missing: readonly MissingFile[];
}

/** The files of all patterns as they are at the moment; one that goes away meanwhile is not there. */
export async function findFiles(patterns: readonly string[]): Promise<Found> {
  const simple = patterns.map((pattern) => expandBraces(pattern.split(sep).join('/')));
  const base = sharedFolder(simple.flat().map(baseOf));
  const idOf = (path: string): string => relative(base, path).split(sep).join('/');
  const files = new Map<string, FoundFile>();
  const unmatched: string[] = [];
  const missing = simple.flat().filter((pattern) => !MAGIC.test(pattern));
  for (const [i, alternatives] of simple.entries()) {
    let count = 0;
    for (const path of (await Promise.all(alternatives.map(matches))).flat()) {
      const found = await identityOf(path);
      if (found === undefined) continue;
      count++;
      if (!files.has(path)) files.set(path, { id: idOf(path), path, ...found });
    }
    if (count === 0) unmatched.push(patterns[i] ?? '');
  }
  return {
    files: [...files.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    unmatched,
    missing: missing
      .map((pattern) => resolve(pattern))
      .flatMap((path) => (files.has(path) ? [] : [{ id: idOf(path), path }])),
  };
}

/** Whether it may name more than one file. */
export const isPattern = (pattern: string): boolean => MAGIC.test(pattern);

/** By the end of its name. */
export const isCompressed = (path: string): boolean => /\.(gz|zip|bz2|xz|zst|lz4|br)$/.test(path);

/** The folders of patterns, before anything in them that is a pattern. */
export const foldersOf = (patterns: readonly string[]): readonly string[] => [
  ...new Set(patterns.flatMap((pattern) => expandBraces(pattern.split(sep).join('/')).map(baseOf))),
];

const noFile = (pattern: string): UserError =>
  new UserError(
    'E1504',
    { pattern },
    { hint: `patterns are relative to ${resolve('.')}; * and ? match inside a name, ** over folders` },
  );

async function identityOf(path: string): Promise<Pick<FoundFile, 'bytes' | 'key' | 'stamp'> | undefined> {
  try {
    const { size, dev, ino, ctimeNs } = await stat(path, { bigint: true });
    return { bytes: Number(size), key: `${dev}:${ino}`, stamp: `${path}:${size}:${ctimeNs}` };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw readFailure(path, error);
  }
}

/** 'a{b,c{d,e}}' as ab, acd, ace. */
export function expandBraces(pattern: string): string[] {
  const inner = /\{([^{}]*)\}/.exec(pattern);
  if (inner === null) return [pattern];
  const [before, after] = [pattern.slice(0, inner.index), pattern.slice(inner.index + inner[0].length)];
  return (inner[1] ?? '').split(',').flatMap((choice) => expandBraces(before + choice + after));
}

/** The folder before the first name with magic in it. */
function baseOf(pattern: string): string {
  const names = pattern.split('/');
  const magic = names.findIndex((name) => MAGIC.test(name));
  const plain = names.slice(0, magic < 0 ? names.length - 1 : magic).join('/');
  return resolve(plain === '' && pattern.startsWith('/') ? '/' : plain);
}

function sharedFolder(folders: readonly string[]): string {
  let shared = folders[0] ?? resolve('.');
  while (
    !folders.every((folder) => folder === shared || folder.startsWith(shared.endsWith(sep) ? shared : shared + sep))
  )
    shared = dirname(shared);
  return shared;
}

async function matches(pattern: string): Promise<string[]> {
  const base = baseOf(pattern);
  if (!MAGIC.test(pattern)) return (await isFile(resolve(pattern))) ? [resolve(pattern)] : [];
  const names = pattern.split('/');
  const rest = names.slice(names.findIndex((name) => MAGIC.test(name)));
  const shape = new RegExp(`^${rest.map(shapeOf).join('')}$`);
  const depth = rest.includes('**') ? Number.POSITIVE_INFINITY : rest.length;
  const found: string[] = [];
  await walk(
    base,
    '',
    depth,
    rest.some((name) => name.startsWith('.')),
    (name) => {
      if (shape.test(`/${name}`)) found.push(join(base, name));
    },
  );
  return found;
}

/** The expression for one name with the slash before it; for `**` any number of names. */
function shapeOf(name: string): string {
  if (name === '**') return '(?:/(?!\\.)[^/]+)*';
  const dots = /^[*?]/.test(name) ? '(?!\\.)' : '';
  const body = name
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replace(/\*+/g, '[^/]*')
    .replace(/\?/g, '[^/]');
  return `/${dots}${body}`;
}

async function walk(
  base: string,
  inside: string,
  depth: number,
  hidden: boolean,
  visit: (name: string) => void,
): Promise<void> {
  if (depth === 0) return;
  const folder = join(base, inside);
  for (const entry of await entriesOf(folder)) {
    const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
    const isFolder = entry.isDirectory() || (entry.isSymbolicLink() && !(await isFile(join(base, name))));
    if (!isFolder) visit(name);
    else if (hidden || !entry.name.startsWith('.')) await walk(base, name, depth - 1, hidden, visit);
  }
}

async function entriesOf(
  folder: string,
): Promise<{ name: string; isDirectory(): boolean; isSymbolicLink(): boolean }[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    // A folder that is not there holds no file that matches, which is told with the pattern.
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw readFailure(folder, error);
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return false;
    throw readFailure(path, error);
  }
}
