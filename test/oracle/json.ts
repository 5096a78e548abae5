/**
 * What one NDJSON line means, by JSON.parse and the rules of the documentation; written without looking at the kernel.
 *
 * Differences to JSON.parse, all on purpose: bytes that are not UTF-8 are refused; a lone surrogate is U+FFFD; integers
 * keep all digits; more than 1,024 levels are refused; a line must be an object. Beyond the range of a double is an
 * infinity, as there.
 */
import type { TableSchema } from '../../src/data/schema.ts';
import type { ColumnType } from '../../src/data/types.ts';

export type OracleValue = null | boolean | number | bigint | string;
export type OracleLine =
  | { readonly kind: 'blank' }
  | { readonly kind: 'row'; readonly values: readonly OracleValue[] }
  | { readonly kind: 'refused'; readonly why: 'syntax' | 'column' };

/** Thrown for a value that its column cannot hold. */
export class DoesNotFit extends Error {}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const refused = (why: 'syntax' | 'column'): OracleLine => ({ kind: 'refused', why });

/** Values stand in schema order, null for columns that are not wanted; text, bytes and json as hexadecimal bytes. */
export function oracleLine(line: Uint8Array, schema: TableSchema, wanted: ReadonlySet<string>): OracleLine {
  let text: string;
  let parsed: unknown;
  try {
    text = utf8.decode(line);
    if (/^[ \t\r]*$/.test(text)) return { kind: 'blank' };
    parsed = JSON.parse(text);
  } catch {
    return refused('syntax');
  }
  const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
  if (!isObject || depthOf(text) > 1024) return refused('syntax');
  const members = membersOf(text);
  try {
    const values = schema.fields.map(({ name, type }) => {
      if (!wanted.has(name)) return null;
      const raw = members.get(name);
      if (raw !== undefined && raw !== 'null') return valueOf(raw, type);
      if (!type.nullable) throw new DoesNotFit();
      return null;
    });
    return { kind: 'row', values };
  } catch (error) {
    if (error instanceof DoesNotFit) return refused('column');
    throw error;
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

export function depthOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') deepest = Math.max(deepest, ++depth);
    if (token === '}' || token === ']') depth--;
  }
  return deepest;
}

/** Keys of a valid object to the source text of their last value. */
function membersOf(text: string): Map<string, string> {
  const members = new Map<string, string>();
  let depth = 0;
  let key: string | undefined;
  let from = -1;
  let to = -1;
  const finish = (): void => {
    if (key !== undefined) members.set(key, text.slice(from, to));
    key = undefined;
    from = -1;
  };
  for (const match of text.matchAll(TOKEN)) {
    const [token] = match;
    const closes = token === '}' || token === ']';
    if (closes) depth--;
    if (depth === 0 && closes) finish();
    else if (depth === 1 && token === ',') finish();
    else if (depth === 1 && token === ':' && from < 0) continue;
    else if (depth >= 1 && key === undefined) key = JSON.parse(token).toWellFormed();
    else if (depth >= 1) {
      if (from < 0) from = match.index;
      to = match.index + token.length;
    }
    if (token === '{' || token === '[') depth++;
  }
  return members;
}

function valueOf(raw: string, type: ColumnType): OracleValue {
  switch (type.kind) {
    case 'bool':
      return raw === 'true' ? true : raw === 'false' ? false : unfit();
    case 'int8':
      return Number(integer(raw, 8));
    case 'int16':
      return Number(integer(raw, 16));
    case 'int32':
      return Number(integer(raw, 32));
    case 'int64':
      return integer(raw, 64);
    case 'float32':
      return Math.fround(Number(numberText(raw)));
    case 'float64':
      return Number(numberText(raw));
    case 'utf8':
      return hex(textOf(raw));
    case 'json':
      return hex(raw);
    case 'bytes':
      return base64(textOf(raw));
    case 'timestamp':
      return raw.startsWith('"') ? iso(textOf(raw), type.unit ?? 'ms') : epoch(raw, type.unit ?? 'ms');
  }
}

const unfit = (): never => {
  throw new DoesNotFit();
};
export const hex = (text: string): string => Buffer.from(text, 'utf8').toString('hex');
const textOf = (raw: string): string => (raw.startsWith('"') ? JSON.parse(raw) : unfit());
const numberText = (raw: string): string => (/^[-\d]/.test(raw) ? raw : unfit());

/** A number as mantissa * 10^exponent, exact, without zeros at the mantissa's end. */
function decimal(raw: string): { mantissa: bigint; exponent: number } {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(numberText(raw)) ?? unfit();
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  const short = digits.replace(/0+$/, '');
  if (short === '') return { mantissa: 0n, exponent: 0 };
  const zeros = digits.length - short.length;
  return { mantissa: BigInt(`${sign}${short}`), exponent: Number(exponent) - fraction.length + zeros };
}

export function integer(raw: string, bits: number): bigint {
  const { mantissa, exponent } = decimal(raw);
  if (exponent < 0 || exponent > 20) unfit();
  const value = mantissa * 10n ** BigInt(exponent);
  return BigInt.asIntN(bits, value) === value ? value : unfit();
}

type Unit = 's' | 'ms' | 'us';
const inRange = (value: bigint, unit: Unit): bigint => {
  const most = unit === 'us' ? 8_640_000_000_000_000_000n : 8_640_000_000_000_000n;
  return value > most || value < -most ? unfit() : value;
};

export function epoch(raw: string, unit: Unit): bigint {
  const { mantissa, exponent: own } = decimal(raw);
  const exponent = own + (unit === 's' ? 3 : 0);
  if (exponent > 20) unfit();
  if (exponent >= 0) return inRange(mantissa * 10n ** BigInt(exponent), unit);
  if (exponent < -2000) return mantissa < 0n ? -1n : 0n;
  const scale = 10n ** BigInt(-exponent);
  const floor = mantissa / scale - (mantissa < 0n && mantissa % scale !== 0n ? 1n : 0n);
  return inRange(floor, unit);
}

const DATE = /^(\d{4}|\+\d{6}|-(?!000000)\d{6})-(\d\d)-(\d\d)(?:[Tt ](.*))?$/;
const TIME = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(?:[Zz]|([-+])(\d\d)(?::?(\d\d))?)?$/;

export function iso(text: string, unit: Unit): bigint {
  const [, year, month, day, time = '00:00'] = DATE.exec(text) ?? unfit();
  const match = TIME.exec(time) ?? unfit();
  const [, hour, minute, second = '0', fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const isDate = date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  const isTime =
    [hour, offsetHour].every((n) => Number(n) < 24) && [minute, second, offsetMinute].every((n) => Number(n) < 60);
  if (!isDate || !isTime) unfit();
  const offset = (Number(offsetHour) * 60 + Number(offsetMinute)) * (sign === '-' ? -1 : 1);
  const seconds = date.getTime() / 1000 + (Number(hour) * 60 + Number(minute) - offset) * 60 + Number(second);
  const digits = unit === 'us' ? 6 : 3;
  if (Math.abs(seconds) > 8.64e12 || (seconds === 8.64e12 && Number(fraction) !== 0)) unfit();
  return BigInt(seconds) * 10n ** BigInt(digits) + BigInt(fraction.padEnd(digits, '0').slice(0, digits));
}

export function base64(text: string): string {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes.toString('hex') : unfit();
}
