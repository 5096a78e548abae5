/**
 * A sample of a file as plain values by name, for those who ask what is in it: NDJSON when it begins with a brace, CSV else.
 * Records that cannot be read are counted and left out.
 *
 * Not here: reading files for a job (ndjson.ts, csv.ts), what the values say (infer-schema.ts).
 */
import { CSV_SEPARATORS, type CsvSeparator } from './csv.ts';
import { readCsvHeader } from './csv-header.ts';

const NEWLINE = 10;
const OPEN_BRACE = 0x7b;
/** Records that decide which separator is one. */
const TRIED_RECORDS = 20;

/** One value; what is null, empty or absent is none. */
export type Sample =
  | { readonly kind: 'bool' }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'nested' };

export type SampleRecord = ReadonlyMap<string, Sample>;

/** How the file is written. */
export type SampleFormat =
  | { readonly kind: 'ndjson' }
  | {
      readonly kind: 'csv';
      readonly separator: CsvSeparator;
      readonly header: boolean;
      readonly names: readonly string[];
    };

export interface SampleRecords {
  readonly format: SampleFormat;
  readonly records: readonly SampleRecord[];
  /** Records that are none: broken lines, CSV records with another number of fields. */
  readonly broken: number;
}

/** At most `rows` records of `bytes`, which begin where a file does and end behind a line break, or with the file. */
export function sampleRecords(bytes: Uint8Array, rows: number): SampleRecords {
  const first = bytes.find((byte) => byte > 0x20);
  return first === OPEN_BRACE ? sampleNdjson(bytes, rows) : sampleCsv(ended(bytes), rows);
}

function sampleNdjson(bytes: Uint8Array, rows: number): SampleRecords {
  const records: SampleRecord[] = [];
  let broken = 0;
  for (const line of new TextDecoder().decode(bytes).split('\n')) {
    if (records.length + broken === rows) break;
    if (line.trim() === '') continue;
    const record = objectOf(line);
    if (record === undefined) broken++;
    else records.push(record);
  }
  return { format: { kind: 'ndjson' }, records, broken };
}

function objectOf(line: string): SampleRecord | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return new Map(Object.entries(value).flatMap(([name, each]) => (each === null ? [] : [[name, sampleOf(each)]])));
  } catch {
    return undefined;
  }
}

function sampleOf(value: unknown): Sample {
  if (typeof value === 'boolean') return { kind: 'bool' };
  if (typeof value === 'number') return { kind: 'number', value };
  return typeof value === 'string' ? { kind: 'text', text: value } : { kind: 'nested' };
}

function sampleCsv(bytes: Uint8Array, rows: number): SampleRecords {
  const separator = likelySeparator(bytes);
  const read = fieldsOf(bytes, separator, rows + 1);
  const first = read.records[0] ?? [];
  const header = looksLikeHeader(first);
  const names = header ? first : first.map((_, i) => `column${i + 1}`);
  const rest = (header ? read.records.slice(1) : read.records).slice(0, rows);
  const whole = rest.filter((fields) => fields.length === names.length);
  const records = whole.map(
    (fields) => new Map(fields.flatMap((text, i) => (text === '' ? [] : [[names[i] ?? '', fieldSample(text)]]))),
  );
  const format = { kind: 'csv', separator, header, names } as const;
  return { format, records, broken: read.broken + rest.length - whole.length };
}

/** As the kernel reads numbers: those of JSON. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

function fieldSample(text: string): Sample {
  if (/^(?:true|false)$/i.test(text)) return { kind: 'bool' };
  return NUMBER.test(text) ? { kind: 'number', value: Number(text) } : { kind: 'text', text };
}

/** Names are texts, and no two are the same. */
const looksLikeHeader = (fields: readonly string[]): boolean =>
  new Set(fields).size === fields.length
  && fields.every((text) => text !== '' && !/^[-\d]|^(?:true|false)$/i.test(text));

function fieldsOf(
  bytes: Uint8Array,
  separator: CsvSeparator,
  most: number,
): { readonly records: readonly (readonly string[])[]; readonly broken: number } {
  const records: (readonly string[])[] = [];
  let broken = 0;
  for (let at = 0; at < bytes.length && records.length + broken < most; ) {
    const record = readCsvHeader(bytes.subarray(at), separator);
    if (record.kind === 'unfinished') break;
    const isBlank = record.kind === 'names' && record.names.length === 1 && record.names[0] === '';
    if (record.kind === 'names' && !isBlank) records.push(record.names);
    if (record.kind === 'broken') broken++;
    at = record.kind === 'names' ? at + record.bytes : bytes.indexOf(NEWLINE, at) + 1;
  }
  return { records, broken };
}

/** The bytes with a line break behind the last record of a file that has none. */
function ended(bytes: Uint8Array): Uint8Array {
  if (bytes.at(-1) === NEWLINE) return bytes;
  const whole = new Uint8Array(bytes.length + 1);
  whole.set(bytes);
  whole[bytes.length] = NEWLINE;
  return whole;
}

/** The separator that cuts the first records into most fields, the same number each. */
function likelySeparator(bytes: Uint8Array): CsvSeparator {
  let best: CsvSeparator = ',';
  let fieldsMost = 1;
  for (const separator of CSV_SEPARATORS) {
    const { records } = fieldsOf(bytes, separator, TRIED_RECORDS);
    const fields = records[0]?.length ?? 0;
    const agreeing = records.filter(({ length }) => length === fields).length;
    if (fields <= fieldsMost || agreeing * 5 < records.length * 4) continue;
    best = separator;
    fieldsMost = fields;
  }
  return best;
}
