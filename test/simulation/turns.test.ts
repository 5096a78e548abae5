/**
 * The order in which splits and sources take turns when steps stand between them and their watermarks: by what the
 * watermarks have seen, whatever the steps drop or make of the rows, for any size of batches and across restarts.
 */
import { expect, test } from 'vitest';
import { below, seededRandom } from '../../src/base/random.ts';
import { boundedOutOfOrderness, eventTime, from, int32, schema, timestamp } from '../../src/index.ts';
import { makeSink, makeSource } from '../../src/platform.ts';
import { MemoryMedium } from '../../src/testing/memory-store.ts';
import { bytesSink, driveThrough, TickingClock } from '../support/engine.ts';
import { scriptedSource, type ScriptedSplit } from '../support/scripted-source.ts';

const QUANTUM = 7;
/** Of a step that makes so many rows of one, a turn fills more than one batch. */
const MADE_OF_ONE = 1_300;
const Scripted = schema({ at: timestamp(), split: int32() });
/** A step of the job takes so long: each is followed by a turn of the host. */
const TURN_MS = 5;
/** Made beside the rows that count, to fill batches. */
const FILLER = -1_000;

const scripted = (splits: readonly ScriptedSplit[], batchRows: number, uid: string) =>
  from(makeSource(Scripted, scriptedSource(splits, { quantum: QUANTUM, batchRows }), uid), { uid });
type Rows = ReturnType<typeof scripted>;

interface Step {
  readonly step: (rows: Rows) => Rows;
  /** Which rows come through. */
  readonly passes: (at: number, split: number) => boolean;
}

const STEPS: { readonly [name: string]: Step } = {
  'a condition that drops a whole split': {
    step: (rows) => rows.where(({ split }) => split.ne(1)),
    passes: (_at, split) => split !== 1,
  },
  'a function that drops most rows': {
    step: (rows) => rows.filter(({ at }) => at.epochMs % 3 === 0),
    passes: (at) => at % 3 === 0,
  },
  'a function that makes more rows than a batch has': {
    step: (rows) =>
      rows.flatMap(
        ({ at, split }) =>
          Array.from({ length: MADE_OF_ONE }, (_, i) =>
            i < MADE_OF_ONE - 1 ? { at: eventTime(new Date(0)), split: FILLER } : { at, split },
          ),
        { out: Scripted },
      ),
    passes: () => true,
  },
};

function randomSources(seed: number): readonly (readonly ScriptedSplit[])[] {
  const random = seededRandom(seed);
  return Array.from({ length: 2 }, () =>
    Array.from({ length: 1 + below(random, 3) }, () => {
      const pace = 1 + below(random, 40);
      return { times: Array.from({ length: 1 + below(random, 30) }, (_, i) => i * pace + below(random, 60)) };
    }),
  );
}

/** By definition: a turn is of the split that has come least far, of several the first, to its next multiple of the quantum. */
function expectedOrder(sources: ReturnType<typeof randomSources>, passes: Step['passes']): string[] {
  const splits = sources.flatMap((source, s) =>
    source.map(({ times }, split) => ({
      name: s * 100 + split,
      split,
      times,
      position: 0,
      max: Number.NEGATIVE_INFINITY,
    })),
  );
  const order: string[] = [];
  for (;;) {
    const left = splits.filter(({ times, position }) => position < times.length);
    const turn = left.find(({ max }) => max === Math.min(...left.map((other) => other.max)));
    if (turn === undefined) return order;
    const rows = turn.times.slice(turn.position, (Math.floor(turn.position / QUANTUM) + 1) * QUANTUM);
    turn.position += rows.length;
    for (const at of rows.filter((row) => passes(row, turn.split))) {
      turn.max = Math.max(turn.max, at);
      order.push(`${turn.name}@${at}`);
    }
  }
}

interface Run {
  readonly sources: ReturnType<typeof randomSources>;
  readonly step: Step['step'];
  readonly batchRows: number;
  /** Steps after which it is suspended and begins again. */
  readonly stops: readonly number[];
}

async function orderOf({
  sources,
  step,
  batchRows,
  stops,
}: Run): Promise<{ readonly order: readonly string[]; readonly restarts: number }> {
  const sink = bytesSink();
  const timed = sources.map((splits, s) =>
    step(scripted(splits, batchRows, `s${s}`))
      .add(({ split }) => ({ split: split.plus(s * 100) }))
      .watermark('at', boundedOutOfOrderness('1 hour'), { futureSkew: 'off' })
      .where(({ split }) => split.ge(0)),
  );
  const [first, second] = timed;
  if (first === undefined || second === undefined) throw new Error('two sources');
  const out = first.union(second).to(makeSink('inserts only', sink, 'out'), { uid: 'out' });
  const { restarts } = await driveThrough(
    { job: out, medium: new MemoryMedium(), clock: new TickingClock(TURN_MS) },
    stops.map((turns) => {
      let looks = 0;
      return { stop: { how: 'suspend', when: () => ++looks > turns } };
    }),
  );
  const lines = sink.text().split('\n').filter(Boolean);
  const order = lines.map((line) => {
    // What the sink wrote: rows of the schema.
    const { at, split } = JSON.parse(line) as { at: string; split: number };
    return `${split}@${Date.parse(at)}`;
  });
  return { order, restarts };
}

for (const [name, { step, passes }] of Object.entries(STEPS)) {
  test(`turns go to whoever has come least far behind ${name}`, async () => {
    let restarted = 0;
    for (let seed = 0; seed < 12; seed++) {
      const sources = randomSources(seed);
      const expected = expectedOrder(sources, passes);
      for (const [batchRows, stops] of [
        [1, []],
        [64, []],
        [3, [2, 3, 5]],
      ] as const) {
        const { order, restarts } = await orderOf({ sources, step, batchRows, stops });
        expect(order, `seed ${seed}, batches of ${batchRows}`).toEqual(expected);
        restarted += restarts;
      }
    }
    expect(restarted).toBeGreaterThan(20);
  });
}
