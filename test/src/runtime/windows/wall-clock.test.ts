/** Windows by wall clocks: against windows by definition, and against those of the kernels, around changes of clocks. */
import { expect, test } from 'vitest';
import { below, type Random, seededRandom } from '../../../../src/base/random.ts';
import type { Row } from '../../../../src/format/row-view.ts';
import type { WindowSpec } from '../../../../src/plan/logical.ts';
import { TimeZone } from '../../../../src/base/time-zone.ts';
import { UTC, wallClockAssigner } from '../../../../src/runtime/windows/wall-clock.ts';
import { type WindowSpec as OracleWindow, windowsOf } from '../../../oracle/windows.ts';
import { NO_WATERMARK, runWindow, windowNode, type WindowRow } from '../../../support/general-window-run.ts';
import { newKernels } from '../../../support/kernels.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Monday 1969-12-29. */
const MONDAY = -3 * DAY;
/** Near changes of clocks: forward and back, by a whole hour, by half of one, at midnight, and never. */
const PLACES = [
  ['America/Los_Angeles', '2021-03-14T10:00Z'],
  ['America/Los_Angeles', '2021-11-07T09:00Z'],
  ['Australia/Lord_Howe', '2021-10-02T15:30Z'],
  ['Australia/Lord_Howe', '2021-04-03T15:00Z'],
  ['America/Havana', '2021-03-14T05:00Z'],
  ['America/Havana', '2021-11-07T05:00Z'],
  ['Asia/Kolkata', '2021-03-14T10:00Z'],
  [undefined, '2021-03-14T10:00Z'],
] as const;

type Aligned = Extract<WindowSpec, { readonly kind: 'tumbling' | 'hopping' | 'cumulating' }>;
type Choice = readonly [window: Aligned, oracle: OracleWindow];

function choiceOf(random: Random, name: string | undefined): Choice {
  const zone = name === undefined ? undefined : ({ kind: 'fixed', name } as const);
  const clock = 'event time';
  const offsetMs = below(random, 3) === 0 ? below(random, 30) * MINUTE : 0;
  const told = { offsetMs, ...(name === undefined ? {} : { zone: name }) };
  const stepMs = [20, 30, 60][below(random, 3)]! * MINUTE; // one of three
  const sizeMs = stepMs * (1 + below(random, 4));
  switch (below(random, 5)) {
    case 0:
      return [
        { kind: 'tumbling', clock, zone, offsetMs, sizeMs, calendar: undefined },
        { kind: 'tumbling', sizeMs, ...told },
      ];
    case 1:
      return [
        { kind: 'hopping', clock, zone, offsetMs, sizeMs, slideMs: stepMs },
        { kind: 'hopping', sizeMs, slideMs: stepMs, ...told },
      ];
    case 2:
      return [
        { kind: 'cumulating', clock, zone, offsetMs, sizeMs, stepMs },
        { kind: 'cumulating', sizeMs, stepMs, ...told },
      ];
    case 3: {
      const unit = below(random, 2) === 0 ? 'day' : 'week';
      const count = 1 + below(random, 3);
      const length = count * (unit === 'day' ? DAY : 7 * DAY);
      return [
        { kind: 'tumbling', clock, zone, offsetMs, sizeMs: length, calendar: { unit, count } },
        { ...told, kind: 'tumbling', sizeMs: length, offsetMs: offsetMs + (unit === 'week' ? MONDAY : 0) },
      ];
    }
    default: {
      const [unit, each] = (
        [
          ['month', 1],
          ['quarter', 3],
          ['year', 12],
        ] as const
      )[below(random, 3)]!; // one of three
      const count = 1 + below(random, 7);
      return [
        { kind: 'tumbling', clock, zone, offsetMs, sizeMs: 30 * each * count * DAY, calendar: { unit, count } },
        { kind: 'months', months: each * count, ...told },
      ];
    }
  }
}

const assignerOf = (window: Aligned, name: string | undefined) =>
  wallClockAssigner(window, () => (name === undefined ? UTC : TimeZone.of(name)), { readsRows: false });

test('an instant has the windows whose borders clocks have and have not reached, in every zone and unit', () => {
  const random = seededRandom(11);
  for (let round = 0; round < 2000; round++) {
    const [name, change] = PLACES[below(random, PLACES.length)]!; // below its length
    const [window, oracle] = choiceOf(random, name);
    const time = Date.parse(change) + (below(random, 8 * 60) - 4 * 60) * MINUTE + below(random, 2);
    const row: Row = {};
    const windows = assignerOf(window, name).assign({ time, row });
    const sorted = [...windows].sort((a, b) => a.end - b.end || a.start - b.start);
    expect(sorted, `round ${round}: ${JSON.stringify(window)} at ${time}`).toEqual(windowsOf(oracle, time));
  }
});

function rowsAround(random: Random, change: string): readonly WindowRow[] {
  let watermark = NO_WATERMARK;
  let clock = Date.parse(change) - 3 * HOUR;
  return Array.from({ length: 60 }, () => {
    clock += below(random, 12) * MINUTE;
    const time = clock - below(random, 3) * 40 * MINUTE;
    const row = { key: 'ab'[below(random, 2)] ?? '', value: below(random, 9), time, watermark, gapMs: 1 };
    if (below(random, 3) === 0) watermark = Math.max(watermark, clock - 30 * MINUTE);
    return row;
  });
}

test('a window gives the same results whether kernels run it or not, also where clocks change', async () => {
  const kernels = await newKernels();
  let zoned = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed);
    const [name, change] = PLACES[below(random, PLACES.length)]!; // below its length
    const [window] = choiceOf(random, name);
    const rows = rowsAround(random, change);
    const node = windowNode({ window, allowedLatenessMs: below(random, 2) * HOUR });
    const [kernel, general] = (['kernel', 'general'] as const).map((as) =>
      runWindow(kernels, node, rows, { batchRows: 1, as }),
    );
    const told = `seed ${seed}: ${JSON.stringify(window)} around ${change}`;
    expect(
      general?.steps.map((step) => [...step].sort()),
      told,
    ).toEqual(kernel?.steps.map((step) => [...step].sort()));
    expect(general?.late, told).toEqual(kernel?.late);
    if (name !== undefined) zoned++;
  }
  expect(zoned).toBeGreaterThan(40);
});

test('a day of a zone is that of the zone under a trigger too', async () => {
  const kernels = await newKernels();
  const day: Aligned = {
    kind: 'tumbling',
    clock: 'event time',
    zone: { kind: 'fixed', name: 'America/Los_Angeles' },
    calendar: { unit: 'day', count: 1 },
    sizeMs: DAY,
    offsetMs: 0,
  };
  const rows = ['2021-03-14T07:59Z', '2021-03-14T08:00Z', '2021-03-15T06:59Z', '2021-03-15T07:00Z'].map((text) => ({
    key: 'a',
    value: 1,
    time: Date.parse(text),
    watermark: NO_WATERMARK,
    gapMs: 1,
  }));
  const { results } = runWindow(
    kernels,
    windowNode({ window: day, trigger: { kind: 'end', clock: 'event time' } }),
    rows,
    {
      batchRows: 4,
    },
  );
  const text = (instant: string): string => String(Date.parse(instant));
  expect(results).toEqual([
    `+I a [${text('2021-03-13T08:00Z')}, ${text('2021-03-14T08:00Z')}) 1 1`,
    `+I a [${text('2021-03-14T08:00Z')}, ${text('2021-03-15T07:00Z')}) 2 2`,
    `+I a [${text('2021-03-15T07:00Z')}, ${text('2021-03-16T07:00Z')}) 1 1`,
  ]);
});
