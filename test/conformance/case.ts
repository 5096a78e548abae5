/**
 * A third-party case and what became of it. Cases are data: what goes in, how the operator is configured, what must come
 * out. Two formats are read: operator cases, which name their kind, and SQL programs (kind `sql`).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Json } from '../../src/base/json.ts';

export interface JsonObject {
  readonly [name: string]: Json;
}

export interface Step extends JsonObject {}

export interface ConformanceCase {
  readonly id: string;
  readonly kind: string;
  readonly operator: JsonObject;
  readonly steps: readonly Step[];
}

export type Outcome =
  | { readonly result: 'pass' }
  /** `step`: index of the step that was not met. */
  | { readonly result: 'fail'; readonly step: number; readonly expected: unknown; readonly got: unknown }
  /** The engine does not offer what the case asks for. Never a pass. */
  | { readonly result: 'unsupported'; readonly reason: string }
  /** What the case observes exists only inside the engine that it was written for. */
  | { readonly result: 'inside-flink'; readonly reason: string };

export type Driver = (one: ConformanceCase) => Promise<Outcome>;

/** Thrown by drivers: ends the case as unsupported. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
}

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function objectOf(value: Json | undefined, what: string): JsonObject {
  if (isObject(value)) return value;
  throw new TypeError(`${what} is no object: ${JSON.stringify(value)}`);
}

/** A readonly view of a list that must be there. */
export function listOf(value: Json | undefined, what: string): readonly Json[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`${what} is no list: ${JSON.stringify(value)}`);
}

/** All cases of the files of a folder, in order of their names. */
export function readCases(folder: string): readonly ConformanceCase[] {
  const seen = new Map<string, number>();
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort();
  return files.flatMap((name) => {
    // Checked below as far as it is used.
    const list = listOf(JSON.parse(readFileSync(join(folder, name), 'utf8')) as Json, name);
    return list.map((entry) => {
      const one = caseOf(objectOf(entry, name), basename(name, '.json'));
      const times = (seen.get(one.id) ?? 0) + 1;
      seen.set(one.id, times);
      return times === 1 ? one : { ...one, id: `${one.id}#${times}` };
    });
  });
}

function caseOf(entry: JsonObject, file: string): ConformanceCase {
  const { id, kind, operator, steps } = entry;
  if (typeof id !== 'string') throw new TypeError(`a case without an id in ${file}`);
  if (kind === undefined) return { id: `${file}/${id}`, kind: 'sql', operator: entry, steps: [] };
  if (typeof kind !== 'string') throw new TypeError(`${id} has no kind`);
  return {
    id,
    kind,
    operator: objectOf(operator, `operator of ${id}`),
    steps: listOf(steps, `steps of ${id}`).map((step) => objectOf(step, `a step of ${id}`)),
  };
}
