import { describe, expect, test } from 'vitest';
import { MemoryMedium } from '../../src/testing/memory-store.ts';
import type { MemoryFiles } from '../../src/testing/memory-files.ts';
import { bytesSink, drive, TickingClock } from '../support/engine.ts';
import { readingsFiles, readingsJob } from '../support/readings.ts';

const BATCH_ROWS = [1, 7, 4096];
const QUANTUM_BYTES = 1_500;

interface Output {
  readonly results: string;
  readonly late: string;
  readonly deadLetters: string;
}

async function outputOf(
  files: MemoryFiles,
  batchRows: number,
  chunkBytes: number,
  checkpointEveryMs?: number,
): Promise<Output> {
  const clock = new TickingClock(0.5);
  const [results, late, deadLetters] = [bytesSink(), bytesSink(), bytesSink()];
  const made = readingsJob(files, { results, late }, { clock, quantumBytes: QUANTUM_BYTES, chunksPerArrival: 16 });
  const settings = { batchRows, chunkBytes, checkpointEveryMs };
  const { end } = await drive({ job: made, medium: new MemoryMedium(), clock, settings, deadLetters });
  expect(end).toBe('finished');
  return { results: results.text(), late: late.text(), deadLetters: deadLetters.text() };
}

async function compareAll(files: MemoryFiles, chunks: readonly number[], what: string): Promise<Output> {
  const first = await outputOf(files, 4096, 1 << 20);
  for (const batchRows of BATCH_ROWS) {
    for (const chunkBytes of chunks) {
      const other = await outputOf(files, batchRows, chunkBytes, 20);
      expect(other, `${what}, batches of ${batchRows} rows, chunks of ${chunkBytes} bytes`).toEqual(first);
    }
  }
  return first;
}

describe('batches and chunks', () => {
  test('do not show in any byte of results, late rows and dead letters', async () => {
    for (const seed of [1, 2, 3]) {
      const { results, late, deadLetters } = await compareAll(
        readingsFiles(seed, 600),
        [13, 4096, 1 << 20],
        `seed ${seed}`,
      );
      expect(results.split('\n').length, `seed ${seed}`).toBeGreaterThan(300);
      expect(late.split('\n').length, `seed ${seed}`).toBeGreaterThan(10);
      expect(deadLetters.split('\n').length, `seed ${seed}`).toBeGreaterThan(10);
    }
  });

  test('do not show when input comes byte by byte', async () => {
    for (let seed = 10; seed < 20; seed++) await compareAll(readingsFiles(seed, 40), [1], `seed ${seed}`);
  });

  test('do not show at the ends of files that end in lines that are no rows', async () => {
    const text = new TextEncoder();
    for (let seed = 30; seed < 50; seed++) {
      const files: Record<string, Uint8Array> = {};
      for (const [name, bytes] of Object.entries(readingsFiles(seed, 40))) {
        const tail =
          ['', '\n\n', '\nnot a row', `\n${' '.repeat(QUANTUM_BYTES)}\n`][(seed + Object.keys(files).length) % 4] ?? '';
        files[name] = text.encode(`${new TextDecoder().decode(bytes).trimEnd()}${tail}`);
      }
      await compareAll(files, [13], `seed ${seed}`);
    }
  });
});
