/**
 * What CSV means, by RFC 4180 and the rules of the documentation, with regular expressions over the whole input; written
 * without looking at the kernel. Values are those of the oracle of JSON, without its quotes.
 */
import type { TableSchema } from '../../src/data/schema.ts';
import type { ColumnType } from '../../src/data/types.ts';
import { base64, depthOf, DoesNotFit, epoch, hex, integer, iso, type OracleValue } from './json.ts';

export interface OracleCsvOptions {
  readonly separator: string;
  /** Names of the fields; columns are found by them. */
  readonly names: readonly string[];
  readonly wanted: ReadonlySet<string>;
  readonly recordBytesMax: number;
}

export interface OracleCsv {
  readonly rows: readonly (readonly OracleValue[])[];
  readonly letters: readonly (readonly [offset: number, why: 'syntax' | 'column'])[];
}

interface RawField {
  /** A character a byte. */
  readonly text: string;
  readonly isQuoted: boolean;
}

interface RawRecord {
  readonly fields: readonly RawField[];
  readonly isBroken: boolean;
  /** Place of the line feed that ends it, or the end of the input. */
  readonly end: number;
}

/** The records of `input` from byte `from` on. */
export function oracleCsv(input: Uint8Array, from: number, schema: TableSchema, options: OracleCsvOptions): OracleCsv {
  // A character a byte, so that places are bytes.
  const text = Buffer.from(input).toString('latin1');
  const rows: (readonly OracleValue[])[] = [];
  const letters: [number, 'syntax' | 'column'][] = [];
  for (let at = from; at < text.length; ) {
    const blank = options.names.length === 1 ? undefined : /^\r?\n|^\r$/.exec(text.slice(at, at + 2))?.[0];
    if (blank !== undefined) {
      at += blank.length;
      continue;
    }
    const { fields, isBroken, end } = recordAt(text, at, options.separator);
    if (end - at > options.recordBytesMax) {
      letters.push([at, 'syntax']);
      at = lineFeed(text, at + options.recordBytesMax + 1) + 1;
      continue;
    }
    const isWhole = !isBroken && fields.length === options.names.length && isUtf8(text.slice(at, end));
    const row = isWhole ? rowOf(fields, schema, options) : undefined;
    if (row === undefined) letters.push([at, isWhole ? 'column' : 'syntax']);
    else rows.push(row);
    at = end + 1;
  }
  return { rows, letters };
}

function lineFeed(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at < 0 ? text.length : at;
}

function recordAt(text: string, from: number, separator: string): RawRecord {
  const quoted = /"((?:[^"]|"")*)"(?!")/y;
  const plain = new RegExp(`(?:[^${separator === '|' ? '\\|' : separator}"\\r\\n]|\\r(?!\\n|$))*`, 'y');
  const fields: RawField[] = [];
  let isBroken = false;
  for (let at = from; ; at++) {
    const isQuoted = text[at] === '"';
    const pattern = isQuoted ? quoted : plain;
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) return { fields, isBroken: true, end: text.endsWith('\n') ? text.length - 1 : text.length };
    const field = isQuoted ? (found[1] ?? '').replaceAll('""', '"') : found[0];
    if (!isQuoted && field.includes('\r')) isBroken = true;
    fields.push({ text: field, isQuoted });
    at += found[0].length;
    if (at === text.length || text[at] === '\n') return { fields, isBroken, end: at };
    // A line break that was cut off behind its first byte is one.
    if (text.startsWith('\r\n', at) || (text[at] === '\r' && at + 1 === text.length))
      return { fields, isBroken, end: at + 1 };
    if (text[at] !== separator) return { fields, isBroken: true, end: lineFeed(text, at) };
  }
}

function isUtf8(latin1: string): boolean {
  const bytes = Buffer.from(latin1, 'latin1');
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes);
}

function rowOf(
  fields: readonly RawField[],
  schema: TableSchema,
  { names, wanted }: OracleCsvOptions,
): readonly OracleValue[] | undefined {
  try {
    return schema.fields.map(({ name, type }) => {
      if (!wanted.has(name)) return null;
      const field = fields[names.indexOf(name)];
      const value = field === undefined ? null : valueOf(field, type);
      if (value === null && !type.nullable) throw new DoesNotFit();
      return value;
    });
  } catch (error) {
    if (error instanceof DoesNotFit) return undefined;
    throw error;
  }
}

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/;

function valueOf({ text: latin1, isQuoted }: RawField, type: ColumnType): OracleValue {
  const text = Buffer.from(latin1, 'latin1').toString('utf8');
  const { kind, unit = 'ms' } = type;
  if (text === '' && !(isQuoted && (kind === 'utf8' || kind === 'bytes'))) return null;
  switch (kind) {
    case 'utf8':
      return hex(text);
    case 'bytes':
      return base64(text);
    case 'json':
      return jsonOf(text);
    case 'bool':
      return need(/^(true|false)$/i.test(text)) && text.toLowerCase() === 'true';
    case 'timestamp':
      if (/^\d{4}-/.test(text)) return iso(text, unit);
      return need(NUMBER.test(text)) && epoch(text, unit);
    case 'float64':
      return need(NUMBER.test(text)) && Number(text);
    case 'float32':
      return need(NUMBER.test(text)) && Math.fround(Number(text));
    case 'int64':
      return need(NUMBER.test(text)) && integer(text, 64);
    default:
      return need(NUMBER.test(text)) && Number(integer(text, Number(kind.slice(3))));
  }
}

function need(fits: boolean): true {
  if (!fits) throw new DoesNotFit();
  return true;
}

/** On one line, without white space around it; null is none. */
function jsonOf(text: string): OracleValue {
  if (text === 'null') return null;
  try {
    JSON.parse(text);
  } catch {
    throw new DoesNotFit();
  }
  need(!/^[ \t\r\n]|[ \t\r]$|\n/.test(text) && depthOf(text) < 1024);
  return hex(text);
}
