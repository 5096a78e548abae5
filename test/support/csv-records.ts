/**
 * Random CSV over the schema with every kind of column: fields in any order, with and without need of their quotes, others
 * between them, and bytes broken by mutation.
 */
import { below, type Random } from '../../src/base/random.ts';
import { CSV_SEPARATORS, type CsvSeparator } from '../../src/format/csv.ts';
import { BROKEN_BYTES, everyKind, valueFor } from './json-lines.ts';

export interface RandomCsv {
  readonly names: readonly string[];
  readonly separator: CsvSeparator;
  readonly header: boolean;
  readonly input: Uint8Array;
  /** Where the records begin: behind the header. */
  readonly from: number;
}

const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)] as T;
const chance = (random: Random, n: number): boolean => below(random, n) === 0;

/** A text as a field; quotes where it needs them and, now and then, where it does not. */
export function fieldOf(text: string, separator: string, quoted: boolean): string {
  const mustQuote = quoted || text.includes(separator) || /["\r\n]/.test(text);
  return mustQuote ? `"${text.replaceAll('"', '""')}"` : text;
}

const TEXTS = [
  'plain',
  'a, b; c\td|e',
  'say "yes"',
  'two\nlines',
  'two\r\nlines',
  '""',
  'é',
  '日本',
  '😀',
  ' ',
  'x'.repeat(40),
];

function textFor(random: Random, kind: string): string {
  if (kind === 'utf8') return Array.from({ length: below(random, 4) }, () => pick(random, TEXTS)).join('');
  if (kind === 'bool') return pick(random, ['true', 'False', 'TRUE', 'false', '1', 'tru']);
  const value = valueFor(random, kind);
  if (kind === 'json') return value;
  if (value === 'null') return '';
  return value.startsWith('"') ? Buffer.from(String(JSON.parse(value))).toString() : value;
}

function record(random: Random, names: readonly string[], separator: string): string {
  const kinds = new Map(everyKind.fields.map(({ name, type }) => [name, type.kind]));
  const fields = names.map((name) => {
    const text = chance(random, 12) && name !== 'large' ? '' : textFor(random, kinds.get(name) ?? 'utf8');
    return fieldOf(text, separator, chance(random, 5));
  });
  if (chance(random, 60)) fields.push('more');
  if (chance(random, 60)) fields.pop();
  return (
    fields.join(separator)
    + (chance(random, 4) ? '\r\n' : '\n')
    + (chance(random, 40) ? pick(random, ['\n', '\r\n']) : '')
  );
}

/** One to three small things in `text` changed. */
function mutated(random: Random, text: string, separator: string): Uint8Array {
  let bytes = Buffer.from(text);
  for (let i = 0; i <= below(random, 3); i++) {
    const at = below(random, bytes.length + 1);
    const rest = bytes.subarray(at + below(random, 3));
    const inserted = chance(random, 3)
      ? Buffer.from([pick(random, BROKEN_BYTES)])
      : Buffer.from(pick(random, ['"', '""', separator, '\r', '\n', '', 'x', ' ']));
    bytes = Buffer.concat([bytes.subarray(0, at), inserted, rest]);
  }
  return bytes;
}

function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const left = [...items];
  return items.map(() => left.splice(below(random, left.length), 1)[0] as T);
}

/** A file of `count` records, about one in ten of them broken. */
export function randomCsv(random: Random, count: number): RandomCsv {
  const separator = pick(random, CSV_SEPARATORS);
  const header = !chance(random, 4);
  const own = everyKind.fields.map(({ name }) => name);
  const kept = own.filter((name) => name === 'large' || !chance(random, 6));
  const names = header ? shuffled(random, [...kept, 'other', 'more "others"'.slice(0, 4 + below(random, 10))]) : own;
  const first = header ? `${names.map((name) => fieldOf(name, separator, chance(random, 5))).join(separator)}\n` : '';
  const parts = Array.from({ length: count }, () => {
    const text = record(random, names, separator);
    return chance(random, 10) ? mutated(random, text, separator) : Buffer.from(text);
  });
  const whole = Buffer.concat([Buffer.from(first), ...parts]);
  const from = Buffer.byteLength(first);
  // Now and then the last line has no end.
  const input = chance(random, 2) ? whole : whole.subarray(0, Math.max(from, whole.length - 1 - below(random, 30)));
  return { names, separator, header, input, from };
}
