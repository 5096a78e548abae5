/** What the CLI prints, and where: results to stdout, everything else to stderr; colour only on a terminal. */
import { readFileSync } from 'node:fs';
import { MillraceError } from '../../src/base/errors.ts';

export const say = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

const coloured = (code: number, text: string): string =>
  process.stderr.isTTY ? `\u001b[${code}m${text}\u001b[0m` : text;
export const bold = (text: string): string => coloured(1, text);
export const dim = (text: string): string => coloured(2, text);
export const red = (text: string): string => coloured(31, text);

/** Exit codes: 0 done, 1 the job failed, 2 the job or its options are wrong, 130 stopped by Ctrl-C and resumable. */
export const EXIT = { done: 0, failed: 1, usage: 2, suspended: 130 } as const;

/** Adds the line of code that an error is about, where it can be read. */
function showSource(error: MillraceError): void {
  const { file, line, source } = error.location;
  if (file === undefined || line === undefined || source !== undefined) return;
  try {
    const text = readFileSync(file, 'utf8').split('\n')[line - 1];
    if (text !== undefined) error.location = { ...error.location, source: text };
  } catch {
    // The place alone says enough.
  }
}

/** Prints an error as a person reads it and answers with the exit code. */
export function report(error: unknown): number {
  if (error instanceof MillraceError) {
    showSource(error);
    say(red(error.format()));
    return error.name === 'UserError' ? EXIT.usage : EXIT.failed;
  }
  say(red(error instanceof Error ? (error.stack ?? error.message) : String(error)));
  return EXIT.failed;
}
