/**
 * The header of a CSV file: the names of its fields, read once by the rules that hold for its records.
 *
 * Not here: records (assembly/csv).
 */
const QUOTE = 0x22;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

export type CsvHeader =
  | {
      readonly kind: 'names';
      readonly names: readonly string[] /** Its bytes, line break included. */;
      readonly bytes: number;
    }
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'broken'; readonly problem: string };

/** One field: its name, and the place of what ends it. */
type HeaderField = { readonly name: string; readonly end: number } | Exclude<CsvHeader, { kind: 'names' }>;

const broken = (problem: string): Exclude<CsvHeader, { kind: 'names' }> => ({ kind: 'broken', problem });

/** The header at the beginning of `bytes`; unfinished when it does not end in them. `separator` is one byte of ASCII. */
export function readCsvHeader(bytes: Uint8Array, separator: string): CsvHeader {
  const names: string[] = [];
  for (let at = 0; ; at++) {
    const field = bytes[at] === QUOTE ? quotedName(bytes, at) : plainName(bytes, at, separator.charCodeAt(0));
    if ('kind' in field) return field;
    names.push(field.name);
    at = field.end;
    if (bytes[at] === NEWLINE) return { kind: 'names', names, bytes: at + 1 };
    if (bytes[at] === RETURN && bytes[at + 1] === NEWLINE) return { kind: 'names', names, bytes: at + 2 };
    if (bytes[at] === RETURN && at + 1 === bytes.length) return { kind: 'unfinished' };
    if (bytes[at] !== separator.charCodeAt(0))
      return broken(`something follows the quotes of its field ${names.length}`);
  }
}

function plainName(bytes: Uint8Array, from: number, separator: number): HeaderField {
  let end = from;
  while (end < bytes.length && bytes[end] !== separator && bytes[end] !== NEWLINE && bytes[end] !== QUOTE) end++;
  if (end === bytes.length) return { kind: 'unfinished' };
  if (bytes[end] === QUOTE) return broken(`a quote stands in a name that does not begin with one, at byte ${end}`);
  if (bytes[end] === NEWLINE && end > from && bytes[end - 1] === RETURN) end--;
  return decoded(bytes.subarray(from, end), end);
}

function quotedName(bytes: Uint8Array, open: number): HeaderField {
  let end = bytes.indexOf(QUOTE, open + 1);
  while (end >= 0 && bytes[end + 1] === QUOTE) end = bytes.indexOf(QUOTE, end + 2);
  // Whether the last quote closes the name or is the first of two, the next byte tells.
  if (end < 0 || end + 1 === bytes.length) return { kind: 'unfinished' };
  const field = decoded(bytes.subarray(open + 1, end), end + 1);
  return 'name' in field ? { name: field.name.replaceAll('""', '"'), end: field.end } : field;
}

function decoded(bytes: Uint8Array, end: number): HeaderField {
  try {
    return { name: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), end };
  } catch {
    return broken(`the name that ends at byte ${end} is not UTF-8`);
  }
}
