/**
 * Rows to NDJSON bytes in many lawful spellings, with the offset of each line, so that a reader meets what JSON allows
 * and not one memorised shape.
 *
 * Invariants
 *  1. Whatever the style, the line reads back as the row: a null is null, or absent where the style says so.
 *  2. Integers have digits only (also beyond 2^53); -0 keeps its sign; escapes never change what a string says.
 *  3. offsets[i] is the offset of the first byte of row i's line; every line ends in a newline, except that the last
 *     one may not.
 */
import type { Random } from '../../src/base/random.ts';
import { below } from '../../src/base/random.ts';
import type { Field, TableSchema } from '../../src/data/schema.ts';
import type { OracleRow, OracleSplit } from './batch-engine.ts';
import type { Cell, Row } from './cells.ts';

export interface WriterStyle {
  /** Order of the members: of the schema, one other order for the whole split, or shuffled in each line. */
  readonly keyOrder: 'schema' | 'other' | 'shuffled';
  /** Blanks and tabs between tokens: none, after ':' and ',', or any number anywhere they may stand. */
  readonly whitespace: 'none' | 'spaced' | 'wild';
  /** Characters written as escapes although they need not be. */
  readonly escapes: 'needed' | 'some' | 'all';
  /** How a null is written. */
  readonly nulls: 'null' | 'absent' | 'mixed';
  /** Members that the schema does not know, nested ones among them. */
  readonly unknownMembers: boolean;
  readonly newline: '\n' | '\r\n';
  readonly lastNewline: boolean;
}

export const PLAIN_STYLE: WriterStyle = {
  keyOrder: 'schema',
  whitespace: 'none',
  escapes: 'needed',
  nulls: 'null',
  unknownMembers: false,
  newline: '\n',
  lastNewline: true,
};

export interface WrittenSplit {
  readonly bytes: Uint8Array;
  readonly offsets: readonly number[];
}

export function writeNdjson(
  schema: TableSchema,
  rows: readonly Row[],
  style: WriterStyle,
  random: Random,
): WrittenSplit {
  const fields = style.keyOrder === 'schema' ? schema.fields : shuffled(schema.fields, random);
  const lines: Buffer[] = [];
  const offsets: number[] = [];
  let offset = 0;
  rows.forEach((row, i) => {
    const isOpenEnd = i === rows.length - 1 && !style.lastNewline;
    const order = style.keyOrder === 'shuffled' ? shuffled(fields, random) : fields;
    const line = Buffer.from(lineOf(order, row, style, random) + (isOpenEnd ? '' : style.newline), 'utf8');
    offsets.push(offset);
    lines.push(line);
    offset += line.length;
  });
  return { bytes: Buffer.concat(lines), offsets };
}

/** The rows with the offsets that their lines got: what the oracle reads. */
export function oracleSplit(name: string, rows: readonly Row[], offsets: readonly number[]): OracleSplit {
  return { name, rows: rows.map((row, i): OracleRow => ({ row, offset: offsets[i] ?? 0 })) };
}

const UNKNOWN = ['"zz":{"a":[1,{"b":"}\\""}],"c":null}', '"":[]', '"tsx":-1.5e-3', '"note":"a,b:{c}\\\\"'];

function lineOf(fields: readonly Field[], row: Row, style: WriterStyle, random: Random): string {
  const gap = (): string => gapOf(style, random);
  const after = style.whitespace === 'spaced' ? ' ' : '';
  const members: string[] = [];
  for (const { name } of fields) {
    const cell = row[name] ?? null;
    if (cell === null && (style.nulls === 'absent' || (style.nulls === 'mixed' && below(random, 2) === 0))) continue;
    members.push(`${gap()}${JSON.stringify(name)}${gap()}:${after}${gap()}${cellText(cell, style, random)}${gap()}`);
  }
  if (style.unknownMembers && below(random, 3) === 0) {
    members.splice(below(random, members.length + 1), 0, UNKNOWN[below(random, UNKNOWN.length)] ?? '"q":0');
  }
  return `${gap()}{${members.join(`,${after}`)}}${gap()}`;
}

function gapOf(style: WriterStyle, random: Random): string {
  if (style.whitespace !== 'wild') return '';
  return [' ', '\t', '  ', '\r', ' \t ', '', '', '', '', ''][below(random, 10)] ?? '';
}

function cellText(cell: Cell, style: WriterStyle, random: Random): string {
  if (typeof cell === 'string') return stringText(cell, style, random);
  if (Object.is(cell, -0)) return '-0.0';
  return String(cell);
}

/** Letters at the front of a string that may be escaped: enough to meet every border, cheap for long strings. */
const ESCAPED_LETTERS_MAX = 80;

function stringText(text: string, style: WriterStyle, random: Random): string {
  if (style.escapes === 'needed') return JSON.stringify(text);
  let out = '"';
  let i = 0;
  for (; i < Math.min(text.length, ESCAPED_LETTERS_MAX); i++) {
    const unit = text.charCodeAt(i);
    const isEscaped = style.escapes === 'all' || below(random, 8) === 0;
    // Half of a pair is escaped only together with the other: UTF-8 has no way to write one of them raw.
    const isPair = unit >= 0xd800 && unit < 0xdc00;
    const piece = isPair ? text.slice(i, i + 2) : text.charAt(i);
    out += isEscaped ? escapesOf(piece, random) : JSON.stringify(piece).slice(1, -1);
    if (isPair) i++;
  }
  return out + JSON.stringify(text.slice(i)).slice(1);
}

const SHORT: Readonly<Record<string, string>> = {
  '/': '\\/',
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function escapesOf(piece: string, random: Random): string {
  const short = SHORT[piece];
  if (short !== undefined && below(random, 2) === 0) return short;
  let out = '';
  for (let i = 0; i < piece.length; i++) {
    const digits = piece.charCodeAt(i).toString(16).padStart(4, '0');
    out += `\\u${below(random, 2) === 0 ? digits : digits.toUpperCase()}`;
  }
  return out;
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = below(random, i + 1);
    const [a, b] = [out[i], out[j]];
    if (a !== undefined && b !== undefined) [out[i], out[j]] = [b, a];
  }
  return out;
}
