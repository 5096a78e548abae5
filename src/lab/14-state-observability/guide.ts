/** Row 14 for the person who has it. */
import type { Guide } from '../scenario.ts';

export const guide: Guide = {
  symptom:
    'After weeks the job dies: state needs more memory than its budget. Started again it dies again, within minutes, and '
    + 'nobody saw it come.',
  cause:
    'One key in a hundred is never cleared: a session that is not closed, a checkout that nobody finishes. Its state is small '
    + 'beside that of the windows, which come and go, so that the sum hides it until it is too late.',
  setting:
    "run(job, { stateAlert: '15 minutes', onAlert: ({ message }) => page(message) }): the forecast is on by default, and "
    + 'the alert names the state that grows fastest and its heaviest keys; job.heaviestKeys(state) lists more at any time.',
  watch:
    'stateFullIn of the job, and stateGrowth of each state: one that grows day and night has keys that nothing clears. '
    + 'millrace inspect shows keys and bytes of each state of a job that is not running.',
};
