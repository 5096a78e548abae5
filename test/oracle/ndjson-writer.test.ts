/** The writer against JSON.parse: whatever the style, the lines say what the rows say. */
import { describe, expect, it } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import type { Row } from './cells.ts';
import { PLAIN_STYLE, writeNdjson, type WriterStyle } from './ndjson-writer.ts';

const SCHEMA: TableSchema = {
  fields: [
    { name: 'at', type: { kind: 'timestamp', nullable: false } },
    { name: 'name', type: { kind: 'utf8', nullable: true } },
    { name: 'x', type: { kind: 'float64', nullable: true } },
  ],
};

const ROWS: readonly Row[] = [
  { at: 1, name: 'plain', x: 0.1 },
  { at: -2, name: '', x: -0 },
  { at: 3, name: null, x: null },
  { at: 4, name: '🚕 "\\/\n\t\b\f\r\u0000\u2028 漢é\u{10ffff}', x: 1e300 },
  { at: 5, name: 'x'.repeat(500), x: 5e-324 },
];

const pick = <T>(random: ReturnType<typeof seededRandom>, values: readonly [T, ...T[]]): T =>
  values[below(random, values.length)] ?? values[0];

function anyStyle(seed: number): WriterStyle {
  const random = seededRandom(seed);
  return {
    keyOrder: pick(random, ['schema', 'other', 'shuffled']),
    whitespace: pick(random, ['none', 'spaced', 'wild']),
    escapes: pick(random, ['needed', 'some', 'all']),
    nulls: pick(random, ['null', 'absent', 'mixed']),
    unknownMembers: below(random, 2) === 0,
    newline: pick(random, ['\n', '\r\n']),
    lastNewline: below(random, 2) === 0,
  };
}

const textOf = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

describe('the NDJSON writer', () => {
  it('writes lines that read back as the rows in every style', () => {
    for (let seed = 0; seed < 300; seed++) {
      const { bytes, offsets } = writeNdjson(SCHEMA, ROWS, anyStyle(seed), seededRandom(seed));
      ROWS.forEach((row, i) => {
        const line: unknown = JSON.parse(textOf(bytes.subarray(offsets[i], offsets[i + 1] ?? bytes.length)));
        const { at, name = null, x = null } = line as Partial<Row>; // the writer's own objects
        expect({ at, name, x }, `seed ${seed}, row ${i}`).toEqual(row);
      });
    }
  });

  it('ends every line with the newline, and the last one only when asked to', () => {
    const written = (style: Partial<WriterStyle>): string =>
      textOf(writeNdjson(SCHEMA, ROWS.slice(0, 2), { ...PLAIN_STYLE, ...style }, seededRandom(1)).bytes);
    expect(written({})).toBe('{"at":1,"name":"plain","x":0.1}\n{"at":-2,"name":"","x":-0.0}\n');
    expect(written({ newline: '\r\n', lastNewline: false })).toBe(
      '{"at":1,"name":"plain","x":0.1}\r\n{"at":-2,"name":"","x":-0.0}',
    );
  });

  it('writes integers beyond 2^53 digit by digit', () => {
    const { bytes } = writeNdjson(
      SCHEMA,
      [{ at: 2n ** 63n - 1n, name: null, x: null }],
      { ...PLAIN_STYLE, nulls: 'absent' },
      seededRandom(1),
    );
    expect(textOf(bytes)).toBe('{"at":9223372036854775807}\n');
  });

  it('really uses the spellings that it offers', () => {
    const written = (style: Partial<WriterStyle>): string =>
      textOf(writeNdjson(SCHEMA, [...ROWS, ...ROWS, ...ROWS], { ...PLAIN_STYLE, ...style }, seededRandom(3)).bytes);
    expect(written({ escapes: 'all' })).not.toMatch(/plain|漢|🚕/);
    expect(written({ whitespace: 'wild' })).toMatch(/[ \t\r][:,]/);
    expect(written({ nulls: 'absent' })).not.toContain('null');
    expect(
      new Set(
        written({ keyOrder: 'shuffled' })
          .split('\n')
          .map((line) => line.slice(2, 4)),
      ).size,
    ).toBeGreaterThan(2);
    expect(written({ unknownMembers: true }).length).toBeGreaterThan(written({}).length);
  });
});
