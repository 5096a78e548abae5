/**
 * The oracle against DuckDB, an engine that shares nothing with it: generated cases in which no row can be late are
 * also answered by one SQL query over the same rows as NDJSON. Rounding may differ; everything else may not.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { evaluate, type Filter, type OracleAggregate, type OracleQuery, type WindowSpec } from './batch-engine.ts';
import { type Cell, keyTextOf, type Row, sameCell } from './cells.ts';
import { CASE_SCHEMA, generateCase, type GeneratedCase } from './generate.ts';
import { PLAIN_STYLE, writeNdjson } from './ndjson-writer.ts';

const COLUMNS = `{"at": 'BIGINT', name: 'VARCHAR', serial: 'BIGINT', isOpen: 'BOOLEAN', amount: 'BIGINT',
  level: 'INTEGER', weight: 'DOUBLE'}`;
const CASES = 60;
const TOLERANCE = 1e-9;

let folder: string;
let instance: DuckDBInstance;
let connection: DuckDBConnection;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'oracle-duckdb-'));
  instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  connection = await instance.connect();
});

afterAll(() => {
  connection.closeSync();
  instance.closeSync();
  rmSync(folder, { recursive: true });
});

const literal = (value: Cell): string =>
  typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);

const condition = (filters: readonly Filter[]): string =>
  ['true', ...filters.map(({ column, comparison, value }) => `"${column}" ${comparison} ${literal(value)}`)].join(
    ' AND ',
  );

const FUNCTIONS = { count: 'count', sum: 'sum', min: 'min', max: 'max', avg: 'avg', stddev: 'stddev_samp' } as const;

function aggregateSql({ as, kind, column, where }: OracleAggregate): string {
  const input = column === undefined ? '*' : `"${column}"`;
  return `${FUNCTIONS[kind]}(${input}) FILTER (WHERE ${condition(where ?? [])}) AS "${as}"`;
}

/** Windows of one length, without a zone. */
type StartsOnly = Extract<WindowSpec, { kind: 'tumbling' | 'hopping' }>;

/** All window starts of a row, as a list: the last one and those before it that still reach the row. */
function startsSql(window: StartsOnly): string {
  const slideMs = window.kind === 'tumbling' ? window.sizeMs : window.slideMs;
  const [size, offset] = [window.sizeMs, `(${window.offsetMs})`];
  const last = `(floor(("at" - ${offset}) / ${slideMs}::DOUBLE)::BIGINT * ${slideMs} + ${offset})`;
  const candidates = Math.ceil(size / slideMs);
  return `list_filter(list_transform(range(${candidates}), i -> ${last} - i * ${slideMs}), s -> s + ${size} > "at")`;
}

function sqlOf(path: string, query: OracleQuery): string {
  const { window } = query;
  if (window.kind !== 'tumbling' && window.kind !== 'hopping') throw new Error(`no SQL for ${window.kind} windows`);
  const keys = query.keys.map((key) => `"${key}", `).join('');
  return `
    SELECT ${keys} "windowStart", "windowStart" + ${window.sizeMs} AS "windowEnd",
      ${query.aggregates.map(aggregateSql).join(', ')}
    FROM (SELECT *, unnest(${startsSql(window)}) AS "windowStart"
      FROM read_json('${path}', format = 'newline_delimited', columns = ${COLUMNS}) WHERE ${condition(query.where)})
    GROUP BY ${keys} "windowStart"`;
}

async function answerOfDuckDb(generated: GeneratedCase): Promise<Row[]> {
  const rows = generated.splits.flatMap((split) => split.rows.map(({ row }) => row));
  const path = join(folder, `${generated.seed}.ndjson`);
  writeFileSync(path, writeNdjson(CASE_SCHEMA, rows, PLAIN_STYLE, seededRandom(generated.seed)).bytes);
  const reader = await connection.runAndReadAll(sqlOf(path, generated.query));
  return reader.getRowObjects() as Row[]; // only booleans, numbers, bigints, strings and nulls are selected
}

/** Float sums of values of very different sizes depend on their order, which SQL leaves open. */
const isLeftOpen = (generated: GeneratedCase, name: string): boolean =>
  generated.choice['values'] === 'extreme' && (name === 'load' || name === 'spread');

function differences(generated: GeneratedCase, ours: readonly Row[], theirs: readonly Row[]): string[] {
  const { keys } = generated.query;
  const idOf = (row: Row): string => keyTextOf([...keys.map((key) => row[key] ?? null), row['windowStart'] ?? null]);
  const byId = new Map(theirs.map((row) => [idOf(row), row]));
  const found = ours.length === theirs.length ? [] : [`${ours.length} rows, DuckDB ${theirs.length}`];
  for (const row of ours) {
    const other = byId.get(idOf(row));
    if (other === undefined) {
      found.push(`DuckDB has no ${idOf(row)}`);
      continue;
    }
    for (const [name, cell] of Object.entries(row)) {
      if (isLeftOpen(generated, name) || sameCell(cell, other[name] ?? null, TOLERANCE)) continue;
      found.push(`${name} of ${idOf(row)}: ${String(cell)}, DuckDB ${String(other[name])}`);
    }
  }
  return found;
}

const canBeLate = ({ choice }: GeneratedCase): boolean =>
  !['none', 'bounded'].includes(choice['disorder'] ?? '') || choice['window'] === 'hopping with gaps';

describe('the oracle and DuckDB', () => {
  it('give the same windows, keys and aggregates when nothing is late', async () => {
    let compared = 0;
    let rowsOut = 0;
    for (let seed = 0; compared < CASES; seed++) {
      const generated = generateCase(seed);
      if (canBeLate(generated) || generated.choice['filter'] === 'all rows') continue;
      // SQL is written for windows of one length.
      const { window } = generated.query;
      if (window.kind === 'cumulating' || window.kind === 'months' || window.zone !== undefined) continue;
      compared++;
      const { windows, ledger } = evaluate(generated.splits, generated.query);
      expect(ledger.late, `seed ${seed}`).toBe(0);
      const ours = windows.flatMap(({ rows }) => rows);
      rowsOut += ours.length;
      expect(
        differences(generated, ours, await answerOfDuckDb(generated)),
        `seed ${seed} ${JSON.stringify(generated.choice)}`,
      ).toEqual([]);
    }
    expect(rowsOut).toBeGreaterThan(5_000);
  });
});
