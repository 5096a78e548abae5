/**
 * The house rules over a set of files. Rules live in graph-rules.ts, code-rules.ts and text-rules.ts; here they are
 * gathered, and exceptions are taken off.
 *
 * Invariants
 *  1. The answer depends on the files handed in alone, so the checker can be tested on files that do not exist.
 *  2. An exception that excuses nothing is itself a finding: the list only shrinks.
 */
import { codeFindings } from './code-rules.ts';
import {
  cycleFindings,
  deadFindings,
  extensionFindings,
  floorFindings,
  graphOf,
  unmirroredFindings,
} from './graph-rules.ts';
import { type Finding, isCode, type ProjectFile } from './project.ts';
import { textFindings } from './text-rules.ts';

export interface Exception {
  readonly rule: string;
  /** A file, or a folder with '/' at its end. */
  readonly path: string;
  readonly reason: string;
}

export function check(files: readonly ProjectFile[], exceptions: readonly Exception[] = []): Finding[] {
  const paths = new Set(files.map((file) => file.path));
  const doors = doorsOf(files);
  const graph = graphOf(files, doors.names);
  const all = [
    ...floorFindings(graph),
    ...extensionFindings(graph),
    ...cycleFindings(graph),
    ...deadFindings(graph, doors.files),
    ...unmirroredFindings(graph),
    ...files.flatMap((file) => [...(isCode(file.path) ? codeFindings(file) : []), ...textFindings(file, paths)]),
  ];
  const excuses = (exception: Exception, finding: Finding): boolean =>
    exception.rule === finding.rule
    && (exception.path.endsWith('/') ? finding.path.startsWith(exception.path) : finding.path === exception.path);
  const idle = exceptions.filter((exception) => !all.some((finding) => excuses(exception, finding)));
  return [
    ...all.filter((finding) => !exceptions.some((exception) => excuses(exception, finding))),
    ...idle.map(({ rule, path }) => ({
      rule: 'exception',
      path,
      line: 0,
      message: `needs no exception from '${rule}' any more`,
    })),
  ];
}

/** The doors of package.json: the names under which the package imports itself, and the sources behind exports and bin. */
function doorsOf(files: readonly ProjectFile[]): { names: ReadonlyMap<string, string>; files: readonly string[] } {
  const text = files.find((file) => file.path === 'package.json')?.text;
  const found = { names: new Map<string, string>(), files: [] as string[] };
  if (text === undefined) return found;
  // package.json of this project, whose shape npm has checked.
  const manifest = JSON.parse(text) as {
    name?: string;
    exports?: Record<string, { default?: string }>;
    bin?: Record<string, string>;
  };
  for (const [door, target] of Object.entries(manifest.exports ?? {})) {
    const source = sourceOf(target.default ?? '');
    found.names.set(`${manifest.name ?? ''}${door.slice(1)}`, source);
    found.files.push(source);
  }
  found.files.push(...Object.values(manifest.bin ?? {}).map(sourceOf));
  return found;
}

const sourceOf = (built: string): string => built.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts');

export const formatFindings = (findings: readonly Finding[]): string =>
  findings
    .map(({ rule, path, line, message }) => `${path}${line === 0 ? '' : `:${line}`}  ${rule}: ${message}`)
    .join('\n');
