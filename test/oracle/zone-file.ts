/**
 * Time zones as the files of the tz database hold them (TZif, RFC 9636): an answer that does not come from the platform's
 * own library. Times are in milliseconds.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

export const ZONE_FOLDER = '/usr/share/zoneinfo';

export interface ZoneChange {
  readonly epoch: number;
  readonly before: number;
  readonly after: number;
}

export interface ZoneFile {
  /** In force before the first change. */
  readonly first: number;
  /** Those that change the offset, in order. */
  readonly changes: readonly ZoneChange[];
  /** POSIX TZ string for what follows the last change. */
  readonly rule: string;
}

const HEADER = 44;

/** Reads the file of a zone; undefined when there is none. */
export function readZone(name: string, folder = ZONE_FOLDER): ZoneFile | undefined {
  const path = join(folder, name);
  if (!existsSync(path) || !statSync(path).isFile()) return undefined;
  const bytes = readFileSync(path);
  return bytes.toString('latin1', 0, 4) === 'TZif' ? parseZone(bytes) : undefined;
}

/** The version 2 data of a file: after the 32-bit data, with 64-bit times. */
export function parseZone(bytes: Buffer): ZoneFile {
  const counts = (
    at: number,
  ): { utc: number; std: number; leap: number; times: number; types: number; chars: number } => {
    const [utc = 0, std = 0, leap = 0, times = 0, types = 0, chars = 0] = [0, 4, 8, 12, 16, 20].map((offset) =>
      bytes.readUInt32BE(at + 20 + offset),
    );
    return { utc, std, leap, times, types, chars };
  };
  const old = counts(0);
  const header = HEADER + old.times * 5 + old.types * 6 + old.chars + old.leap * 8 + old.std + old.utc;
  const { utc, std, leap, times, types, chars } = counts(header);
  const timesAt = header + HEADER;
  const indexesAt = timesAt + times * 8;
  const typesAt = indexesAt + times;
  const ruleAt = typesAt + types * 6 + chars + leap * 12 + std + utc + 1;
  const offsetOf = (type: number): number => bytes.readInt32BE(typesAt + type * 6) * 1000;
  let before = offsetOf(0);
  const first = before;
  const changes: ZoneChange[] = [];
  for (let i = 0; i < times; i++) {
    const after = offsetOf(bytes.readUInt8(indexesAt + i));
    if (after === before) continue;
    changes.push({ epoch: Number(bytes.readBigInt64BE(timesAt + i * 8)) * 1000, before, after });
    before = after;
  }
  return { first, changes, rule: bytes.toString('latin1', ruleAt, bytes.length - 1) };
}

/** The names of all zones of the folder, links included. */
export function zoneNames(folder = ZONE_FOLDER): readonly string[] {
  const walk = (below: string): string[] =>
    readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
      const name = below === '' ? entry.name : `${below}/${entry.name}`;
      if (below === '' && (entry.name === 'right' || entry.name === 'posix')) return [];
      return statSync(join(folder, name)).isDirectory() ? walk(name) : [name];
    });
  return walk('')
    .filter((name) => readZone(name, folder) !== undefined)
    .sort();
}

/** The version of the data, where the folder tells it. */
export function zoneDataVersion(folder = ZONE_FOLDER): string | undefined {
  const text = ['tzdata.zi', '+VERSION']
    .map((name) => join(folder, name))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'latin1').slice(0, 40))[0];
  return text === undefined ? undefined : /\d{4}[a-z]/.exec(text)?.[0];
}
