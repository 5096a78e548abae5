/** What operators still hold when all input of a job has ended: nothing, or rows in state that has no end. */
import { expect, test } from 'vitest';
import type { RecordBatch } from '../../../src/data/record-batch.ts';
import { collectSink } from '../../../src/format/collect-sink.ts';
import {
  collection,
  count,
  countWindow,
  eventTime,
  from,
  int32,
  type Job,
  monotonous,
  schema,
  type Sink,
  timestamp,
  tumbling,
} from '../../../src/index.ts';
import { everyPart, makeSink } from '../../../src/platform.ts';
import type { Site } from '../../../src/runtime/makers/site.ts';
import { Union } from '../../../src/runtime/operators/union.ts';
import { MemoryMedium } from '../../../src/testing/memory-store.ts';
import { drive } from '../../support/engine.ts';

const Row = schema({ at: timestamp(), n: int32() });
const rows = () =>
  from(
    collection(
      Row,
      [1, 2, 3, 4, 5].map((n) => ({ at: eventTime(new Date(n)), n })),
    ),
  );
const timed = () => rows().watermark('at', monotonous());

/** Forgets its rows instead of handing them on. */
class Keeper extends Union {
  override processBatch({ selected }: RecordBatch): void {
    this.ledger.in += selected;
    this.ledger.held += selected;
  }
}

test('a job of which an operator still holds rows when all input has ended fails, and is not finished', async () => {
  const medium = new MemoryMedium();
  const out = collectSink();
  const job = rows()
    .union(rows())
    .to(makeSink('inserts only', out, 'out'), { uid: 'out' });
  const broken = drive({
    job,
    medium,
    loadParts: async (names) => {
      const parts = await everyPart(names);
      const makeUnion = ({ uid, kernels, node, port }: Site<'union'>): Union =>
        new Keeper({ uid, kernels, output: port(0), inputs: node.inputs.length });
      return { ...parts, unions: { makeUnion } };
    },
  });
  await expect(broken).rejects.toMatchObject({
    name: 'InternalError',
    message: expect.stringMatching(/ still holds rows$/),
  });
  // What the failed run has not finished the next one does.
  expect((await drive({ job, medium })).end).toBe('finished');
  expect(out.rows).toHaveLength(10);
});

const held = async (made: Job): Promise<number> => {
  const { run, end } = await drive({ job: made, medium: new MemoryMedium() });
  expect(end).toBe('finished');
  return Object.values(run.ledger()).reduce((sum, entry) => sum + entry.held, 0);
};
const into = (): Sink<'inserts only'> => makeSink('inserts only', collectSink(), 'out');
const changes = (): Sink<'inserts, updates and deletes'> =>
  makeSink('inserts, updates and deletes', collectSink({ changelog: true }), 'out');

test('a job that has finished holds rows only where event time ends nothing', async () => {
  const hour = timed().window(tumbling('1 hour'), { allowedLateness: '1 hour' });
  expect(await held(hour.aggregate({ n: count() }).to(into()))).toBe(0);
  const waiting = timed().keyBy('n').deduplicate({ keep: 'first', order: 'event time' });
  expect(await held(waiting.to(into()))).toBe(0);
  expect(await held(timed().keyBy('n').reorder({ maxWait: '1 hour' }).to(into()))).toBe(0);
  // Of five rows two windows are full; the fifth opens another, which no end of input fills.
  expect(await held(timed().window(countWindow(2)).aggregate({ n: count() }).to(into()))).toBe(1);
  expect(await held(timed().aggregate({ n: count() }).to(changes()))).toBe(5);
});
