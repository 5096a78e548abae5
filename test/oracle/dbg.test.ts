import { test } from 'vitest';
import { generateEventTimeCase } from './generate-event-time.ts';
import { watermarksJob } from '../support/event-time-job.ts';
import { orderOf } from '../support/event-time-cases.ts';
import { driveThrough, TickingClock } from '../support/engine.ts';
import { MemoryMedium } from '../../src/testing/memory-store.ts';
test('d', async () => {
  const seed = Number(process.env['SEED']);
  const made = generateEventTimeCase(seed);
  const q = Number(process.env['Q'] ?? 262144);
  const order = await orderOf(made, q);
  const clock = new TickingClock();
  const j = watermarksJob(made, { quantumBytes: q, clock });
  await driveThrough(
    { job: j.job, medium: new MemoryMedium(), clock, settings: { batchRows: Number(process.env['B'] ?? 64) } },
    [],
  );
  const got = j.watermarks();
  order.forEach((r, i) => {
    const id = Number(r.row['id']);
    const w = got.get(id) ?? NaN;
    const e = r.watermark === -Infinity ? Number.MIN_SAFE_INTEGER : r.watermark;
    console.log(
      made.arrivals[i]?.at,
      's' + made.arrivals[i]?.split,
      id,
      r.timestamp,
      r.row['mark'],
      r.isFuture ? 'FUT' : '',
      String(e),
      w === e || r.isFuture ? '' : 'ENGINE ' + String(w),
    );
  });
});
