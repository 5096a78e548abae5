/**
 * The second peer: DuckDB with one thread over the same file, read_json with declared columns and GROUP BY window and
 * channel, all rows read back and hashed.
 *
 * DuckDB has no notion of late: every bid counts into its window. Its result is therefore compared with the others'
 * after their late bids are folded back in (`withLateBids`); the work it saves by not judging rows is its advantage.
 * Only the columns that the query reads are declared; declaring all seven made no difference beyond the noise.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { addRow, type BidResult, checksumText, emptyChecksum } from '../support/window-results.ts';

export interface DuckDbOptions {
  readonly path: string;
  readonly windowMs: number;
}

const query = ({ path, windowMs }: DuckDbOptions): string => `
  SELECT (dateTime - dateTime % ${windowMs})::DOUBLE AS windowStart, channel,
    count(*)::DOUBLE AS bids, sum(price)::DOUBLE AS total, max(price)::DOUBLE AS highest
  FROM read_json('${path.replaceAll("'", "''")}', format = 'newline_delimited',
    columns = {price: 'BIGINT', channel: 'VARCHAR', dateTime: 'BIGINT'})
  GROUP BY ALL`;

export async function runDuckDb(options: DuckDbOptions): Promise<BidResult> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  await connection.run('SET threads = 1');
  const started = performance.now();
  const reader = await connection.run(query(options));
  const checksum = emptyChecksum();
  const starts = new Set<number>();
  let rows = 0;
  for (let chunk = await reader.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await reader.fetchChunk()) {
    const columns = chunk.getColumns();
    for (let i = 0; i < chunk.rowCount; i++) {
      const number = (column: number): number => Number(columns[column]?.[i]);
      const [windowStart, count] = [number(0), number(2)];
      addRow(checksum, windowStart, String(columns[1]?.[i]), { count, sum: number(3), max: number(4) });
      starts.add(windowStart);
      rows += count;
    }
  }
  const seconds = (performance.now() - started) / 1_000;
  connection.closeSync();
  instance.closeSync();
  return { rows, windows: starts.size, late: 0, seconds, checksum: checksumText(checksum), resultRows: checksum.rows };
}
