import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../../src/base/json.ts';
import { below, type Random, seededRandom } from '../../../../src/base/random.ts';
import type { RecordBatch } from '../../../../src/data/record-batch.ts';
import type { TableSchema } from '../../../../src/data/schema.ts';
import type { Row } from '../../../../src/format/row-view.ts';
import type { KernelInstance } from '../../../../src/kernel/instance.ts';
import { imbalance } from '../../../../src/metrics/ledger.ts';
import type { ReorderSpec } from '../../../../src/plan/reorder.ts';
import type { Output } from '../../../../src/runtime/operator.ts';
import { Reorder } from '../../../../src/runtime/operators/reorder.ts';
import { GAPS_MAX } from '../../../../src/runtime/reorder/heads.ts';
import { ArenaKeyedState } from '../../../../src/state/arena-keyed-state.ts';
import { Harness } from '../../../conformance/harness.ts';
import { orderedByNumber, orderedByTime, type OrderedKey, type OrderRow } from '../../../oracle/reorder.ts';

const schema: TableSchema = {
  fields: [
    { name: 'key', type: { kind: 'utf8', nullable: false } },
    { name: 'seq', type: { kind: 'int64', nullable: false } },
    { name: 'id', type: { kind: 'int32', nullable: false } },
  ],
};

const SPEC: ReorderSpec = {
  seq: 'seq',
  first: undefined,
  maxWaitMs: 10,
  maxRows: 1000,
  maxAhead: 1000,
  onGap: 'emit',
  audit: false,
};
const PORTS = ['main', 'gaps', 'extremes', 'audit'] as const;

interface Seen {
  readonly port: string;
  readonly row: Row;
}

interface Driven {
  readonly harness: Harness;
  /** All that came out, of all ports. */
  readonly seen: Seen[];
  /** The watermark of each row in order. */
  readonly stamps: number[];
}

async function open(asked: Partial<ReorderSpec>): Promise<Driven> {
  const seen: Seen[] = [];
  const stamps: number[] = [];
  const spec = { ...SPEC, ...asked };
  const input = { kind: 'union', schema, inputs: [] } as const;
  const harness = await Harness.open({
    kind: 'reorder',
    inputs: [schema],
    ports: PORTS,
    elementOf: (row, port) => {
      seen.push({ port, row });
      return Object.values(row).map((value) => (value instanceof Uint8Array ? [...value].join() : value)) as Json; // plain values
    },
    make: ({ kernels, arena, outputs, deadLetter }) => {
      const state = new ArenaKeyedState({ kernels, arena, uid: 'r' });
      const watched = outputs.map((output, port) => (port === 0 ? stamped(kernels, output, stamps) : output));
      const node = { kind: 'reorder', uid: 'r', schema, input, keys: ['key'], spec } as const;
      return new Reorder({ uid: 'r', kernels, state, outputs: watched, node, deadLetter });
    },
  });
  return { harness, seen, stamps };
}

const stamped = ({ memory }: KernelInstance, output: Output, stamps: number[]): Output => ({
  batch: (batch: RecordBatch) => {
    for (let row = 0; row < batch.rows; row++) stamps.push(Number(memory.i64[(batch.watermarks >>> 3) + row]));
    output.batch(batch);
  },
  watermark: (watermark) => output.watermark(watermark),
  status: (status) => output.status(status),
  end: () => output.end(),
});

interface KeyedRow extends OrderRow {
  readonly key: string;
}

/** Numbered rows of few keys, shuffled; some lost, doubled, very late or of a wild number; one key leaps. */
function generated(random: Random): readonly KeyedRow[] {
  const made: { key: string; seq: number; time: number; arrives: number }[] = [];
  for (let key = 0; key < 3; key++) {
    const begin = below(random, 3) - 1;
    for (let i = 0; i < 60; i++) {
      const time = i * 2 + below(random, 3);
      const lost = below(random, 12) === 0 || (i > 30 && i < 36 && key === 0);
      const slow = below(random, 15) === 0 ? 40 : 0;
      const leap = key === 2 && i >= 30 ? 100 : 0;
      const row = { key: `k${key}`, seq: begin + i + leap, time, arrives: time + below(random, 9) + slow };
      if (!lost) made.push(row);
      if (below(random, 12) === 0) made.push({ ...row, arrives: row.arrives + below(random, 30) });
      if (below(random, 25) === 0) made.push({ ...row, seq: begin + i + 50 + below(random, 500) });
    }
  }
  made.sort((a, b) => a.arrives - b.arrives);
  let max = -1;
  return made.map(({ key, seq, time }, id) => {
    const watermark = max - 4;
    max = Math.max(max, time);
    return { key, seq, time, watermark, id };
  });
}

/** Rows in batches of random sizes, with watermarks and restarts between them. */
async function answer(asked: Partial<ReorderSpec>, rows: readonly KeyedRow[], random: Random): Promise<Driven> {
  const driven = await open(asked);
  const { harness } = driven;
  for (let at = 0; at < rows.length; ) {
    const batch = rows.slice(at, at + 1 + below(random, 9));
    harness.rows(
      batch.map(({ key, seq, id, time, watermark }) => ({ values: [key, seq, id], timestamp: time, watermark })),
    );
    at += batch.length;
    if (below(random, 3) === 0) harness.watermark(batch.at(-1)?.watermark ?? -1);
    if (below(random, 6) === 0) harness.restart();
    expect(imbalance(harness.operator.ledger)).toBe(0);
    expect(harness.operator.ledger.held).toBeLessThanOrEqual(3 * (asked.maxRows ?? SPEC.maxRows));
  }
  harness.end();
  expect(imbalance(harness.operator.ledger)).toBe(0);
  expect(harness.operator.ledger.held).toBe(0);
  expect(harness.arena.verify()).toBe(true);
  return driven;
}

const ofKey = (seen: readonly Seen[], key: string): OrderedKey => {
  const rows = (port: string): readonly Row[] =>
    seen.filter((one) => one.port === port && one.row['key'] === key).map(({ row }) => row);
  return {
    rows: rows('main').map(({ id }) => Number(id)),
    gaps: rows('gaps').map((row) => [
      Number(row['from']),
      Number(row['to']),
      Number(row['since']),
      Number(row['givenUpAt']),
      String(row['reason']),
    ]),
    extremes: rows('extremes').map((row) => [Number(row['id']), String(row['reason'])]),
  };
};

const RULES: readonly Partial<ReorderSpec>[] = [
  {},
  { first: 0 },
  { maxRows: 4 },
  { maxAhead: 40 },
  { maxRows: 6, maxAhead: 30, first: -1, maxWaitMs: 25 },
  { seq: undefined },
  { seq: undefined, maxRows: 5 },
  // Longer than the rows: nothing is forgotten.
  { first: 0, maxRows: 4, forgetAfterMs: 10_000 },
];

describe('rows of each key in order, in any batches and through restarts, equal the oracle', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))('with seed %i', async (seed) => {
    const random = seededRandom(seed);
    const rows = generated(random);
    for (const asked of RULES) {
      const spec = { ...SPEC, ...asked };
      const oracle = spec.seq === undefined ? orderedByTime : orderedByNumber;
      const { seen, harness } = await answer(asked, rows, random);
      for (const key of ['k0', 'k1', 'k2']) {
        const expected = oracle(
          rows.filter((row) => row.key === key),
          { maxWait: spec.maxWaitMs, maxRows: spec.maxRows, maxAhead: spec.maxAhead, first: spec.first },
        );
        expect(ofKey(seen, key), `seed ${seed}, ${JSON.stringify(asked)}, ${key}`).toEqual(expected);
      }
      const { out, late, future, results } = harness.operator.ledger;
      expect(out + late + future).toBe(rows.length);
      expect(results).toBe(seen.filter(({ port }) => port === 'gaps').length);
    }
  });
});

it('the cases of the oracle have every kind of gap and extreme', () => {
  const kinds = new Set<string>();
  for (let seed = 0; seed < 12; seed++) {
    const rows = generated(seededRandom(seed));
    for (const asked of RULES) {
      const { maxWaitMs, maxRows, maxAhead, first } = { ...SPEC, ...asked };
      for (const name of ['k0', 'k1', 'k2']) {
        const rules = { maxWait: maxWaitMs, maxRows, maxAhead, first };
        const { gaps, extremes } = orderedByNumber(
          rows.filter(({ key }) => key === name),
          rules,
        );
        for (const [, , , , why] of gaps) kinds.add(why);
        for (const [, reason] of extremes) kinds.add(reason);
      }
    }
  }
  expect([...kinds].sort()).toEqual(
    ['maxWait', 'maxRows', 'maxAhead', 'after its gap', 'duplicate', 'too far ahead', 'too late'].sort(),
  );
});

it('the order between keys, and the watermark of each row, do not depend on batches', async () => {
  const rows = generated(seededRandom(77));
  const story = async (seed: number): Promise<unknown> => {
    const { seen, stamps } = await answer({ maxRows: 8 }, rows, seededRandom(seed));
    const ports = PORTS.map((port) => seen.filter((one) => one.port === port).map(({ row }) => row));
    return { ports, stamps };
  };
  const first = await story(1);
  expect(await story(2)).toEqual(first);
  expect(await story(3)).toEqual(first);
});

it('holds the watermark back by the wait, so that no row comes out late that came before its wait was over', async () => {
  const { harness, stamps } = await open({ first: 1 });
  harness.row(['a', 2, 0], { timestamp: 20 });
  harness.watermark(25);
  harness.row(['a', 3, 1], { timestamp: 16 });
  expect(harness.transcript.check({ expect: [{ watermark: 15 }] })).toBeUndefined();
  harness.watermark(26);
  expect(
    harness.transcript.check({
      expect: [{ element: ['a', 2, 0], timestamp: 20 }, { element: ['a', 3, 1], timestamp: 16 }, { watermark: 16 }],
    }),
  ).toBeUndefined();
  expect(stamps).toEqual([15, 15]);
  harness.end();
  expect(harness.transcript.check({ expect: [{ watermark: 'MAX' }] })).toBeUndefined();
});

it('hands on runs that are longer than a batch', async () => {
  const { harness, seen } = await open({ first: 0, maxRows: 10_000, maxAhead: 10_000 });
  for (let at = 9000; at > 0; at -= 1000) {
    harness.rows(
      Array.from({ length: 1000 }, (_, i) => ({ values: ['a', at - i, at - i], timestamp: 5, watermark: 0 })),
    );
  }
  expect(seen).toEqual([]);
  harness.row(['a', 0, 0], { timestamp: 5, watermark: 0 });
  expect(seen.map(({ row }) => row['id'])).toEqual(Array.from({ length: 9001 }, (_, i) => i));
});

it('fails on a gap when asked to, with the numbers and the key', async () => {
  const { harness } = await open({ first: 1, onGap: 'fail' });
  harness.row(['a', 4, 0], { timestamp: 20 });
  expect(() => harness.watermark(30)).toThrow('numbers 1 to 3 of key { key: "a" } did not come within maxWait 10 ms');
});

it('remembers only so many gaps of a key, and says of older rows that it does not know', async () => {
  const { harness } = await open({ first: 1 });
  const gaps = GAPS_MAX + 1;
  for (let i = 1; i <= gaps; i++) harness.row(['a', 2 * i, i], { timestamp: i, watermark: 0 });
  harness.watermark(1000);
  harness.row(['a', 1, 0], { timestamp: 1 });
  harness.row(['a', 3, 0], { timestamp: 1 });
  harness.row(['a', 3, 0], { timestamp: 1 });
  expect(
    harness.transcript.check({
      side: {
        extremes: [
          { element: ['a', 1, 0, 'too late'] },
          { element: ['a', 3, 0, 'after its gap'] },
          { element: ['a', 3, 0, 'duplicate'] },
        ],
      },
    }),
  ).toBeUndefined();
});

it('chains the hashes of the rows in order, through restarts', async () => {
  const rows = generated(seededRandom(8));
  const { seen } = await answer({ audit: true }, rows, seededRandom(9));
  for (const key of ['k0', 'k1', 'k2']) {
    const audit = seen.filter(({ port, row }) => port === 'audit' && row['key'] === key).map(({ row }) => row);
    const out = seen.filter(({ port, row }) => port === 'main' && row['key'] === key).map(({ row }) => row);
    expect(audit.length).toBe(out.length);
    let chain: Buffer = Buffer.alloc(32);
    audit.forEach((entry, i) => {
      const bytes = entry['row'];
      if (!(bytes instanceof Uint8Array)) throw new TypeError('the row as bytes');
      // Bits of presence, the key, then number and id as the row codec writes them.
      const view = new DataView(bytes.buffer, bytes.byteOffset + 2 + key.length, 12);
      expect([Number(view.getBigInt64(0, true)), view.getInt32(8, true)]).toEqual([out[i]?.['seq'], out[i]?.['id']]);
      chain = createHash('sha256').update(chain).update(bytes).digest();
      expect([entry['number'], entry['hash']]).toEqual([i + 1, chain.toString('hex')]);
    });
  }
});

describe('keys that are forgotten', () => {
  /** Visits of keys that come and go: numbers from 1 in each, some lost, some rows slow. */
  function visits(random: Random): readonly KeyedRow[] {
    const made: { key: string; seq: number; time: number; arrives: number }[] = [];
    for (let visit = 0; visit < 40; visit++) {
      const begin = visit * 20;
      for (let i = 0; i < 6; i++) {
        const time = begin + i * 2;
        if (below(random, 8) === 0) continue;
        made.push({
          key: `k${visit % 5}`,
          seq: i + 1,
          time,
          arrives: time + (below(random, 9) === 0 ? 90 : below(random, 6)),
        });
      }
    }
    made.sort((a, b) => a.arrives - b.arrives);
    let max = -1;
    return made.map(({ key, seq, time }, id) => {
      const watermark = max - 4;
      max = Math.max(max, time);
      return { key, seq, time, watermark, id };
    });
  }

  it.each([1, 2, 3, 4, 5, 6])('begin anew, in any batches and through restarts, with seed %i', async (seed) => {
    const rows = visits(seededRandom(seed));
    for (const asked of [{ first: 1 }, { seq: undefined }, { audit: true }] as const) {
      const rule = { ...asked, forgetAfterMs: 40 };
      const [one, other] = [
        await answer(rule, rows, seededRandom(seed + 100)),
        await answer(rule, rows, seededRandom(seed + 200)),
      ];
      const seen = (driven: Driven): readonly string[] => driven.seen.map((one) => JSON.stringify(one)).sort();
      expect(seen(other), `seed ${seed}`).toEqual(seen(one));
      const inOrder = one.seen.filter(({ port }) => port === 'main');
      const forGood = await answer({ ...asked }, rows, seededRandom(seed + 300));
      const kept = forGood.seen.filter(({ port }) => port === 'main').length;
      if (!('seq' in asked)) {
        // Kept for good, numbers that begin again are duplicates.
        expect(inOrder.length).toBeGreaterThan(kept * 2);
        continue;
      }
      // By time it makes a difference only to rows that are older than what is remembered.
      expect(inOrder.length).toBeLessThanOrEqual(kept);
      expect(inOrder.length).toBeGreaterThan(kept * 0.9);
      for (const key of ['k0', 'k1', 'k2', 'k3', 'k4']) {
        const times = ofKey(one.seen, key).rows.map((id) => rows[id]?.time ?? Number.NaN);
        expect(times, `seed ${seed}, ${key}`).toEqual([...times].sort((a, b) => a - b));
      }
    }
  });

  it('are remembered as a whole: as long as rows come, what was given up is known', async () => {
    const { harness, seen } = await open({ first: 1, forgetAfterMs: 40 });
    const row = (seq: number, time: number): void =>
      harness.rows([{ values: ['k', seq, time], timestamp: time, watermark: time - 5 }]);
    row(1, 0);
    for (let i = 0; i < 20; i++) row(3 + i, 20 + i * 20);
    row(2, 420);
    expect(seen.at(-1)).toMatchObject({ port: 'extremes', row: { reason: 'after its gap' } });
  });

  it('leave nothing in state, and a row from before begins none anew', async () => {
    const { harness, seen } = await open({ first: 1, forgetAfterMs: 40 });
    const row = (key: string, seq: number, id: number, time: number): void =>
      harness.rows([{ values: [key, seq, id], timestamp: time, watermark: time - 5 }]);
    for (let i = 0; i < 500; i++) row(`k${i}`, 1, i, i * 3);
    harness.watermark(1500);
    const left = harness.arena.states().reduce((sum, { entries }) => sum + entries, 0);
    expect(left).toBeLessThan(60);
    harness.watermark(3000);
    expect(harness.arena.states().reduce((sum, { entries }) => sum + entries, 0)).toBe(0);
    harness.rows([{ values: ['k7', 2, 1000], timestamp: 2900, watermark: 3000 }]);
    harness.rows([{ values: ['k7', 1, 1001], timestamp: 2999, watermark: 3000 }]);
    expect(seen.slice(-2).map(({ port, row: { id, reason } }) => [port, id, reason])).toEqual([
      ['extremes', 1000, 'too late'],
      ['main', 1001, undefined],
    ]);
  });
});
