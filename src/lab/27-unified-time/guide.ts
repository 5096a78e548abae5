/** Row 27 for the person who has it. */
import type { Guide } from '../scenario.ts';

export const guide: Guide = {
  symptom:
    'Daily totals never agree with what people saw on their day: a Californian evening is in the next day, the Indian day '
    + 'begins at half past five in the morning. And twice a year an hour of sales moves to another day.',
  cause:
    'Days were cut in UTC. A day is a matter of place: it begins at midnight of some clock, and where clocks change it has '
    + '23 hours once a year and 25 once.',
  setting:
    "tumbling('1 day', { zone: 'America/Los_Angeles' }): windows from midnight to midnight by the clocks of that zone. "
    + "Weeks, months, quarters and years likewise; other sizes lie side by side on the zone's clock.",
  watch:
    'windowStart and windowEnd of the results, which are instants: a day of 23 or 25 hours can be seen in them. The sum '
    + 'over all days is the sum over all rows, whatever the zone.',
};
