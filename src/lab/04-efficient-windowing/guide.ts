/** Row 4 for the person who has it. */
import type { Guide } from '../scenario.ts';

export const guide: Guide = {
  symptom:
    'A sliding window over a day that moves by the minute runs out of memory, or its checkpoints take longer than their '
    + 'interval, although there are few keys and the results are one small row each.',
  cause:
    'A function over all rows of a window needs the rows: each is kept once for each window that it belongs to, and a '
    + 'day by the minute is 1,440 of them. State is rows times windows, and each firing reads a whole day again. The '
    + 'scenario has 100 minutes by the minute and few keys, so that it can be seen in seconds.',
  setting:
    ".window(hopping('24 hours', '1 minute')).aggregate({ events: count(), total: sum('amount') }) in place of "
    + '.process({ rows, out }): each row is added to the accumulators of its minute, and a window is what its minutes come '
    + 'to. Nothing else changes, late rows and corrections included.',
  watch:
    'stateBytes and stateEntries of the window: at most keys x live slices, flat from the second window on. `explain` says '
    + "when a window keeps rows ('a function sees all its rows').",
};
