/** Timers of the machine's clock that a later call deletes, also after a restart. */
import { expect, it } from 'vitest';
import { collect, collection, from, int64, schema, utf8, value } from '../../../src/index.ts';
import { processingTimeOf } from '../../../src/api/time.ts';
import { play, tape } from '../../../src/testing/index.ts';
import { mistakeOf } from './stand-ins.ts';

const Call = schema({ user: utf8(), what: utf8() });

it('a timer of processing time is deleted by a call that kept its milliseconds', async () => {
  const job = from(collection(Call, []), { uid: 'calls' })
    .keyBy('user')
    .process(
      {
        uid: 'alarm',
        state: { due: value(int64()) },
        timers: ['alarm'],
        row({ what }, { state, timers, now }) {
          const due = state.due.get();
          if (what === 'set') {
            const at = now.plus('1 s');
            state.due.set(at.epochMs);
            timers.processingTime(at, 'alarm');
          } else if (due !== undefined) timers.deleteProcessingTime(now.at(due), 'alarm');
        },
        timer: ({ key, emit }) => emit({ user: key.user, what: 'rings' }),
      },
      { out: Call },
    )
    .to(collect(), { uid: 'out' });
  const calls = tape(Call, [
    { at: 0, row: { user: 'ann', what: 'set' } },
    { at: 0, row: { user: 'bob', what: 'set' } },
    { at: 500, row: { user: 'ann', what: 'delete' } },
    { at: 3000, row: { user: 'eve', what: 'look' } },
  ]);
  for (const restartsAtMs of [[], [250]]) {
    const played = await play(job, { tapes: { calls }, restartsAtMs, settings: { checkpointEveryMs: 100 } });
    expect(played.failure).toBeUndefined();
    expect(played.output['out']?.map(({ row }) => row['user'])).toEqual(['bob']);
  }
});

it('an instant of processing time is made of whole milliseconds, and mixes with nothing', () => {
  const now = processingTimeOf(1000);
  expect(now.at(2000).minus('1 s').plus('0 s').since(now)).toBe(0);
  expect(now.plus('1 s').at(5).epochMs).toBe(5);
  expect(mistakeOf(() => now.at(0.5))).toBe('E1006 at of processing time must be given whole milliseconds, but is 0.5');
});
