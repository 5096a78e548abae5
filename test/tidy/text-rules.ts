/** Rules about any text file: words that must not stay, paths of one machine, names of files, where headers point, Markdown. */
import { posix } from 'node:path';
import type { Finding, ProjectFile } from './project.ts';

/** Written in parts, so that this file passes its own rule. */
const LATER = new RegExp(`\\b(${['FIX', 'TO', 'XX'].map((start, i) => start + ['ME', 'DO', 'X'][i]).join('|')})\\b`);
const MACHINE_PATH = new RegExp(`(^|[\\s'"\`(=:])/(${['work', 'home', 'root', 'Users', 'mnt'].join('|')})/\\w`);
const VAGUE = /(^|\/)(utils?|helpers?|common|misc)(\.[a-z.]+$|\/)/;
const KEBAB = /^[a-z0-9.]+(-[a-z0-9.]+)*$/;
const FREE_NAMES = new Set(['README.md', 'LICENSE', 'NOTICE']);

export function textFindings(file: ProjectFile, paths: ReadonlySet<string>): Finding[] {
  const findings: Finding[] = [];
  const at = (line: number, rule: string, message: string): void => {
    findings.push({ rule, path: file.path, line, message });
  };
  file.text.split('\n').forEach((text, i) => {
    if (LATER.test(text)) at(i + 1, 'later', 'do it, or leave the sentence out');
    if (MACHINE_PATH.test(text)) at(i + 1, 'machine path', 'no absolute paths of one machine');
    if (/^(<<<<<<<|>>>>>>>) /.test(text)) at(i + 1, 'merge', 'an unfinished merge');
  });
  if (VAGUE.test(file.path)) at(0, 'vague name', 'name the file by the noun that it owns');
  const name = posix.basename(file.path);
  if (!KEBAB.test(name) && !FREE_NAMES.has(name) && /\.(ts|mjs|md)$/.test(name))
    at(0, 'name', 'file names are kebab-case');
  for (const named of namedInHeader(file)) if (!isNamed(named, paths)) at(1, 'header', `${named} is not there`);
  if (file.path.endsWith('.md')) markdown(file, paths, at);
  return findings;
}

/** Files that the comment at the start of a file of code sends its reader to. */
const namedInHeader = ({ text }: ProjectFile): readonly string[] =>
  /^\/\*\*.*?\*\//s.exec(text)?.[0].match(/(?<![\w*./-])(?:\.{1,2}\/)*\w[\w./-]*\.(?:ts|mjs)\b/g) ?? [];

/** Headers name a file as the reader needs it: by its name alone, or by the end of its path. */
const isNamed = (named: string, paths: ReadonlySet<string>): boolean =>
  paths.has(named) || [...paths].some((path) => path.endsWith(`/${named.replace(/^\.*\//, '')}`));

function markdown(
  file: ProjectFile,
  paths: ReadonlySet<string>,
  at: (line: number, rule: string, message: string) => void,
): void {
  let titles = 0;
  let fenced = false;
  file.text.split('\n').forEach((text, i) => {
    if (text.startsWith('```')) fenced = !fenced;
    if (fenced) return;
    if (text.startsWith('# ')) titles++;
    for (const [, link] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (link !== undefined && !/^[a-z]+:/.test(link) && !isThere(file.path, link, paths))
        at(i + 1, 'link', `${link} is not there`);
    }
  });
  if (titles !== 1) at(0, 'title', `${titles} lines start with '# '; a page has one title`);
}

function isThere(from: string, link: string, paths: ReadonlySet<string>): boolean {
  const path = posix.join(posix.dirname(from), link).replace(/\/$/, '');
  return paths.has(path) || [...paths].some((other) => other.startsWith(`${path}/`));
}
