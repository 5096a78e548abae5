/** What the CLI prints, and where: results to stdout, everything else to stderr; colour only on a terminal. */
import { MillraceError } from '../../src/base/errors.ts';

export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const coloured = (code: number, text: string): string => (process.stderr.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text);
export const bold = (text: string): string => coloured(1, text);
export const dim = (text: string): string => coloured(2, text);
export const red = (text: string): string => coloured(31, text);

/** Exit codes: 0 done, 1 the job failed, 2 the job or its options are wrong, 130 stopped by Ctrl-C and resumable. */
export const EXIT = { done: 0, failed: 1, usage: 2, suspended: 130 } as const;

/** Prints an error as a person reads it and answers with the exit code. */
export function report(error: unknown): number {
  if (error instanceof MillraceError) {
    say(red(error.format()));
    return error.name === 'UserError' ? EXIT.usage : EXIT.failed;
  }
  say(red(error instanceof Error ? (error.stack ?? error.message) : String(error)));
  return EXIT.failed;
}
