/**
 * A job with 512 MB of state is restored from its checkpoint on disk: the time until it runs, every checksum verified, and
 * beside it the time that it takes only to read the same bytes.
 */
import { open } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench, BenchOptions, BenchResult } from './bench.ts';
import { quantile } from './bench.ts';
import { fill, readings, runDay, segmentsIn } from './support/large-state.ts';

const STATE_BYTES = 512 * 1024 * 1024;
const METERS = 6_000_000;
const READ_BYTES = 4 * 1024 * 1024;
const ROUNDS = 5;

async function readOnlyMs(folder: string): Promise<number> {
  const began = performance.now();
  const buffer = new Uint8Array(READ_BYTES);
  for (const { path, bytes } of segmentsIn(folder)) {
    const handle = await open(path, 'r');
    for (let at = 0; at < bytes; at += READ_BYTES) await handle.read(buffer, 0, READ_BYTES, at);
    await handle.close();
  }
  return performance.now() - began;
}

async function measure({ short }: BenchOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-restore-'));
  try {
    const input = readings(METERS);
    const filled = await fill(await runDay(input, folder), short ? STATE_BYTES / 16 : STATE_BYTES);
    const [restores, reads]: [number[], number[]] = [[], []];
    let checked = 0;
    for (let round = 0; round < (short ? 2 : ROUNDS); round++) {
      reads.push(await readOnlyMs(folder));
      const began = performance.now();
      const running = await runDay(input, folder);
      restores.push(performance.now() - began);
      const { stateBytes } = running.progress();
      if (stateBytes < filled.stateBytes) throw new Error(`${stateBytes} bytes came back of ${filled.stateBytes}`);
      if (running.ledger() === undefined || running.restored.checkpoint !== 1)
        throw new Error('it was not the checkpoint that was restored');
      checked++;
      await running.cancel();
    }
    const bytes = segmentsIn(folder).reduce((sum, segment) => sum + segment.bytes, 0);
    return {
      figures: {
        restoreS: quantile(restores, 0.5) / 1000,
        readS: quantile(reads, 0.5) / 1000,
        ratioToRead: quantile(
          restores.map((ms, i) => ms / (reads[i] ?? Number.NaN)),
          0.5,
        ),
        gigabytesPerS: bytes / quantile(restores, 0.5) / 1e6,
      },
      spread: { restoreS: (quantile(restores, 0.75) - quantile(restores, 0.25)) / 1000 },
      counters: { stateBytes: filled.stateBytes, segmentBytes: bytes, records: filled.records, restores: checked },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export const bench: Bench = {
  id: 'restore',
  title: 'restore of 512 MB of state into a running job, every checksum verified',
  targets: { restoreS: { atMost: 2 } },
  run: measure,
};
