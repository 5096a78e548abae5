/** The oracle against tables worked out by hand: each case small enough to check with a pencil. */
import { describe, expect, it } from 'vitest';
import type { TableSchema } from '../../src/data/schema.ts';
import { evaluate, type OracleQuery, type OracleSplit, passesAll, processingOrder } from './batch-engine.ts';
import type { Cell, Row } from './cells.ts';

const SCHEMA: TableSchema = {
  fields: [
    { name: 'at', type: { kind: 'timestamp', nullable: false } },
    { name: 'k', type: { kind: 'utf8', nullable: true } },
    { name: 'n', type: { kind: 'int64', nullable: true } },
    { name: 'x', type: { kind: 'float64', nullable: true } },
  ],
};

const QUERY: OracleQuery = {
  schema: SCHEMA,
  timestamp: 'at',
  disorderMs: 0,
  window: { kind: 'tumbling', sizeMs: 10, offsetMs: 0 },
  keys: ['k'],
  aggregates: [{ as: 'rows', kind: 'count' }],
  where: [],
  quantumBytes: 100,
};

/** A split of rows [timestamp, key, n, x] that lie `lineBytes` apart. */
function split(
  name: string,
  lineBytes: number,
  rows: readonly (readonly [number, Cell?, Cell?, Cell?])[],
): OracleSplit {
  return {
    name,
    rows: rows.map(([at, k = 'a', n = null, x = null], i) => ({ row: { at, k, n, x }, offset: i * lineBytes })),
  };
}

const times = (...values: number[]): (readonly [number])[] => values.map((at) => [at] as const);

const order = (splits: readonly OracleSplit[], query = QUERY): string =>
  processingOrder(splits, query)
    .map((processed) => `${processed.split}${processed.index}`)
    .join(' ');

const watermarks = (splits: readonly OracleSplit[], query = QUERY): number[] =>
  processingOrder(splits, query).map(({ watermark }) => watermark);

const rowsOf = (splits: readonly OracleSplit[], query: Partial<OracleQuery> = {}): Row[] =>
  evaluate(splits, { ...QUERY, ...query }).windows.flatMap(({ rows }) => rows);

describe('the interleaving of splits', () => {
  it('ends a turn before the first line that starts at or beyond the end of the quantum', () => {
    // Lines of 50 bytes and quanta of 100: two lines a turn; b goes on while it is behind a.
    expect(order([split('a', 50, times(10, 11, 12, 13)), split('b', 50, times(1, 2, 3, 4))])).toBe(
      'a0 a1 b0 b1 b2 b3 a2 a3',
    );
  });

  it('gives the line that begins in a quantum to it, however far it reaches', () => {
    // Lines at 0, 60, 120, 180, 240: quanta hold {0, 60}, {120, 180}, {240}. Equal times go by split order.
    expect(order([split('a', 60, times(5, 5, 5, 5, 5)), split('b', 60, times(5, 5, 5))])).toBe(
      'a0 a1 b0 b1 a2 a3 a4 b2',
    );
  });

  it('takes a line longer than quanta as a turn of its own, and the next turn from where it stands', () => {
    // Lines at 0, 250, 500: turns end at 100, 300 and 600.
    expect(order([split('a', 250, times(1, 2, 3)), split('b', 50, times(1, 9, 9, 9))])).toBe('a0 b0 b1 a1 a2 b2 b3');
  });

  it('begins with splits that have shown nothing yet, in split order', () => {
    expect(order([split('a', 100, times(1, 2)), split('b', 100, times(50, 51)), split('c', 100, times(0, 3))])).toBe(
      'a0 b0 c0 c1 a1 b1',
    );
  });

  it('goes by the highest timestamp of a split, not by its last', () => {
    expect(order([split('a', 100, times(9, 1, 2)), split('b', 100, times(5, 6, 12))])).toBe('a0 b0 b1 b2 a1 a2');
  });

  it('leaves out splits without rows', () => {
    expect(order([split('a', 50, []), split('b', 50, times(1))])).toBe('b0');
    expect(order([])).toBe('');
  });
});

describe('the watermark of a row', () => {
  it('is the highest timestamp before the row, less the disorder and one', () => {
    expect(watermarks([split('a', 1, times(10, 7, 12, 11))])).toEqual([-Infinity, 9, 9, 11]);
    expect(watermarks([split('a', 1, times(10, 7, 12, 11))], { ...QUERY, disorderMs: 4 })).toEqual([
      -Infinity,
      5,
      5,
      7,
    ]);
  });

  it('is held at the beginning by a split that has shown nothing, and no longer by one that is finished', () => {
    // a0 a1 (b has shown nothing), b0 (held by b itself), b1 (b at 5), then a is left alone, at 20 and 21.
    const splits = [split('a', 50, times(10, 20, 21, 22)), split('b', 50, times(5, 6))];
    expect(order(splits)).toBe('a0 a1 b0 b1 a2 a3');
    expect(watermarks(splits)).toEqual([-Infinity, -Infinity, -Infinity, 4, 19, 20]);
  });
});

describe('windows', () => {
  it('come in the order of their ends, with rows in the order of keys, null first', () => {
    const rows = rowsOf([
      split('a', 1, [
        [11, 'b'],
        [12, 'a'],
        [13, null],
        [14, 'b'],
        [25, ''],
      ]),
    ]);
    expect(rows).toEqual([
      { k: null, windowStart: 10, windowEnd: 20, rows: 1n },
      { k: 'a', windowStart: 10, windowEnd: 20, rows: 1n },
      { k: 'b', windowStart: 10, windowEnd: 20, rows: 2n },
      { k: '', windowStart: 20, windowEnd: 30, rows: 1n },
    ]);
  });

  it('have one row without keys', () => {
    expect(
      rowsOf(
        [
          split('a', 1, [
            [1, 'b'],
            [2, 'a'],
          ]),
        ],
        { keys: [] },
      ),
    ).toEqual([{ windowStart: 0, windowEnd: 10, rows: 2n }]);
  });
});

describe('late rows', () => {
  it('are those whose window ended at or before the watermark', () => {
    // Before row 2 W is 9: window [0, 10) has passed, since its last instant is 9. Before row 1 W is 8: it has not.
    const result = evaluate([split('a', 1, times(9, 10, 9, 11))], QUERY);
    expect(result.late.map(({ index }) => index)).toEqual([2]);
    expect(result.windows.map(({ rows }) => rows[0]?.['rows'])).toEqual([1n, 2n]);
    expect(result.ledger).toEqual({ in: 4, filtered: 0, late: 1, outside: 0, windowed: 3 });
  });

  it('are late once, and not late while one of their windows is open', () => {
    // Windows of 10 every 5. After 17, W is 16: [0, 10) and [5, 15) have passed, [10, 20) has not.
    const result = evaluate([split('a', 1, times(17, 12, 9))], {
      ...QUERY,
      window: { kind: 'hopping', sizeMs: 10, slideMs: 5, offsetMs: 0 },
    });
    expect(result.late.map(({ timestamp }) => timestamp)).toEqual([9]);
    expect(result.windows.map(({ start, rows }) => [start, rows[0]?.['rows']])).toEqual([
      [10, 2n],
      [15, 1n],
    ]);
  });

  it('keep the order of processing, not of time', () => {
    const late = evaluate([split('a', 1, times(100, 9, 3, 25))], QUERY).late;
    expect(late.map(({ timestamp, watermark }) => [timestamp, watermark])).toEqual([
      [9, 99],
      [3, 99],
      [25, 99],
    ]);
  });

  it('are none when their own split is behind', () => {
    // b is far behind a, but the watermark is the minimum: nothing is late.
    expect(evaluate([split('a', 50, times(100, 200)), split('b', 50, times(1, 2, 3))], QUERY).late).toEqual([]);
  });

  it('are not counted among rows that a filter drops, which still move the watermark', () => {
    const result = evaluate(
      [
        split('a', 1, [
          [1, 'a', 1n],
          [50, 'a', -1n],
          [2, 'a', 1n],
          [3, 'a', -1n],
        ]),
      ],
      {
        ...QUERY,
        where: [{ column: 'n', comparison: '>', value: 0n }],
      },
    );
    expect(result.ledger).toEqual({ in: 4, filtered: 2, late: 1, outside: 0, windowed: 1 });
  });
});

describe('allowed lateness', () => {
  // W before the third row is 19, and 29 before the last: [0, 10) has passed, and is closed at 9 + 20.
  const rows = split('a', 1, [[1], [20], [2], [30], [3]]);
  const fired = (
    results: NonNullable<OracleQuery['results']>,
    allowedLatenessMs = 20,
    more: Partial<OracleQuery> = {},
  ) =>
    evaluate([rows], { ...QUERY, results, allowedLatenessMs, ...more }).windows.map(
      ({ start, rows: [...given], kinds }) => [start, ...given.map((row) => row['rows']), ...(kinds ?? [])],
    );

  it('gives the whole result again for each late row, up to the end of the lateness', () => {
    expect(fired('accumulating')).toEqual([
      [0, 1n],
      [0, 2n],
      [20, 1n],
      [30, 1n],
    ]);
    expect(fired('accumulating', 21)).toEqual([
      [0, 1n],
      [0, 2n],
      [20, 1n],
      [0, 3n],
      [30, 1n],
    ]);
    expect(evaluate([rows], { ...QUERY, allowedLatenessMs: 20 }).late.map(({ timestamp }) => timestamp)).toEqual([3]);
  });

  it('gives what came since when it is discarding, and takes the earlier result back when it is retracting', () => {
    expect(fired('discarding')).toEqual([
      [0, 1n],
      [0, 1n],
      [20, 1n],
      [30, 1n],
    ]);
    expect(fired('retracting')).toEqual([
      [0, 1n],
      [0, 1n, 2n, '-U', '+U'],
      [20, 1n],
      [30, 1n],
    ]);
  });

  it('retracts nothing when the result is the same, and inserts one where there was none', () => {
    const first: Partial<OracleQuery> = { aggregates: [{ as: 'rows', kind: 'min', column: 'at' }] };
    expect(fired('retracting', 20, first)).toEqual([
      [0, 1],
      [20, 20],
      [30, 30],
    ]);
    const result = evaluate(
      [
        split('a', 1, [
          [1, 'a'],
          [20, 'a'],
          [2, 'b'],
        ]),
      ],
      { ...QUERY, results: 'retracting', allowedLatenessMs: 20 },
    );
    expect(result.windows[1]).toEqual({
      start: 0,
      end: 10,
      rows: [{ k: 'b', windowStart: 0, windowEnd: 10, rows: 1n }],
    });
  });

  it('waits with the one final result until the lateness is over', () => {
    expect(fired('final')).toEqual([
      [0, 2n],
      [20, 1n],
      [30, 1n],
    ]);
  });
});

describe('filters', () => {
  it('are false for null in every comparison', () => {
    for (const comparison of ['=', '<>', '<', '<=', '>', '>='] as const) {
      expect(passesAll([{ column: 'n', comparison, value: 0n }], { n: null })).toBe(false);
    }
  });

  it('take -0 and 0 for equal, and code points for the order of text', () => {
    expect(passesAll([{ column: 'x', comparison: '=', value: 0 }], { x: -0 })).toBe(true);
    expect(passesAll([{ column: 'k', comparison: '<', value: '\u{10000}' }], { k: '\uffff' })).toBe(true);
  });
});
