/**
 * Where in the user's code a call into the API stands, so that mistakes found while a job is built name their line.
 *
 * The stack is text whose form depends on the engine: "at name (file:line:column)" in V8, "name@file:line:column" in
 * SpiderMonkey and JavaScriptCore. The first frame is this file, which tells where the package's own frames lie. In a
 * bundle everything is one file; then no location is better than a wrong one.
 */
import { MillraceError } from '../base/errors.ts';

export interface CallSite {
  readonly file: string;
  readonly line: number;
}

const FRAME = /^(?:\s*at (?:.*\()?|[^@]*@)(.+?):(\d+):\d+\)?\s*$/;
const OWN_FILE = /([/\\])src[/\\]api[/\\]call-site\.[cm]?[jt]s$/;
/** The folders of the package that users call into; beside them may lie tests and examples, which are users. */
const ROOMS = ['src', 'node', 'web'] as const;

/** The first frame of a stack (as Error().stack gives it from this file) that lies outside the package. */
export function callSiteOf(stack: string): CallSite | undefined {
  const frames = stack.split('\n').flatMap((text) => parseFrame(text) ?? []);
  const own = frames[0]?.file;
  const match = own === undefined ? null : OWN_FILE.exec(own);
  if (own === undefined || match === null) return undefined;
  const separator = match[1] ?? '/';
  // Source maps may name one frame by its source and the next by what was compiled from it.
  const compiled = `${separator}dist`;
  const found = own.slice(0, match.index);
  const home = found.endsWith(compiled) ? found.slice(0, -compiled.length) : found;
  const rooms = [home, home + compiled].flatMap((base) =>
    ROOMS.map((room) => `${base}${separator}${room}${separator}`),
  );
  return frames.find(({ file }) => !rooms.some((room) => file.startsWith(room)));
}

function parseFrame(text: string): CallSite | undefined {
  const match = FRAME.exec(text);
  const [file, line] = [match?.[1], match?.[2]];
  if (file === undefined || line === undefined || /^(?:async )?node:/.test(file)) return undefined;
  return {
    file: file
      .replace(/^async /, '')
      .replace(/^file:\/\//, '')
      .replace(/\?.*$/, ''),
    line: Number(line),
  };
}

/** Runs `build`; a mistake found in it that has no location yet gets the line of the user's call. */
export function located<T>(build: () => T): T {
  try {
    return build();
  } catch (error) {
    if (error instanceof MillraceError && error.location.file === undefined) {
      // The error's own stack begins where it was thrown; a fresh one begins here, which is what tells the package's
      // frames.
      const site = callSiteOf((new Error('call site').stack ?? '').replace(/^Error: call site\n/, ''));
      if (site !== undefined) error.location = { ...error.location, ...site };
    }
    throw error;
  }
}
