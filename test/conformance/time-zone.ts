/** Kind `timeZone`: local time and back, and when a window that ends at a local time is over. */
import { TimeZone } from '../../src/base/time-zone.ts';
import { type Driver, type JsonObject, objectOf, type Step, Unsupported } from './case.ts';
import { timeOf } from './compare.ts';

const zoneOf = (of: JsonObject): TimeZone => TimeZone.of(String(of['timeZone']));

function answer(step: Step): number {
  const { toLocal, toEpoch, timerTime } = step;
  if (toLocal !== undefined) {
    const asked = objectOf(toLocal, 'toLocal');
    return zoneOf(asked).toLocal(timeOf(asked['epochMs']));
  }
  if (toEpoch !== undefined) {
    const asked = objectOf(toEpoch, 'toEpoch');
    return zoneOf(asked).toEpoch(timeOf(asked['localMs']));
  }
  if (timerTime === undefined) throw new Unsupported(`a step ${Object.keys(step).join(', ')}`);
  const asked = objectOf(timerTime, 'timerTime');
  return zoneOf(asked).timerTime(timeOf(asked['localMs']));
}

export const timeZone: Driver = async ({ steps }) => {
  for (const [index, step] of steps.entries()) {
    const got = answer(step);
    if (got !== timeOf(step['expect'])) return { result: 'fail', step: index, expected: step['expect'], got };
  }
  return { result: 'pass' };
};
