/**
 * P7: how long after the row that moves the watermark past a window its last result is at the sink. Of Nexmark q5 the count
 * per auction in hopping windows of 10 s, every 2 s, and of q7 the highest price per 10 s; one job, 100,000 events a second
 * paced, event time at 50 times the clock, so that 25 windows of q5 and 5 of q7 end every second.
 *
 * A row counts from the moment at which it was due, not from when the engine came to take it: q5Ms and q7Ms hold the linger
 * of the source, and every pause of the engine or the machine, once for each window that ended in it. q5EngineMs and
 * q7EngineMs count from when the source handed the row over. All firings count, the first ones too.
 */
import { type Bench, type BenchOptions, type BenchResult, quantile } from './bench.ts';
import { expectedAnswers } from './support/auction-results.ts';
import { EVENTS_PER_S } from './support/nexmark.ts';
import { runPaced } from './support/paced-run.ts';

const EVENTS_PER_MS = 100;
/** Each of q7's windows has 10 s of event time; a few more than are wanted, for the watermark's delay and the start. */
const Q7_WINDOWS = 1_000;
const EXTRA_WINDOWS = 4;
const EVENTS_PER_WINDOW = EVENTS_PER_S * 10;
const LINGER_MS = 2;

async function run({ short }: BenchOptions): Promise<BenchResult> {
  const windows = short ? 20 : Q7_WINDOWS;
  const events = (windows + EXTRA_WINDOWS) * EVENTS_PER_WINDOW;
  const { answers, q5, q7, q5Engine, q7Engine, waits, ms, counters } = await runPaced({
    events,
    eventsPerMs: EVENTS_PER_MS,
  });
  const expected = expectedAnswers(events);
  if (JSON.stringify(answers) !== JSON.stringify(expected))
    throw new Error(`wrong answer: ${JSON.stringify(answers)} instead of ${JSON.stringify(expected)}`);
  if (q7.length < windows) throw new Error(`only ${q7.length} windows of q7 fired in time, ${q5.length} of q5`);
  return {
    figures: {
      q5Ms: quantile(q5, 0.99),
      q7Ms: quantile(q7, 0.99),
      q5MedianMs: quantile(q5, 0.5),
      q7MedianMs: quantile(q7, 0.5),
      q5MaxMs: quantile(q5, 1),
      q7MaxMs: quantile(q7, 1),
      q5EngineMs: quantile(q5Engine, 0.99),
      q7EngineMs: quantile(q7Engine, 0.99),
      lingerMs: quantile(waits, 0.5),
      eventsPerS: (events / ms) * 1_000,
    },
    spread: {},
    counters: {
      ...counters,
      firings5: q5.length,
      firings7: q7.length,
      // The machine or the engine was busy with something else.
      waitsOverLinger: waits.filter((wait) => wait > LINGER_MS).length,
    },
  };
}

export const bench: Bench = {
  id: 'p7',
  title: 'from the row that releases a window to its result: Nexmark q5 hopping count, q7 tumbling maximum, paced',
  targets: { q5Ms: { atMost: 10 }, q7Ms: { atMost: 10 } },
  // A checkpoint is due after ten seconds, a short run takes less; a quiet machine keeps the linger.
  idle: ['waitsOverLinger', 'checkpoints'],
  run,
};
