/**
 * Random NDJSON lines over one schema with every kind of column: valid ones in every form, and ones broken by mutation.
 */
import { below, type Random } from '../../src/base/random.ts';
import { column } from './ndjson.ts';

export const everyKind = {
  fields: [
    column('flag', 'bool', { nullable: true }),
    column('tiny', 'int8', { nullable: true }),
    column('small', 'int16', { nullable: true }),
    column('medium', 'int32', { nullable: true }),
    column('large', 'int64'),
    column('single', 'float32', { nullable: true }),
    column('double', 'float64', { nullable: true }),
    column('näme "quoted"\n', 'utf8', { nullable: true }),
    column('text', 'utf8', { nullable: true }),
    column('blob', 'bytes', { nullable: true }),
    column('raw', 'json', { nullable: true }),
    column('seconds', 'timestamp', { unit: 's', nullable: true }),
    column('time', 'timestamp', { nullable: true }),
    column('a name of more than thirty bytes, to be found by its hash', 'timestamp', { unit: 'us', nullable: true }),
  ],
};

const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)] as T;
const chance = (random: Random, n: number): boolean => below(random, n) === 0;
const many = (random: Random, most: number, make: () => string): string =>
  Array.from({ length: below(random, most + 1) }, make).join('');
const digit = (random: Random): string => String(below(random, 10));
const digits = (random: Random, most: number): string =>
  `${1 + below(random, 9)}${many(random, most - 1, () => digit(random))}`;

const PIECES = [
  'a',
  'b c',
  'é',
  '日本',
  '😀',
  '\\n',
  '\\"',
  '\\\\',
  '\\/',
  '\\u0041',
  '\\u00e9',
  '\\ud83d\\ude00',
  '\\ud83d',
  '\\ude00',
  '\\ud83d\\u0041',
  '\\u0000',
  '\\b\\f\\r\\t',
  '{',
  '}',
  '[',
  ',',
  ':',
  '\u007f',
  '\u2028',
  'plain text that fills more than a vector',
  '\\uDBFF\\uDFFF',
];
const text = (random: Random): string => `"${many(random, 5, () => pick(random, PIECES))}"`;
const space = (random: Random): string =>
  chance(random, 3) ? many(random, 3, () => pick(random, [' ', '\t', '\r', '  '])) : '';

function number(random: Random): string {
  const sign = chance(random, 3) ? '-' : '';
  const whole = chance(random, 4) ? '0' : digits(random, pick(random, [1, 3, 5, 9, 16, 17, 19, 20, 40]));
  const places = pick(random, [1, 3, 18, 40]);
  const fraction = chance(random, 2) ? '' : `.${many(random, places, () => digit(random))}${digit(random)}`;
  const power = below(random, pick(random, [3, 25, 400]));
  const exponent = chance(random, 3) ? `${pick(random, ['e', 'E'])}${pick(random, ['', '+', '-'])}${power}` : '';
  return sign + whole + fraction + exponent;
}

const INTEGERS = [
  '0',
  '-0',
  '5',
  '5.0',
  '5e0',
  '50e-1',
  '127',
  '128',
  '-128',
  '-129',
  '32767',
  '32768',
  '-32768',
  '2147483647',
  '2147483648',
  '-2147483648',
  '-2147483649',
  '9007199254740993',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  '-9223372036854775809',
  '1e18',
  '1e19',
  '92233720368547758070e-1',
  '10000000000000000000000e-20',
  '0.5',
  '1e-400',
  '1e400',
  '0e999999999999',
  '1e99999999999',
  '18446744073709551617',
];

function instant(random: Random): string {
  // Mostly in range, sometimes just beyond.
  const two = (end: number): string => String(below(random, chance(random, 30) ? end + 2 : end)).padStart(2, '0');
  const month = chance(random, 30) ? two(14) : String(1 + below(random, 12)).padStart(2, '0');
  const day = chance(random, 10) ? two(32) : String(1 + below(random, 28)).padStart(2, '0');
  const date = `${pick(random, ['2026', '1969', '0000', '9999', '2000', '1900', '2024'])}-${month}-${day}`;
  const fraction = chance(random, 2) ? '' : `.${many(random, 8, () => digit(random))}${digit(random)}`;
  const seconds = chance(random, 4) ? '' : `:${two(60)}${fraction}`;
  const wrongZones = ['+24:00', '+1', ' ', '+01:60', 'ZZ'];
  const zone = pick(random, chance(random, 30) ? wrongZones : ['', 'Z', 'z', '+01:00', '-0530', '+14']);
  const between = chance(random, 50) ? '_' : pick(random, ['T', 'T', 't', ' ']);
  return `"${date}${chance(random, 5) ? '' : `${between}${two(24)}:${two(60)}${seconds}${zone}`}"`;
}

const few = (random: Random, make: () => string): string => Array.from({ length: below(random, 4) }, make).join(',');
const inner = (random: Random, depth: number): string =>
  `${space(random)}${anyValue(random, depth + 1)}${space(random)}`;

export function anyValue(random: Random, depth = 0): string {
  switch (below(random, depth > 4 ? 4 : 6)) {
    case 0:
      return text(random);
    case 1:
      return number(random);
    case 2:
      return pick(random, ['true', 'false', 'null']);
    case 3:
      return pick(random, INTEGERS);
    case 4:
      return `[${space(random)}${few(random, () => inner(random, depth))}]`;
    default:
      return `{${few(random, () => `${space(random)}${text(random)}${space(random)}:${inner(random, depth)}`)}}`;
  }
}

/** A value of this kind as JSON, mostly. */
export function valueFor(random: Random, kind: string): string {
  if (chance(random, 12)) return 'null';
  if (chance(random, 60)) return anyValue(random);
  switch (kind) {
    case 'bool':
      return pick(random, ['true', 'false']);
    case 'int8':
    case 'int16':
    case 'int32':
      return chance(random, 12) ? pick(random, INTEGERS) : String(below(random, 250) - 125);
    case 'int64':
      return chance(random, 12) ? pick(random, INTEGERS) : `${chance(random, 3) ? '-' : ''}${digits(random, 18)}`;
    case 'float32':
    case 'float64':
      return number(random);
    case 'bytes':
      if (chance(random, 40)) return text(random);
      return `"${Buffer.from(many(random, 20, () => pick(random, PIECES))).toString('base64')}"`;
    case 'json':
      return anyValue(random);
    case 'timestamp':
      if (chance(random, 2)) return instant(random);
      if (chance(random, 12)) return number(random);
      return `${chance(random, 4) ? '-' : ''}${digits(random, 12)}${chance(random, 8) ? `.${digits(random, 9)}` : ''}`;
    default:
      return text(random);
  }
}

/** A key in one of its spellings. */
function spelled(random: Random, name: string): string {
  const plain = JSON.stringify(name);
  if (!chance(random, 20)) return plain;
  // A code unit each, so that what lies beyond U+FFFF is spelled as its pair.
  return `"${name
    .split('')
    .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('')}"`;
}

export function validLine(random: Random): string {
  const pairs = everyKind.fields
    .filter(({ type }) => !chance(random, type.nullable ? 4 : 200))
    .map(({ name, type }) => `${spelled(random, name)}${space(random)}:${space(random)}${valueFor(random, type.kind)}`);
  while (chance(random, 3)) {
    const key = chance(random, 2) ? text(random) : spelled(random, pick(random, everyKind.fields).name);
    pairs.push(`${key}:${chance(random, 3) ? anyValue(random) : 'null'}`);
  }
  if (chance(random, 2)) {
    for (let i = pairs.length - 1; i > 0; i--) pairs.push(...pairs.splice(below(random, i + 1), 1));
  }
  const gap = space(random);
  return `${space(random)}{${space(random)}${pairs.join(`${gap},${space(random)}`)}${gap}}${space(random)}`;
}

const CUTS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '0',
  '.',
  'e',
  '-',
  '+',
  '\u0000',
  '\u0001',
  'x',
  ' ',
  '\\u',
  'null',
  'tru',
];
export const BROKEN_BYTES = [0x80, 0xbf, 0xc0, 0xc1, 0xe0, 0xed, 0xf0, 0xf4, 0xf5, 0xff, 0x00, 0x1f];

/** Bytes of a valid line with one to three small things changed; may still be valid. */
export function mutatedLine(random: Random): Uint8Array {
  let bytes = Buffer.from(validLine(random));
  for (let i = 0; i <= below(random, 3); i++) {
    const at = below(random, bytes.length + 1);
    const from = bytes.subarray(0, at);
    const what = below(random, 4);
    if (what === 0) bytes = Buffer.concat([from, bytes.subarray(at + 1 + below(random, 3))]);
    else if (what === 1) bytes = Buffer.concat([from, Buffer.from(pick(random, CUTS)), bytes.subarray(at)]);
    else if (what === 2) {
      const broken = Buffer.from([pick(random, BROKEN_BYTES)]);
      bytes = Buffer.concat([from, broken, bytes.subarray(at + below(random, 2))]);
    } else bytes = Buffer.concat([from, bytes.subarray(below(random, bytes.length + 1))]);
  }
  return bytes.filter((byte) => byte !== 10);
}
