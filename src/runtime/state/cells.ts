/** Values of each column type as state keeps them: checked as batches check them (format/batch-builder.ts). */
import { UserError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { isInstant } from '../../base/time.ts';
import { type ColumnType, INTEGER_RANGE } from '../../data/types.ts';
import type { ByteReader, ByteWriter } from './byte-stream.ts';

/** How a column's values are checked, written and read. */
export interface Cell {
  /** The value as it reads after storing; undefined when the column cannot hold it. Never null. */
  conform(value: unknown): unknown;
  write(out: ByteWriter, value: unknown): void;
  read(from: ByteReader): unknown;
}

export interface RowBytesOptions {
  /** What a timestamp reads as. */
  readonly eventTime: (epochMs: number) => unknown;
  readonly as: 'keys' | 'values';
}

// A cell is given what it conformed or read before: these name what that is.
const asNumber = (value: unknown): number => value as number;
const asText = (value: unknown): string => value as string; // as above

export function cellOf(type: ColumnType, { eventTime, as }: RowBytesOptions): Cell {
  switch (type.kind) {
    case 'bool':
      return {
        conform: (value) => (typeof value === 'boolean' ? value : undefined),
        write: (out, value) => out.byte(value === true ? 1 : 0),
        read: (from) => from.byte() === 1,
      };
    case 'int8':
    case 'int16':
    case 'int32': {
      const [least, most] = INTEGER_RANGE[type.kind];
      return {
        conform: (value) =>
          typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
            ? value + 0
            : undefined,
        write: (out, value) => out.int32(asNumber(value)),
        read: (from) => from.int32(),
      };
    }
    case 'int64':
      return type.bigint === true ? bigintCell : integerCell;
    case 'timestamp':
      return timestampCell(type, eventTime);
    case 'float32':
    case 'float64':
      return floatCell(type.kind === 'float32', as === 'keys');
    case 'utf8':
      return {
        // Lone surrogates become U+FFFD on their way through UTF-8; a cached value must not differ from a stored one.
        conform: (value) => (typeof value === 'string' ? wellFormed(value) : undefined),
        write: (out, value) => out.text(asText(value)),
        read: (from) => from.text(),
      };
    case 'bytes':
      return {
        conform: (value) => (value instanceof Uint8Array ? value.slice() : undefined),
        // What conform answered.
        write: (out, value) => out.bytesOf(value as Uint8Array),
        read: (from) => from.bytesOf(),
      };
    case 'json':
      return jsonCell;
  }
}

const wellFormed = (text: string): string =>
  /[\ud800-\udfff]/.test(text) ? text.replace(/\p{Surrogate}/gu, '\ufffd') : text;

const bigintCell: Cell = {
  conform(value) {
    const big = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
    return typeof big === 'bigint' && BigInt.asIntN(64, big) === big ? big : undefined;
  },
  // What conform answered.
  write: (out, value) => out.int64(value as bigint),
  read: (from) => from.int64(),
};

/** An int64 that reads as a number, exactly or not at all. */
const integerCell: Cell = {
  conform(value) {
    const number = typeof value === 'bigint' ? Number(value) : value;
    return typeof number === 'number' && Number.isSafeInteger(number) ? number + 0 : undefined;
  },
  write: (out, value) => out.integer(asNumber(value)),
  read(from) {
    const value = from.integer();
    if (value === undefined)
      throw new UserError(
        'E1301',
        { column: 'value', value: 'an integer beyond 2^53' },
        {
          hint: 'declare the column int64().asBigInt()',
        },
      );
    return value;
  },
};

function timestampCell(type: ColumnType, eventTime: RowBytesOptions['eventTime']): Cell {
  const perMs = type.unit === 'us' ? 1000 : 1;
  return {
    conform(value) {
      const ms = millisecondsOf(value);
      return ms === undefined ? undefined : eventTime(ms);
    },
    write: (out, value) => out.integer((millisecondsOf(value) ?? 0) * perMs),
    read: (from) => eventTime(Math.floor((from.integer() ?? 0) / perMs)),
  };
}

/** Of what users give as a timestamp: an instant of event time, a Date or milliseconds. */
function millisecondsOf(value: unknown): number | undefined {
  if (value instanceof Date) return millisecondsOf(value.getTime());
  const ms = isInstant(value) ? value.epochMs : value;
  return typeof ms === 'number' && Number.isSafeInteger(ms) ? ms : undefined;
}

const floatCell = (isSingle: boolean, isKey: boolean): Cell => ({
  conform(value) {
    if (typeof value !== 'number') return undefined;
    const float = isSingle ? Math.fround(value) : value;
    return isKey ? float + 0 : float;
  },
  write: (out, value) => out.float64(asNumber(value)),
  read: (from) => from.float64(),
});

const jsonCell: Cell = {
  conform(value) {
    const text: string | undefined = JSON.stringify(value);
    // Read back: a copy of its own, with what JSON makes of it.
    return text === undefined ? undefined : frozen(JSON.parse(text) as Json); // JSON.parse gives JSON
  },
  write: (out, value) => out.text(JSON.stringify(value)),
  read: (from) => frozen(JSON.parse(from.text()) as Json), // as above
};

function frozen(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) frozen(inner);
  return Object.freeze(value);
}
