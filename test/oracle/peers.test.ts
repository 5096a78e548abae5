/** The peers of the benches against the oracle, on small files of every shape: a peer that is wrong is no measure. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runDuckDb } from '../../benches/peers/duckdb.ts';
import { runPlainJs } from '../../benches/peers/plain-js.ts';
import { BID_SHAPES, bidFile, type BidShape, DISORDER_MS } from '../../benches/support/bids.ts';
import {
  addRow,
  type ChannelTotals,
  checksumOf,
  checksumText,
  emptyChecksum,
  type LateBid,
  withLateBids,
} from '../../benches/support/window-results.ts';
import { evaluate, type OracleResult, type OracleSplit } from './batch-engine.ts';
import type { Row } from './cells.ts';

const LINES = 20_000;
/** Event time advances by 2 s in the file, so windows are short: several must fire, and bids be late, in that time. */
const WINDOW_MS = 500;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'oracle-peers-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function splitOf(path: string): OracleSplit {
  const rows: { row: Row; offset: number }[] = [];
  let offset = 0;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line !== '') rows.push({ row: JSON.parse(line) as Row, offset }); // bids are flat objects
    offset += Buffer.byteLength(line) + 1;
  }
  return { name: 'bids', rows };
}

const oracleOf = (path: string, disorderMs = DISORDER_MS): OracleResult =>
  evaluate([splitOf(path)], {
    schema: { fields: [{ name: 'price', type: { kind: 'int64', nullable: false } }] },
    timestamp: 'dateTime',
    disorderMs,
    window: { kind: 'tumbling', sizeMs: WINDOW_MS, offsetMs: 0 },
    keys: ['channel'],
    where: [],
    aggregates: [
      { as: 'count', kind: 'count' },
      { as: 'sum', kind: 'sum', column: 'price' },
      { as: 'max', kind: 'max', column: 'price' },
    ],
  });

function totalsOf(result: OracleResult): Map<number, Map<string, ChannelTotals>> {
  return new Map(
    result.windows.map(({ start, rows }) => [
      start,
      new Map(
        rows.map((row) => [
          String(row['channel']),
          { count: Number(row['count']), sum: Number(row['sum']), max: Number(row['max']) },
        ]),
      ),
    ]),
  );
}

const lateOf = (result: OracleResult): LateBid[] =>
  result.late.map(({ row, timestamp }) => ({
    windowStart: timestamp - (timestamp % WINDOW_MS),
    channel: String(row['channel']),
    price: Number(row['price']),
  }));

describe('the peers', () => {
  for (const shape of BID_SHAPES) {
    it(`agree with the oracle and each other on ${shape} lines`, async () => {
      const { path } = bidFile(shape, LINES, 5, folder);
      const oracle = oracleOf(path);
      const totals = totalsOf(oracle);
      const late: LateBid[] = [];
      const plainJs = runPlainJs({
        path,
        disorderMs: DISORDER_MS,
        windowMs: WINDOW_MS,
        onLate: (bid) => late.push(bid),
      });
      expect(plainJs).toMatchObject({
        rows: LINES,
        windows: oracle.windows.length,
        late: oracle.ledger.late,
        checksum: checksumText(checksumOf(totals)),
      });
      expect(late).toEqual(lateOf(oracle));
      expect(oracle.ledger.late).toBeGreaterThan(5);
      expect(oracle.windows.length).toBeGreaterThan(3);
      const duckDb = await runDuckDb({ path, windowMs: WINDOW_MS });
      expect(duckDb).toMatchObject({ rows: LINES, checksum: checksumText(checksumOf(withLateBids(totals, late))) });
      expect(duckDb.checksum).not.toBe(plainJs.checksum);
    });
  }

  it('draw the border of late where the oracle does when most disorder is beyond the bound', () => {
    const { path } = bidFile('uniform', LINES, 5, folder);
    for (const disorderMs of [0, 1, 99, 500]) {
      const oracle = oracleOf(path, disorderMs);
      const late: LateBid[] = [];
      const { checksum } = runPlainJs({ path, disorderMs, windowMs: WINDOW_MS, onLate: (bid) => late.push(bid) });
      expect(late.length, `disorder ${disorderMs}`).toBeGreaterThan(100);
      expect(late, `disorder ${disorderMs}`).toEqual(lateOf(oracle));
      expect(checksum, `disorder ${disorderMs}`).toBe(checksumText(checksumOf(totalsOf(oracle))));
    }
  });
});

describe('the bid files', () => {
  const linesOf = (shape: BidShape): string[] =>
    readFileSync(bidFile(shape, LINES, 5, folder).path, 'utf8')
      .trimEnd()
      .split('\n');
  const share = (lines: readonly string[], test: (line: string) => boolean): number =>
    lines.filter(test).length / lines.length;

  it('are the same for the same seed, made once, about 170 bytes a line', () => {
    const again = mkdtempSync(join(tmpdir(), 'oracle-peers-again-'));
    for (const shape of BID_SHAPES) {
      const file = bidFile(shape, LINES, 5, folder);
      expect(readFileSync(bidFile(shape, LINES, 5, again).path).equals(readFileSync(file.path)), shape).toBe(true);
      expect(Math.abs(file.bytes / LINES - 171), shape).toBeLessThan(5);
    }
    rmSync(again, { recursive: true });
  });

  it('have one form when uniform, and a share of every irregularity when mixed', () => {
    expect(
      share(linesOf('uniform'), (line) => /^\{"auction":\d+,"bidder":\d+,"price":\d+,"channel":"/.test(line)),
    ).toBe(1);
    const mixed = linesOf('mixed');
    expect(share(mixed, (line) => line.includes('\\'))).toBeGreaterThan(0.006);
    expect(share(mixed, (line) => /:[ \t]/.test(line))).toBeGreaterThan(0.2);
    for (const optional of ['"url"', '"bidder"', '"extra"']) {
      expect(Math.abs(share(mixed, (line) => !line.includes(optional)) - 0.1), optional).toBeLessThan(0.02);
    }
    expect(new Set(linesOf('shuffled').map((line) => line.replaceAll(/:("[^"]*"|\d+)/g, ''))).size).toBeGreaterThan(
      4_000,
    );
  });
});

describe('the checksum of results', () => {
  const sumOf = (rows: readonly (readonly [number, string, number, number, number])[]): string => {
    const checksum = emptyChecksum();
    for (const [start, channel, count, sum, max] of rows) addRow(checksum, start, channel, { count, sum, max });
    return checksumText(checksum);
  };

  it('depends on every value and on multiplicity, not on order', () => {
    const [a, b] = [
      [0, 'x', 1, 2, 3],
      [10, 'y', 1, 2, 3],
    ] as const;
    expect(sumOf([a, b])).toBe(sumOf([b, a]));
    const others = [
      [a],
      [a, a],
      [a, b, b],
      [[10, 'x', 1, 2, 3], b],
      [[0, 'z', 1, 2, 3], b],
      [[0, 'x', 2, 2, 3], b],
      [[0, 'x', 1, 2 ** 40 + 2, 3], b],
      [[0, 'x', 1, 2, 4], b],
      [
        [0, 'y', 1, 2, 3],
        [10, 'x', 1, 2, 3],
      ],
    ] as const;
    for (const rows of others) expect(sumOf(rows)).not.toBe(sumOf([a, b]));
  });
});
