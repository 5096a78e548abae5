import { describe, expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../../src/base/random.ts';
import type { RecordBatch } from '../../../../src/data/record-batch.ts';
import type { TableSchema } from '../../../../src/data/schema.ts';
import { BatchBuilder } from '../../../../src/format/batch-builder.ts';
import type { Row } from '../../../../src/format/row-view.ts';
import { imbalance } from '../../../../src/metrics/ledger.ts';
import type { Output } from '../../../../src/runtime/operator.ts';
import { UserFunction, type UserFunctionOptions } from '../../../../src/runtime/operators/user-function.ts';
import { newKernels } from '../../../support/kernels.ts';
import { RecordingOutput } from '../../../support/recording-output.ts';

const IN: TableSchema = {
  fields: [
    { name: 'n', type: { kind: 'int32', nullable: false } },
    { name: 'text', type: { kind: 'utf8', nullable: true } },
  ],
};
const OUT: TableSchema = {
  fields: [
    { name: 'm', type: { kind: 'int32', nullable: false } },
    { name: 'copy', type: { kind: 'utf8', nullable: true } },
  ],
};

type Does = Pick<UserFunctionOptions, 'does' | 'run'>;

async function setup({ does, run }: Does, onError: UserFunctionOptions['onError'] = 'fail') {
  const letters: string[] = [];
  const kernels = await newKernels();
  const output = new RecordingOutput(kernels.memory);
  const builder = new BatchBuilder(kernels, IN);
  const [timestamps, watermarks, selection] = [0, 0, 0].map(() => kernels.memory.allocate(4096 * 8)) as [
    number,
    number,
    number,
  ]; // as mapped
  const operator = new UserFunction({
    uid: 'f',
    kernels,
    output,
    input: IN,
    out: does === 'filter' ? IN : OUT,
    does,
    run,
    timestamp: (ms) => ms,
    onError,
    deadLetter: (_batch, row, reason) => letters.push(`${row}: ${reason}`),
  });
  return {
    operator,
    letters,
    output,
    /** Rows n from 0, at 1000 + n, behind watermark n; every other one only when `half`. */
    batch(rows: number, half = false): RecordBatch {
      builder.reset();
      const { i64, u32 } = kernels.memory;
      for (let n = 0; n < rows; n++) {
        builder.append({ n, text: n % 3 === 0 ? null : `t${n}` });
        i64[(timestamps >>> 3) + n] = BigInt(1000 + n);
        i64[(watermarks >>> 3) + n] = BigInt(n);
      }
      const batch = { ...builder.finish({ source: 's', split: 0 }), timestamps, watermarks };
      if (!half) return batch;
      for (let k = 0; k < rows >> 1; k++) u32[(selection >>> 2) + k] = 2 * k + 1;
      return { ...batch, selection, selected: rows >> 1 };
    },
  };
}

function drain(operator: UserFunction): number {
  let calls = 0;
  for (; operator.more; calls++) operator.resume();
  return calls;
}

const pass: Output = {
  batch: () => undefined,
  watermark: () => undefined,
  status: () => undefined,
  end: () => undefined,
};

const numberOf = (row: Row): number => Number(row['n']);

describe('a filter', () => {
  test('keeps rows with their columns, timestamps and watermarks, and counts the others', async () => {
    const { operator, output, batch } = await setup({ does: 'filter', run: (row) => numberOf(row) % 4 === 1 });
    operator.processBatch(batch(10, true));
    expect(output.rows).toEqual(
      [1, 5, 9].map((n) => ({ row: { n, text: n === 9 ? null : `t${n}` }, timestamp: 1000 + n, watermark: n })),
    );
    expect(operator.ledger).toMatchObject({ in: 5, out: 3, filtered: 2 });
  });

  test('keeps only what is true, not what counts as true', async () => {
    const { operator, output, batch } = await setup({ does: 'filter', run: (row) => numberOf(row) });
    operator.processBatch(batch(3));
    expect(output.rows).toEqual([]);
    expect(imbalance(operator.ledger)).toBe(0);
  });

  test('is refused when it is async, instead of keeping nothing', async () => {
    const { operator, batch } = await setup({ does: 'filter', run: async () => true });
    expect(() => operator.processBatch(batch(3))).toThrow(
      /of a filter failed on the row .*: it is async, and nobody waits for it here: let mapAsync wait/,
    );
  });
});

describe('a map', () => {
  test('gives one row for each, at the same time and behind the same watermark', async () => {
    const { operator, output, batch } = await setup({
      does: 'map',
      run: (row) => ({ m: numberOf(row) * 2, copy: row['text'] }),
    });
    operator.processBatch(batch(4096));
    drain(operator);
    expect(output.rows).toHaveLength(4096);
    expect(output.rows[4095]).toEqual({ row: { m: 8190, copy: null }, timestamp: 5095, watermark: 4095 });
    expect(operator.ledger).toMatchObject({ in: 4096, out: 4096, expanded: 0 });
  });

  test('of a selection uses the rows that are meant', async () => {
    const { operator, output, batch } = await setup({ does: 'map', run: (row) => ({ m: numberOf(row), copy: null }) });
    operator.processBatch(batch(7, true));
    drain(operator);
    expect(output.rows.map(({ row, watermark }) => [row['m'], watermark])).toEqual([
      [1, 1],
      [3, 3],
      [5, 5],
    ]);
  });
});

describe('texts that functions are given and hand on', () => {
  const TEXTS: TableSchema = {
    fields: ['a', 'b', 'c'].map((name) => ({ name, type: { kind: 'utf8', nullable: name !== 'a' } })),
  };
  const textOf = (random: Random, n: number): string =>
    [`name-${below(random, 50)}`, `unique ${n} of many`, '', 'ünï', 'a', 'x'.repeat(below(random, 90))][
      below(random, 6)
    ] ?? '';

  test.each<[string, (row: Row) => Row]>([
    ['as they are', ({ a, b, c }) => ({ a, b, c })],
    ['in other columns', ({ a, b, c }) => ({ c: a, a: c ?? b ?? a, b: a })],
    ['changed', ({ a, b, c }) => ({ a: `${String(a)}!`, b: b === null ? 'none' : String(b).slice(1), c })],
    ['of one column alone', ({ b }) => ({ a: b ?? 'none', b: 'the same', c: b })],
  ])('are those of plain objects, batch after batch (%s)', async (_name, change) => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(seed);
      const kernels = await newKernels();
      const output = new RecordingOutput(kernels.memory);
      const [uid, deadLetter] = ['f', (): void => undefined];
      const given = {
        uid,
        kernels,
        output,
        input: TEXTS,
        out: TEXTS,
        timestamp: Number,
        onError: 'fail',
        deadLetter,
      } as const;
      const map = new UserFunction({ ...given, does: 'map', run: change });
      const flatMap = new UserFunction({ ...given, does: 'flatMap', run: (row) => [change(row), change(row)] });
      const filter = new UserFunction({
        ...given,
        output: {
          ...pass,
          batch: (batch) => (map.processBatch(batch), flatMap.processBatch(batch), void drain(flatMap)),
        },
        does: 'filter',
        run: ({ a }) => String(a).length % 4 !== 0,
      });
      const builder = new BatchBuilder(kernels, TEXTS);
      for (let n = 0; n < 12; n++) {
        const orNull = (text: string): string | null => (below(random, 7) === 0 ? null : text);
        const rows = Array.from({ length: 1 + below(random, 400) }, (_, i) => ({
          a: textOf(random, i),
          b: orNull(textOf(random, i)),
          c: orNull(textOf(random, i)),
        }));
        builder.reset();
        for (const row of rows) builder.append(row);
        filter.processBatch(builder.finish());
        const changed = rows.filter(({ a }) => a.length % 4 !== 0).map(change);
        const expected = [...changed, ...changed.flatMap((row) => [row, row])];
        expect(
          output.rows.map(({ row }) => row),
          `seed ${seed}, batch ${n}`,
        ).toEqual(expected);
        output.elements = [];
      }
    }
  });
});

describe('a flatMap', () => {
  test('goes on in the middle of a row that gives more than a batch holds', async () => {
    const many = (row: Row): Iterable<unknown> =>
      (function* () {
        for (let i = 0; i < 10_000; i++) yield { m: numberOf(row) * 10_000 + i, copy: row['text'] };
      })();
    const { operator, output, batch } = await setup({ does: 'flatMap', run: many });
    operator.processBatch(batch(3));
    expect(operator.more).toBe(true);
    expect(drain(operator)).toBeGreaterThan(5);
    expect(output.rows.map(({ row }) => row['m'])).toEqual(Array.from({ length: 30_000 }, (_, i) => i));
    expect(output.rows[29_999]).toEqual({ row: { m: 29_999, copy: 't2' }, timestamp: 1002, watermark: 2 });
    expect(output.elements.every((element) => element.kind === 'batch' && element.rows.length <= 4096)).toBe(true);
    expect(operator.ledger).toMatchObject({ in: 3, out: 30_000, expanded: 29_997 });
    expect(imbalance(operator.ledger)).toBe(0);
  });

  test('balances its ledger whatever the numbers of results', async () => {
    for (let seed = 0; seed < 6; seed++) {
      const random = seededRandom(seed);
      const counts = Array.from({ length: 12 }, () => [0, 1, 2, 4095, 4096, 4097][below(random, 6)] ?? 0);
      const run = (row: Row): unknown =>
        Array.from({ length: counts[numberOf(row)] ?? 0 }, (_, m) => ({ m, copy: null }));
      const { operator, output, batch } = await setup({ does: 'flatMap', run });
      operator.processBatch(batch(12));
      drain(operator);
      const expected = counts.flatMap((count, n) => Array.from({ length: count }, (_, m) => m * 100 + n));
      expect(
        output.rows.map(({ row, watermark }) => Number(row['m']) * 100 + Number(watermark)),
        `seed ${seed}`,
      ).toEqual(expected);
      expect(imbalance(operator.ledger), `seed ${seed}`).toBe(0);
    }
  });

  test('fails on what is not iterable', async () => {
    const { operator, batch } = await setup({ does: 'flatMap', run: () => 7 });
    expect(() => operator.processBatch(batch(1))).toThrow('must return something iterable');
  });
});

describe('a function that throws', () => {
  const broken = (row: Row): unknown => {
    if (numberOf(row) === 2) throw new Error('broken');
    return { m: 1, copy: null };
  };

  test.each([
    { does: 'filter', run: broken },
    { does: 'map', run: broken },
    { does: 'flatMap', run: (row: Row) => [broken(row)] },
    {
      does: 'flatMap',
      run: (row: Row) =>
        (function* () {
          yield broken(row);
        })(),
    },
  ] satisfies Does[])('fails the job with operator, time and row ($does)', async ({ does, run }) => {
    const { operator, batch } = await setup({ does, run });
    const failure = (): void => {
      operator.processBatch(batch(4));
      drain(operator);
    };
    expect(failure).toThrow(expect.objectContaining({ code: 'E1310', location: { operator: 'f' } }));
    expect(failure).toThrow(
      /of a \w+ failed on the row at 1970-01-01T00:00:01\.002Z: broken \(row: \{ n: 2, text: "t2" \}\)/,
    );
  });

  test.each([
    { does: 'filter', run: (row: Row) => broken(row) !== undefined },
    { does: 'map', run: broken },
    { does: 'flatMap', run: (row: Row) => [broken(row)] },
    { does: 'map', run: (row: Row) => ({ m: numberOf(row) === 2 ? 'broken' : 1, copy: null }) },
  ] satisfies Does[])('puts the row aside and goes on when that was asked for ($does)', async ({ does, run }) => {
    const { operator, output, batch, letters } = await setup({ does, run }, 'dead letter');
    operator.processBatch(batch(5));
    drain(operator);
    expect(output.rows.map(({ watermark }) => watermark)).toEqual([0, 1, 3, 4]);
    expect(operator.ledger).toMatchObject({ in: 5, out: 4, deadLetters: 1 });
    expect(imbalance(operator.ledger)).toBe(0);
    expect(letters).toEqual([expect.stringMatching(/^2: the function of a \w+ failed on the row at .*broken/)]);
  });

  test('puts a row of a flatMap aside in the middle of its results, and keeps those that came before', async () => {
    const run = (row: Row): unknown => [
      { m: 1, copy: null },
      broken(row),
      { m: numberOf(row) === 1 ? 'x' : 3, copy: null },
    ];
    const { operator, output, batch, letters } = await setup({ does: 'flatMap', run }, 'dead letter');
    operator.processBatch(batch(3));
    drain(operator);
    expect(output.rows.map(({ watermark }) => watermark)).toEqual([0, 0, 0, 1, 1]);
    expect(letters).toHaveLength(2);
    expect(imbalance(operator.ledger)).toBe(0);
  });

  test('fails the same way when its result does not fit the columns', async () => {
    const { operator, batch } = await setup({ does: 'map', run: () => ({ m: 'text' }) });
    expect(() => operator.processBatch(batch(1))).toThrow(/E1310|cannot hold "text"/);
  });
});
