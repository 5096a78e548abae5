/** Schemas: what constructors declare, and what is no schema. */
import { describe, expect, it } from 'vitest';
import {
  bool,
  bytes,
  float32,
  float64,
  int16,
  int32,
  int64,
  int8,
  json,
  schema,
  timestamp,
  utf8,
} from '../../../src/index.ts';
import { tableOf } from '../../../src/platform.ts';
import { mistakeOf, raw } from './stand-ins.ts';

const typeOf = (column: ReturnType<typeof utf8> | ReturnType<typeof bool>): unknown =>
  tableOf(schema({ it: column }), 'a test').fields[0]?.type;

describe('a column', () => {
  it('declares its kind, never null unless asked', () => {
    const all = schema({
      a: bool(),
      b: int8(),
      c: int16(),
      d: int32(),
      e: int64(),
      f: float32(),
      g: float64(),
      h: utf8(),
      i: bytes(),
      j: json(),
      k: timestamp(),
    });
    expect(tableOf(all, 'a test').fields.map(({ name, type }) => `${name} ${type.kind} ${type.nullable}`)).toEqual([
      'a bool false',
      'b int8 false',
      'c int16 false',
      'd int32 false',
      'e int64 false',
      'f float32 false',
      'g float64 false',
      'h utf8 false',
      'i bytes false',
      'j json false',
      'k timestamp false',
    ]);
  });

  it('can be nullable, and stays what it was otherwise', () => {
    const both = schema({ id: int64().asBigInt().nullable(), at: timestamp('us').nullable() });
    expect(tableOf(both, 'a test').fields.map(({ type }) => type)).toEqual([
      { kind: 'int64', nullable: true, bigint: true },
      { kind: 'timestamp', nullable: true, unit: 'us' },
    ]);
  });

  it('is not changed by what is made of it', () => {
    const column = utf8();
    column.nullable();
    expect(typeOf(column)).toEqual({ kind: 'utf8', nullable: false });
  });

  it('of timestamps is in milliseconds unless said otherwise', () => {
    expect(
      tableOf(schema({ a: timestamp(), b: timestamp('ms'), c: timestamp('s') }), 'a test').fields.map(
        ({ type }) => type.unit,
      ),
    ).toEqual([undefined, undefined, 's']);
    expect(mistakeOf(() => timestamp('ns' as 'us'))).toBe(
      "E1006 the unit of a timestamp must be 's', 'ms' or 'us', but is 'ns'",
    ); // as JavaScript calls it
  });
});

describe('a schema', () => {
  it('keeps the order of its columns', () => {
    expect(tableOf(schema({ z: utf8(), a: int32() }), 'a test').fields.map(({ name }) => name)).toEqual(['z', 'a']);
  });

  it('of a stream declares another stream', () => {
    expect(tableOf(raw.pick('origin').schema, 'a test')).toEqual(tableOf(schema({ origin: utf8() }), 'a test'));
  });

  it('refuses what is no column', () => {
    const loose = schema as (columns: unknown) => unknown; // as JavaScript calls it
    expect(mistakeOf(() => loose({ origin: utf8 }))).toBe(
      "E1004 'origin' of schema is not a column: write it with its call, such as utf8()",
    );
    expect(mistakeOf(() => loose([utf8()]))).toBe('E1006 schema must be an object of columns, but is an array');
    expect(mistakeOf(() => tableOf({ columns: {} }, 'out of map'))).toBe(
      'E1006 out of map must be a schema, but is an object | make one with schema({ name: utf8() })',
    );
  });
});
