/**
 * Files that patterns name: `*` and `?` inside a name, `**` over folders, `{a,b}` for either. Names that begin with a
 * dot are matched only by a dot in the pattern, so that files on their way (and other hidden ones) are never input.
 *
 * Invariants
 *  1. A file is found once, however many names it has: under one that leads over no link, if such a one matches.
 *  2. Links are followed, but not to folders below `**`: those may lead in circles. Only files are found, no pipes.
 *
 * Not here: reading them.
 */
import { readdir, realpath, stat } from 'node:fs/promises';
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

type Identity = Pick<FoundFile, 'bytes' | 'key' | 'stamp'> & {
  /** Whether it has names besides those that links give it. */
  readonly hasNames: boolean;
};

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
  const found = new Map<string, FoundFile & Identity>();
  const unmatched: string[] = [];
  const missing = simple.flat().filter((pattern) => !MAGIC.test(pattern));
  for (const [i, alternatives] of simple.entries()) {
    let count = 0;
    for (const path of (await Promise.all(alternatives.map(matches))).flat()) {
      const identity = await identityOf(path);
      if (identity === undefined) continue;
      count++;
      if (!found.has(path)) found.set(path, { id: idOf(path), path, ...identity });
    }
    if (count === 0) unmatched.push(patterns[i] ?? '');
  }
  return {
    files: await eachOnce(
      [...found.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
      base,
    ),
    unmatched,
    missing: missing
      .map((pattern) => resolve(pattern))
      .flatMap((path) => (found.has(path) ? [] : [{ id: idOf(path), path }])),
  };
}

/** Of names that lead to the same file the one without a link in it, or the first. */
async function eachOnce(files: readonly (FoundFile & Identity)[], base: string): Promise<readonly FoundFile[]> {
  const byKey = new Map<string, (FoundFile & Identity)[]>();
  for (const file of files) byKey.set(file.key, [...(byKey.get(file.key) ?? []), file]);
  if (byKey.size === files.length) return files;
  const others = new Set<string>();
  for (const same of byKey.values()) {
    if (same.length === 1) continue;
    for (const path of await otherNames(same, base)) others.add(path);
  }
  return files.filter(({ path }) => !others.has(path));
}

/** Some systems give several files one number: names are those of one file when they lead to one place, or it has several. */
async function otherNames(files: readonly (FoundFile & Identity)[], base: string): Promise<readonly string[]> {
  const realBase = await realpath(base);
  const places = new Map<string, { readonly path: string; readonly isReal: boolean }>();
  const others: string[] = [];
  for (const { path, id, hasNames, key } of files) {
    // One that goes away meanwhile leads nowhere, and is found to be gone when it is opened.
    const real = await realpath(path).catch(() => path);
    const place = hasNames ? key : real;
    const isReal = real === join(realBase, id);
    const before = places.get(place);
    if (before === undefined || (isReal && !before.isReal)) {
      places.set(place, { path, isReal });
      if (before !== undefined) others.push(before.path);
    } else others.push(path);
  }
  return others;
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

async function identityOf(path: string): Promise<Identity | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    const { size, dev, ino, ctimeNs, nlink } = found;
    if (!found.isFile()) return undefined;
    const stamp = `${path}:${size}:${ctimeNs}`;
    return { bytes: Number(size), key: `${dev}:${ino}`, stamp, hasNames: nlink > 1n };
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
  const anyDepth = rest.indexOf('**');
  const found: string[] = [];
  await walk(
    base,
    '',
    {
      depth: anyDepth < 0 ? rest.length : Number.POSITIVE_INFINITY,
      linkDepth: anyDepth < 0 ? rest.length : anyDepth,
      hidden: rest.some((name) => name.startsWith('.')),
    },
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

interface Reach {
  /** Of folders, and of links to folders. */
  readonly depth: number;
  readonly linkDepth: number;
  /** Whether into hidden folders too. */
  readonly hidden: boolean;
}

async function walk(base: string, inside: string, reach: Reach, visit: (name: string) => void): Promise<void> {
  const { depth, linkDepth, hidden } = reach;
  if (depth === 0) return;
  const deeper = { depth: depth - 1, linkDepth: linkDepth - 1, hidden };
  const folder = join(base, inside);
  for (const entry of await entriesOf(folder, inside !== '')) {
    const name = inside === '' ? entry.name : `${inside}/${entry.name}`;
    // Whether it is a file, or a link to one, is found out of what matches.
    if (!entry.isDirectory()) visit(name);
    const isPassed = entry.isDirectory() || (entry.isSymbolicLink() && linkDepth > 0);
    if (isPassed && (hidden || !entry.name.startsWith('.'))) await walk(base, name, deeper, visit);
  }
}

const NOWHERE = new Set(['ENOENT', 'ENOTDIR']);

async function entriesOf(
  folder: string,
  isInside: boolean,
): Promise<{ name: string; isDirectory(): boolean; isSymbolicLink(): boolean }[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    // A folder that is not there holds no file that matches, which is told with the pattern; nor does a link to itself.
    if (
      error instanceof Error
      && 'code' in error
      && (NOWHERE.has(String(error.code)) || (isInside && error.code === 'ELOOP'))
    )
      return [];
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
