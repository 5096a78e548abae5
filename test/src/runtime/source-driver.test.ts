import { describe, expect, test } from 'vitest';
import { below, seededRandom } from '../../../src/base/random.ts';
import type { Json } from '../../../src/base/json.ts';
import type { KernelInstance } from '../../../src/kernel/instance.ts';
import { NewSplits } from '../../../src/connector/new-splits.ts';
import { SourceDriver } from '../../../src/runtime/source-driver.ts';
import { type OracleSplit, processingOrder } from '../../oracle/batch-engine.ts';
import { microtasks } from '../../../src/testing/virtual-clock.ts';
import { newKernels } from '../../support/kernels.ts';
import { RecordingOutput } from '../../support/recording-output.ts';
import { SCRIPTED, scriptedSource, type ScriptedOptions, type ScriptedSplit } from '../../support/scripted-source.ts';

interface Setup {
  readonly driver: SourceDriver;
  readonly output: RecordingOutput;
  readonly closed: readonly number[];
}

const CONTEXT = {
  source: 's',
  columns: new Set(['at', 'split']),
  batchRows: 3,
  chunkBytes: 1,
  deadLetter: () => undefined,
};

async function open(
  kernels: KernelInstance,
  splits: readonly ScriptedSplit[],
  options: ScriptedOptions & { readonly hasTime?: boolean; readonly listed?: readonly string[] } = {},
  restored?: Json,
  newSplits?: NewSplits,
): Promise<Setup> {
  const output = new RecordingOutput(kernels.memory);
  const connector = scriptedSource(splits, options);
  const driver = new SourceDriver({
    uid: 's',
    kernels,
    output,
    connector,
    splits: (await connector.splits()).filter(({ id }) => options.listed?.includes(id) !== false),
    newSplits,
    eventTime: options.hasTime === false ? undefined : { column: 0, type: { kind: 'timestamp', nullable: false } },
    open: (split, splitIndex, offset) => connector.open(split, offset, { ...CONTEXT, kernels, splitIndex }),
  });
  await driver.open(restored);
  return { driver, output, closed: connector.closed };
}

function runToEnd(driver: SourceDriver, steps = 10_000): void {
  for (let i = 0; i < steps; i++) if (driver.step() === 'end') return;
  throw new Error(`no end after ${steps} steps`);
}

/** Rows and ends of splits in order: 0@10 is a row of split 0, end0 its end, end that of the source. */
const storyOf = (output: RecordingOutput): string[] =>
  output.elements.flatMap((element) => {
    if (element.kind === 'batch') return element.rows.map(({ row }) => `${String(row['split'])}@${String(row['at'])}`);
    return element.kind === 'end' ? [`end${element.split?.split ?? ''}`] : [];
  });

function randomSplits(seed: number): ScriptedSplit[] {
  const random = seededRandom(seed);
  return Array.from({ length: 1 + below(random, 4) }, () => ({
    times: Array.from({ length: below(random, 40) }, (_, i) => i * 10 + below(random, 100)),
    tail: below(random, 2) * below(random, 15),
  }));
}

describe('turns of replayable splits', () => {
  test('are those of the oracle, for any size of batches', async () => {
    const kernels = await newKernels();
    for (let seed = 0; seed < 200; seed++) {
      kernels.reset();
      const splits = randomSplits(seed).map(({ times }): ScriptedSplit => ({ times }));
      const { driver, output } = await open(kernels, splits, { quantum: 7, batchRows: 1 + (seed % 9) });
      runToEnd(driver);
      const oracle = splits.map(
        ({ times }, i): OracleSplit => ({
          name: String(i),
          rows: times.map((at, offset) => ({ row: { at }, offset })),
        }),
      );
      const expected = processingOrder(oracle, {
        schema: SCRIPTED,
        timestamp: 'at',
        disorderMs: 0,
        window: { kind: 'tumbling', sizeMs: 1, offsetMs: 0 },
        keys: [],
        aggregates: [],
        where: [],
        quantumBytes: 7,
      });
      const rows = storyOf(output).filter((each) => each.includes('@'));
      expect(rows, `seed ${seed}`).toEqual(expected.map(({ split, timestamp }) => `${split}@${timestamp}`));
    }
  });

  test('do not depend on batches, nor on where the source is stopped and opened again', async () => {
    const kernels = await newKernels();
    for (let seed = 0; seed < 100; seed++) {
      kernels.reset();
      const random = seededRandom(seed);
      const splits = randomSplits(seed);
      const whole = await open(kernels, splits, { quantum: 7, batchRows: 64 });
      runToEnd(whole.driver);
      const story: string[] = [];
      let state: Json | undefined;
      for (let isDone = false; !isDone; ) {
        const { driver, output } = await open(kernels, splits, { quantum: 7, batchRows: 1 + below(random, 5) }, state);
        for (let steps = 1 + below(random, 12); steps > 0 && !isDone; steps--) isDone = driver.step() === 'end';
        state = JSON.parse(JSON.stringify(driver.snapshot())) as Json; // what was written is JSON
        story.push(...storyOf(output));
      }
      expect(story, `seed ${seed}`).toEqual(storyOf(whole.output));
    }
  });

  test('last to the next multiple of the quantum of the split’s own position', async () => {
    const { driver, output } = await open(await newKernels(), [{ times: [1, 2, 3, 4, 5] }, { times: [1, 1, 1, 9] }], {
      quantum: 2,
    });
    runToEnd(driver);
    expect(storyOf(output).join(' ')).toBe('0@1 0@2 1@1 1@1 1@1 1@9 end1 0@3 0@4 0@5 end0 end');
  });

  test('wait for the split whose turn it is, also when another could go on', async () => {
    const first: ScriptedSplit = { times: [5, 6], arrived: 0 };
    const { driver, output } = await open(await newKernels(), [first, { times: [1, 2] }]);
    expect([driver.step(), driver.step()]).toEqual(['wait', 'wait']);
    expect(output.elements).toEqual([]);
    first.arrived = 1;
    expect([driver.step(), driver.step()]).toEqual(['worked', 'wait']);
    expect(storyOf(output)).toEqual(['0@5']);
    first.arrived = 2;
    runToEnd(driver);
    expect(storyOf(output).join(' ')).toBe('0@5 0@6 end0 1@1 1@2 end1 end');
  });

  test('without event time go by positions alone', async () => {
    const splits = [{ times: [90, 91, 92] }, { times: [1, 2, 3] }];
    const { driver, output } = await open(await newKernels(), splits, { quantum: 2, hasTime: false });
    runToEnd(driver);
    expect(storyOf(output).join(' ')).toBe('0@90 0@91 1@1 1@2 0@92 end0 1@3 end1 end');
  });
});

describe('the end of a split', () => {
  test('follows its last row before any row of another split', async () => {
    const { driver, output } = await open(await newKernels(), [{ times: [1] }, { times: [2, 3] }]);
    runToEnd(driver);
    expect(storyOf(output)).toEqual(['0@1', 'end0', '1@2', '1@3', 'end1', 'end']);
  });

  test('comes before the first row when the split is empty, wherever it stands', async () => {
    const { driver, output } = await open(await newKernels(), [
      { times: [1] },
      { times: [] },
      { times: [2] },
      { times: [] },
    ]);
    runToEnd(driver);
    expect(storyOf(output)).toEqual(['end1', 'end3', '0@1', 'end0', '2@2', 'end2', 'end']);
  });

  test('comes before rows of others also when the source was stopped between last row and end', async () => {
    const kernels = await newKernels();
    const splits = [{ times: [9, 9] }, { times: [1, 2] }];
    const before = await open(kernels, splits, { quantum: 2 });
    before.driver.step();
    expect(storyOf(before.output)).toEqual(['0@9', '0@9']);
    const after = await open(kernels, splits, { quantum: 2 }, before.driver.snapshot());
    runToEnd(after.driver);
    expect(storyOf(after.output)).toEqual(['end0', '1@1', '1@2', 'end1', 'end']);
  });

  test('is found by reading when the size is not known', async () => {
    const { driver, output } = await open(await newKernels(), [{ times: [1] }, { times: [] }], { isSizeKnown: false });
    runToEnd(driver);
    expect(storyOf(output)).toEqual(['0@1', 'end0', 'end1', 'end']);
    expect(driver.progress().size).toBeUndefined();
  });

  test('is remembered while the split is not listed: it is not read again when it is there once more', async () => {
    const kernels = await newKernels();
    const splits = [{ times: [1, 2] }, { times: [3] }];
    const first = await open(kernels, splits);
    runToEnd(first.driver);
    const second = await open(kernels, splits, { listed: ['1'] }, first.driver.snapshot());
    runToEnd(second.driver);
    const third = await open(kernels, splits, {}, second.driver.snapshot());
    runToEnd(third.driver);
    expect(storyOf(third.output).filter((each) => each.includes('@'))).toEqual([]);
  });

  test('closes its reader and keeps its position', async () => {
    const { driver, closed } = await open(await newKernels(), [{ times: [1, 2, 3], tail: 4 }, { times: [5] }]);
    runToEnd(driver);
    expect([...closed].sort()).toEqual([0, 1]);
    expect(driver.positions()).toMatchObject([
      { id: '0', position: 7, ended: true },
      { id: '1', position: 1, ended: true },
    ]);
    expect(driver.progress()).toEqual({ read: 8, size: 8 });
  });
});

describe('live splits', () => {
  test('are read as their rows arrive', async () => {
    const [a, b]: [ScriptedSplit, ScriptedSplit] = [
      { times: [1, 2], arrived: 0 },
      { times: [3, 4], arrived: 1 },
    ];
    const { driver, output } = await open(await newKernels(), [a, b], { live: true });
    expect([driver.step(), driver.step()]).toEqual(['worked', 'wait']);
    a.arrived = 2;
    b.arrived = 2;
    runToEnd(driver);
    expect(storyOf(output)).toEqual(['1@3', '0@1', '0@2', '1@4', 'end0', 'end1', 'end']);
  });

  const backlog = [{ times: [10, 11, 12, 50] }, { times: [20, 21, 22] }, { times: [5, 6, 7, 30] }];

  test('take turns as long as they have rows', async () => {
    const { driver, output } = await open(await newKernels(), backlog, { live: true });
    runToEnd(driver);
    const rows = storyOf(output).filter((each) => each.includes('@'));
    expect(rows.join(' ')).toBe('0@10 0@11 0@12 1@20 1@21 1@22 2@5 2@6 2@7 0@50 2@30');
  });

  test('that are found while the source is read come in order of event time as far as they came', async () => {
    const newSplits = new NewSplits({ next: () => new Promise(() => undefined), close: () => undefined });
    const { driver, output } = await open(await newKernels(), backlog, { live: true }, undefined, newSplits);
    while (driver.step() === 'worked');
    const rows = storyOf(output).filter((each) => each.includes('@'));
    expect(rows.join(' ')).toBe('0@10 0@11 0@12 1@20 1@21 1@22 2@5 2@6 2@7 2@30 0@50');
  });

  test('become more while the source is read, which ends only by a drain', async () => {
    const kernels = await newKernels();
    const output = new RecordingOutput(kernels.memory);
    const connector = scriptedSource([{ times: [1] }, { times: [2, 3] }, { times: [4] }], { live: true });
    const given: ((splits: readonly { id: string }[]) => void)[] = [];
    const newSplits = new NewSplits({
      next: () => new Promise((resolve) => given.push(resolve)),
      close: () => given.shift()?.([]),
    });
    const found: string[] = [];
    const driver = new SourceDriver({
      uid: 's',
      kernels,
      output,
      connector,
      splits: [{ id: '0' }],
      eventTime: { column: 0, type: { kind: 'timestamp', nullable: false } },
      newSplits,
      onSplit: ({ id }, { split }) => found.push(`${id} is ${split}`),
      open: (split, splitIndex, offset) => connector.open(split, offset, { ...CONTEXT, kernels, splitIndex }),
    });
    await driver.open(undefined);
    const steps = (): string[] => Array.from({ length: 4 }, () => driver.step());
    expect(steps()).toEqual(['worked', 'worked', 'wait', 'wait']);
    given.shift()?.([{ id: '2' }, { id: '1' }]);
    await driver.ready();
    await microtasks();
    expect(steps()).toEqual(['worked', 'worked', 'worked', 'worked']);
    expect(found).toEqual(['2 is 1', '1 is 2']);
    expect(driver.positions().map(({ id }) => id)).toEqual(['0', '2', '1']);
    driver.finish();
    expect(storyOf(output).at(-1)).toBe('end');
    await driver.close();
  });

  test('say where they stand in terms of their own: a source that was read otherwise is refused', async () => {
    const kernels = await newKernels();
    const live = await open(kernels, [{ times: [1] }], { live: true });
    await expect(open(kernels, [{ times: [1] }], {}, live.driver.snapshot())).rejects.toThrow(
      "source 's' was followed when its checkpoint was taken",
    );
    const whole = await open(kernels, [{ times: [1] }]);
    await expect(open(kernels, [{ times: [1] }], { live: true }, whole.driver.snapshot())).rejects.toMatchObject({
      code: 'E1509',
    });
  });
});

describe('a drain', () => {
  test('ends every split and the source where they stand, once', async () => {
    const { driver, output } = await open(await newKernels(), [{ times: [1, 2, 3, 4, 5] }, { times: [1] }]);
    driver.step();
    driver.finish();
    expect(storyOf(output)).toEqual(['0@1', '0@2', '0@3', 'end0', 'end1', 'end']);
    expect(driver.step()).toBe('end');
    expect(driver.ledger).toMatchObject({ in: 3, out: 3 });
  });
});
