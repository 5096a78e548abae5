/** Time-zone data that changes between a checkpoint and its restore: told where windows are open, and only there. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { eventTimeMs, MAX_TIME, MIN_TIME } from '../../../../src/base/time.ts';
import { TimeZone } from '../../../../src/base/time-zone.ts';
import {
  collect,
  collection,
  column,
  count,
  eventTime,
  from,
  type Job,
  monotonous,
  schema,
  timestamp,
  tumbling,
  UserError,
  utf8,
} from '../../../../src/index.ts';
import { clocksOf, requireClocks, zonesIn } from '../../../../src/runtime/windows/zone-clocks.ts';
import { play, tape } from '../../../../src/testing/index.ts';

const JUNE = eventTimeMs(Date.parse('2021-06-15T12:00Z'));
const HOUR = 3_600_000;

const { changes } = TimeZone.prototype;

/** From here on the machine has other data: in Berlin clocks go back an hour later in the autumn of 2021. */
function changeBerlin(): void {
  vi.spyOn(TimeZone.prototype, 'changes').mockImplementation(function (this: TimeZone, start, end) {
    return changes.call(this, start, end).map(([at, before, after]) => {
      const isLater = this.name === 'Europe/Berlin' && at === Date.parse('2021-10-31T01:00Z');
      return [isLater ? at + HOUR : at, before, after] as const;
    });
  });
}
afterEach(() => {
  vi.restoreAllMocks();
});

describe('the clocks of a zone in a snapshot', () => {
  const problem = (saved: Parameters<typeof requireClocks>[1], rows: number): string => {
    try {
      requireClocks('days', saved, rows);
      return 'no problem';
    } catch (error) {
      return error instanceof UserError ? error.format() : String(error);
    }
  };

  it('are those around the watermark, of each zone; none before there is one and when all is over', () => {
    const saved = clocksOf(['Europe/Berlin', 'Asia/Kolkata'], JUNE);
    expect(zonesIn(saved)).toEqual(['Asia/Kolkata', 'Europe/Berlin']);
    expect(JSON.parse(JSON.stringify(saved))).toMatchObject({
      zones: { 'Asia/Kolkata': [[JUNE - 400 * 24 * HOUR, 5.5 * HOUR]] },
    });
    for (const watermark of [MIN_TIME, MAX_TIME]) expect(clocksOf(['Europe/Berlin'], watermark)).toBe(null);
    expect(clocksOf([], JUNE)).toBe(null);
  });

  it('must be the same where windows are open', () => {
    const saved = JSON.parse(JSON.stringify(clocksOf(['Europe/Berlin', 'Asia/Kolkata'], JUNE)));
    expect(problem(saved, 3)).toBe('no problem');
    changeBerlin();
    expect(problem(saved, 0)).toBe('no problem');
    expect(problem(saved, 3)).toBe(
      "error[E1414] the clocks of Europe/Berlin are not those that the open windows of 'days' (3 rows) were made by: a change to "
        + '60 minutes from UTC at 2021-10-31T01:00:00.000Z in the checkpoint, '
        + '60 minutes from UTC at 2021-10-31T02:00:00.000Z here\n'
        + '  The time-zone data here is of another version. Go on with the version of Node or of the browser that wrote the '
        + 'checkpoint until these windows have fired, or start anew with another state folder.',
    );
    expect(problem(clocksOf(['Asia/Kolkata'], JUNE), 3)).toBe('no problem');
    expect(problem(null, 3)).toBe('no problem');
  });
});

describe('a job that starts again on other time-zone data', () => {
  const Order = schema({ at: timestamp(), homeZone: utf8(), what: utf8() });
  const orders = () =>
    from(collection(Order, []), { uid: 'orders' })
      .watermark('at', monotonous())
      .filter(({ what }) => {
        if (what === 'the data changes') changeBerlin();
        return true;
      });
  const fixed = (): Job =>
    orders()
      .window(tumbling('1 day', { zone: 'Europe/Berlin' }))
      .aggregate({ n: count() }, { uid: 'days' })
      .to(collect());
  const byRow = (): Job =>
    orders()
      .window(tumbling('1 day', { zone: column('homeZone') }))
      .aggregate({ n: count() }, { uid: 'days' })
      .to(collect());
  const order = (at: number, hours: number, what: string, homeZone = 'Europe/Berlin') => ({
    at,
    row: { at: eventTime(new Date(JUNE + hours * HOUR)), homeZone, what },
  });

  it.each([
    ['a zone for all rows', fixed],
    ['a zone that rows name', byRow],
  ])('is refused while windows by %s are open', async (_name, job) => {
    const orders = tape(Order, [
      order(0, 0, 'open'),
      order(10, 1, 'open'),
      order(450, 2, 'the data changes'),
      order(900, 3, 'never read', 'Asia/Kolkata'),
    ]);
    const again = play(job(), { tapes: { orders }, restartsAtMs: [470], settings: { checkpointEveryMs: 100 } });
    await expect(again).rejects.toThrow("the clocks of Europe/Berlin are not those that the open windows of 'days'");
  });

  it('goes on where the windows of the zone are over, and in another zone', async () => {
    const given = [
      order(0, 0, 'open', 'Asia/Kolkata'),
      order(450, 2, 'the data changes', 'Asia/Kolkata'),
      order(900, 3, 'read', 'Asia/Kolkata'),
    ];
    const { failure } = await play(byRow(), {
      tapes: { orders: tape(Order, given) },
      restartsAtMs: [470],
      settings: { checkpointEveryMs: 100 },
    });
    expect(failure).toBeUndefined();
  });
});
