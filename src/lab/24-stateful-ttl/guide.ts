/** Row 24 for the person who has it. */
import type { Guide } from '../scenario.ts';

export const guide: Guide = {
  symptom:
    'State grows by the same amount every day although visitors are only remembered for a minute. Or it stays small, but '
    + 'yesterday run again gives other answers than yesterday did.',
  cause:
    'Nothing takes away what is never asked for again: every new key stays. And where a time to live counts on the clock '
    + 'of the machine, a replay a hundred times as fast finds entries that had expired in the first run.',
  setting:
    "state: { seen: value(timestamp(), { ttl: '60 s' }) }: an entry goes when the watermark has passed the event time of "
    + "its last write by so much, however fast the tape runs. clock: 'processing time' has to be asked for by name.",
  watch:
    'stateEntries of the state: at most a little more than new keys per second times ttl. This scenario has 100 new keys '
    + 'a second; entries grow with rate times ttl, so 10,000 a second are 600,000 entries.',
};
