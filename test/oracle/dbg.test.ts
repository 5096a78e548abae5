import { test } from 'vitest';
import { generateEventTimeCase } from './generate-event-time.ts';
import { recompute } from './event-time.ts';
import { eventTimeJob } from '../support/event-time-job.ts';
import { orderOf, runEventTimeCase, newEventTimeTally } from '../support/event-time-cases.ts';
import { driveThrough } from '../support/engine.ts';
import { MemoryMedium } from '../../src/testing/memory-store.ts';
test('d', async () => {
  const seed = Number(process.env['SEED']);
  const made = generateEventTimeCase(seed);
  const q = Number(process.env['Q'] ?? 262144);
  const order = await orderOf(made, q);
  const e = recompute(order, made.query);
  const j = eventTimeJob(made, { quantumBytes: q });
  await driveThrough({ job: j.job, medium: new MemoryMedium(), settings: { batchRows: Number(process.env['B'] ?? 64) } }, []);
  const got = j.results();
  let at = 0;
  const n = Number(process.env['SHOW'] ?? 12);
  let shown = 0;
  for (const g of e.groups) {
    const have = got.slice(at, at + g.length);
    if (g.toSorted().join() !== have.toSorted().join() || shown > 0) { console.log(at, 'want', g, 'have', have); if (++shown > n) break; }
    at += g.length;
  }
  console.log('late', e.late.map((r) => r.row['id']).join(), j.late().join());
  console.log('future', e.future.map((r) => r.row['id']).join(), j.future().join());
  if (process.env['ROWS']) for (const r of order) console.log(r.row['id'], r.row['key'], r.timestamp, r.row['value'], r.watermark, r.isFuture);
  await runEventTimeCase(seed, newEventTimeTally()).catch((x) => console.log(String(x)));
});
