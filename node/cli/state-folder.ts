/** The folder that a command is to look at. */
import { stat } from 'node:fs/promises';
import { UserError } from '../../src/base/errors.ts';

/** E1401 when it is not there. */
export async function requireFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  const hint = 'Jobs run by the CLI keep their state in .millrace/<job name>.';
  throw new UserError('E1401', { path: folder, problem: 'there is no such folder' }, { hint });
}
