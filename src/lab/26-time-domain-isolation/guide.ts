/** Row 26 for the person who has it. */
import type { Guide } from '../scenario.ts';

export const guide: Guide = {
  symptom:
    'A job that was right all week gives other figures when the same week is run again: totals land in other windows, and '
    + 'alarms that rang are silent.',
  cause:
    'Somewhere the clock of the machine got in: a window or a timer by processing time, or a function that compares the '
    + 'time of an event with now. What it answers depends on how fast the rows come.',
  setting:
    ".window(tumbling('1 s')) and timers.eventTime(row.at.plus('5 s'), 'due') count on the events' own clock; context."
    + 'watermark says how far it has come. The clock of the machine is context.now, and only there: row.at > context.now, '
    + 'row.at.since(context.now) or a timer of the other clock do not compile, and throw in JavaScript.',
  watch:
    'Play a tape at speed 1 and 100 in a test (play of millrace/testing): results are equal to the byte. What does count on '
    + 'the clock of the machine is idleAfter of a watermark: it decides when a silent split is waited for no more.',
};
