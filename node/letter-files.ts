/** The files of dead letters in a state folder: parts that are committed, or what somebody has put right of them. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExternalError } from '../src/base/errors.ts';
import { isRecord } from '../src/state/shape.ts';
import { readFailure } from './disk.ts';

/** A line of such a file. */
export interface Letter {
  readonly operator: string;
  /** Null: refused by an operator of the job, not by a source. */
  readonly split: string | null;
  readonly offset: number | null;
  readonly position: number | null;
  readonly reason: string;
  readonly record: string;
  /** The bytes of the record when they are no UTF-8: they count, not `record`. */
  readonly base64: string | null;
  readonly whole: boolean;
}

export const PREFIX = 'dead-letters/';

/** Whether a split is one of letters; then what it is made of: a part, and the split that they were refused in. */
export function letterSplit(id: string): { readonly part: string; readonly split: string } | undefined {
  if (!id.startsWith(PREFIX)) return undefined;
  const [part = '', ...split] = id.slice(PREFIX.length).split('/');
  return { part, split: split.join('/') };
}

/** Letters that were fed back and refused again came from the split of the first time. */
export const originOf = (split: string): string => letterSplit(split)?.split ?? split;

const PART = /^(part-\d{10})\.ndjson$/;

export class LetterFiles {
  readonly #folder: string;

  /** Of a state folder. */
  constructor(state: string) {
    this.#folder = join(state, 'dead-letters');
  }

  /** Names of the parts, in order. */
  async parts(): Promise<readonly string[]> {
    const names = await readdir(this.#folder).catch(absent(this.#folder));
    return (names ?? []).flatMap((name) => PART.exec(name)?.[1] ?? []).sort();
  }

  /**
   * The letters of a part, from the folder of repaired ones when it is there. E1501 for lines that are no letters, and for a
   * repaired part that cannot be read: the original in its place would be fed back as if it were put right.
   */
  async read(part: string): Promise<readonly Letter[]> {
    const repaired = join(this.#folder, 'repaired', `${part}.ndjson`);
    const text = await readFile(repaired, 'utf8').catch(absent(repaired));
    const path = text === undefined ? join(this.#folder, `${part}.ndjson`) : repaired;
    const lines = text ?? (await readText(path));
    return lines.split('\n').flatMap((line, i) => (line.trim() === '' ? [] : [letterOf(line, path, i + 1)]));
  }
}

/** Undefined for what is not there; E1501 for what cannot be read. */
const absent =
  (path: string) =>
  (error: unknown): undefined => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw readFailure(path, error);
  };

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw readFailure(path, error);
  }
}

function letterOf(line: string, path: string, number: number): Letter {
  const fail = (problem: string): ExternalError =>
    new ExternalError('E1501', { path, problem: `line ${number} is no dead letter: ${problem}` });
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error));
  }
  if (!isRecord(value)) throw fail('it is no object');
  const { operator, split, reason, record } = value;
  if (typeof operator !== 'string' || typeof record !== 'string' || typeof reason !== 'string')
    throw fail("it needs the texts 'operator', 'reason' and 'record'");
  const textOf = (name: string): string | null => (typeof value[name] === 'string' ? value[name] : null);
  const numberOf = (name: string): number | null => (typeof value[name] === 'number' ? value[name] : null);
  return {
    operator,
    split: typeof split === 'string' ? split : null,
    offset: numberOf('offset'),
    position: numberOf('position'),
    reason,
    record,
    base64: textOf('base64'),
    whole: value['whole'] !== false,
  };
}

/** What letters of a source in a split hold: a line break, then each record with one. */
export function contentOf(letters: readonly Letter[], uid: string, split: string): Uint8Array {
  const newline = Buffer.from('\n');
  const mine = letters.filter(({ operator, split: of }) => operator === uid && of !== null && originOf(of) === split);
  const records = mine.flatMap(({ record, base64 }) => [
    base64 === null ? Buffer.from(record) : Buffer.from(base64, 'base64'),
    newline,
  ]);
  return Buffer.concat([newline, ...records]);
}
