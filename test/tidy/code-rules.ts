/**
 * Rules about one file of code: banned globals, casts, `any`, exports, sizes, headers, skipped tests. They look at the
 * syntax tree, so that a word inside a text or a comment is never mistaken for code.
 */
import ts from 'typescript';
import { type Finding, inFolder, isCode, isTest, lineOf, type ProjectFile, treeOf, visit } from './project.ts';

const FILE_LINES_MAX = 700;
const FILE_LINES_AIM = 400;
const FUNCTION_LINES_MAX = 70;

/** Generated tables, which nobody reads from top to bottom. */
const LONG_TABLES: readonly string[] = [];

/** Globals that src must not touch, and what to use instead. */
const BANNED_GLOBALS = new Map([
  ['setTimeout', 'clock.sleep()'],
  ['setInterval', 'clock.sleep()'],
  ['setImmediate', 'clock.yield()'],
  ['queueMicrotask', 'clock.yield()'],
  ['performance', 'clock.monotonicMs()'],
  ['console', 'a port of the host'],
  ['process', 'a port of the host'],
  ['globalThis', 'a port of the host'],
  ['crypto', 'the Random port'],
  ['SharedArrayBuffer', 'the transport port'],
  ['Atomics', 'the transport port'],
  ['fetch', 'a source of the host'],
  ['navigator', 'a port of the host'],
  ['window', 'a port of the host'],
  ['document', 'a port of the host'],
]);

/** Where bytes are parsed by kernels, so that JSON.parse on records would be a second, slower parser. */
const NO_JSON_PARSE = ['src/format', 'src/runtime', 'node/connectors', 'web/connectors'];
/** Files of those rooms that parse what is not a record: the reason stands beside each. */
const JSON_PARSE_ALLOWED: readonly string[] = [
  'src/format/row-view.ts', // the value of a json column, when a user's function reads it
  'src/format/sample-records.ts', // a few records, whose schema nobody knows yet
  'src/runtime/state/cells.ts', // the same, kept in state
  'src/runtime/windows/process-firing.ts', // what a window function keeps between firings
];

/** Files whose tool or format demands a default export. */
const DEFAULT_EXPORT =
  /(\.config\.ts|\.job\.ts)$|^(node\/demo|src\/lab|test\/types|test\/package\/fixture|test\/.*fixtures?)\//;

type Report = (node: ts.Node, rule: string, message: string) => void;

export function codeFindings(file: ProjectFile): Finding[] {
  if (!isCode(file.path)) return [];
  const findings: Finding[] = [];
  const report: Report = (node, rule, message) => findings.push({ rule, path: file.path, line: lineOf(node), message });
  const inSrc = inFolder(file.path, 'src');
  const bound = inSrc ? boundNames(treeOf(file)) : new Set<string>();
  const casts = inFolder(file.path, 'src', 'node', 'web');
  const kernels = inFolder(file.path, 'assembly') && file.path.endsWith('.ts') && !file.path.endsWith('.d.ts');
  visit(treeOf(file), (node) => {
    if (inSrc) platform(node, bound, report);
    if (casts) cast(node, file, report);
    if (kernels) kernel(node, report);
    jsonParse(node, file.path, report);
    exportsOf(node, file.path, report);
    if (node.kind === ts.SyntaxKind.AnyKeyword) report(node, 'any', 'name the type, or use unknown and narrow it');
    functionLength(node, report);
    skipped(node, report);
  });
  return [...findings, ...sizeFindings(file), ...headerFindings(file), ...ignoreFindings(file)];
}

function platform(node: ts.Node, bound: ReadonlySet<string>, report: Report): void {
  if (ts.isIdentifier(node) && isReference(node) && !bound.has(node.text)) {
    const instead = BANNED_GLOBALS.get(node.text);
    if (instead !== undefined) report(node, 'banned', `${node.text} is banned in src, use ${instead}`);
  }
  if (ts.isPropertyAccessExpression(node)) {
    const text = node.getText();
    if (text === 'Date.now') report(node, 'banned', 'Date.now is banned in src, use clock.now()');
    if (text === 'Math.random') report(node, 'banned', 'Math.random is banned in src, use the Random port');
  }
  const makesDate = (ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'Date';
  if (makesDate && (ts.isCallExpression(node) || (node.arguments?.length ?? 0) === 0)) {
    report(node, 'banned', 'the present time is banned in src, use clock.now()');
  }
}

/** Names that the file itself declares, which therefore are not the globals. */
function boundNames(tree: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  visit(tree, (node) => {
    const declares =
      ts.isVariableDeclaration(node)
      || ts.isParameter(node)
      || ts.isBindingElement(node)
      || ts.isFunctionDeclaration(node)
      || ts.isImportSpecifier(node);
    if (declares && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text);
  });
  return names;
}

/** Whether an identifier stands for a value, rather than naming a member, a type or a declaration. */
function isReference(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  if ('name' in parent && parent.name === node) return false;
  return (
    !ts.isTypeReferenceNode(parent)
    && !ts.isQualifiedName(parent)
    && !ts.isTypeQueryNode(parent)
    && !ts.isExpressionWithTypeArguments(parent)
    && !ts.isBindingElement(parent)
    && !ts.isImportSpecifier(parent)
  );
}

function cast(node: ts.Node, file: ProjectFile, report: Report): void {
  const unchecked = (ts.isAsExpression(node) && node.type.getText() !== 'const') || ts.isTypeAssertionExpression(node);
  if (unchecked && !hasReason(node, file))
    report(node, 'cast', 'narrow it, or say why the cast is right in a comment beside it');
}

/** A comment on the line of the node, on the line before it, or before the statement that holds it. */
function hasReason(node: ts.Node, file: ProjectFile): boolean {
  const tree = treeOf(file);
  const lines = file.text.split('\n');
  const isComment = (line: number): boolean => /(^\s*(\/\/|\/\*|\*)|\/\/ |\*\/\s*$)/.test(lines[line] ?? '');
  let statement = node;
  while (statement.parent !== undefined && !ts.isStatement(statement) && !ts.isClassElement(statement))
    statement = statement.parent;
  const last = tree.getLineAndCharacterOfPosition(node.getEnd()).line;
  const first = lineOf(node) - 1;
  return isComment(last) || isComment(first) || isComment(first - 1) || isComment(lineOf(statement) - 2);
}

function kernel(node: ts.Node, report: Report): void {
  if (ts.isNewExpression(node)) report(node, 'kernel', 'kernels allocate nothing: no new');
  if (ts.isDecorator(node)) report(node, 'kernel', 'no decorators in kernels; use inline.always() where measured');
  const mutable =
    ts.isVariableStatement(node)
    && ts.isSourceFile(node.parent)
    && (node.declarationList.flags & ts.NodeFlags.Const) === 0;
  if (mutable) report(node, 'kernel', 'no module-level variables in kernels: instances are reset by memoryInit');
}

function jsonParse(node: ts.Node, path: string, report: Report): void {
  if (!inFolder(path, ...NO_JSON_PARSE) || JSON_PARSE_ALLOWED.includes(path)) return;
  if (ts.isPropertyAccessExpression(node) && node.getText() === 'JSON.parse') {
    report(node, 'banned', 'JSON.parse is banned here: records are parsed by kernels');
  }
}

function exportsOf(node: ts.Node, path: string, report: Report): void {
  if (ts.isExportDeclaration(node) && (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause))) {
    report(node, 'exports', 'name what is exported instead of export *');
  }
  const isDefault =
    ts.isExportAssignment(node)
    || (ts.canHaveModifiers(node)
      && ts.getModifiers(node)?.some((modifier) => modifier.kind === ts.SyntaxKind.DefaultKeyword) === true)
    || (ts.isExportSpecifier(node) && node.name.text === 'default');
  if (isDefault && !DEFAULT_EXPORT.test(path))
    report(node, 'exports', 'no default exports: a thing has one name everywhere');
}

function functionLength(node: ts.Node, report: Report): void {
  if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
  const tree = node.getSourceFile();
  const lines = tree.getLineAndCharacterOfPosition(node.getEnd()).line + 2 - lineOf(node);
  if (lines <= FUNCTION_LINES_MAX || (inFolder(tree.fileName, 'test', 'benches') && isSuite(node))) return;
  report(node, 'function length', `${lines} lines; the wall is ${FUNCTION_LINES_MAX}`);
}

/** A function that holds tests is a list of them, not an algorithm. */
function isSuite(node: ts.Node): boolean {
  let found = false;
  visit(node, (inner) => {
    if (inner !== node && ts.isCallExpression(inner) && /^(it|test|describe)\b/.test(inner.expression.getText()))
      found = true;
  });
  return found;
}

function skipped(node: ts.Node, report: Report): void {
  if (!ts.isPropertyAccessExpression(node) || !/^(only|skip|todo|skipIf|runIf)$/.test(node.name.text)) return;
  if (/^(it|test|describe|suite|bench)(\.\w+)*$/.test(node.expression.getText())) {
    report(node, 'skipped', `${node.getText()}: every test runs, always`);
  }
}

function sizeFindings(file: ProjectFile): Finding[] {
  const lines = file.text.split('\n').length - 1;
  const one = (message: string): Finding[] => [{ rule: 'file length', path: file.path, line: 0, message }];
  if (LONG_TABLES.includes(file.path) || lines <= FILE_LINES_AIM) return [];
  if (lines > FILE_LINES_MAX) return one(`${lines} lines; the wall is ${FILE_LINES_MAX}`);
  if (isTest(file.path) || /\blong\b[^]*\bbecause\b/i.test(headerOf(file))) return [];
  return one(`${lines} lines; over ${FILE_LINES_AIM} the header says why ("Long because …")`);
}

const headerOf = (file: ProjectFile): string => /^(#!.*\n)?(\s*(\/\*[^]*?\*\/|\/\/.*\n))+/.exec(file.text)?.[0] ?? '';

/** Every file says first what it is. The names of tests are sentences, and say it themselves. */
function headerFindings(file: ProjectFile): Finding[] {
  if (isTest(file.path) || file.path.endsWith('.config.ts') || headerOf(file) !== '') return [];
  if (inFolder(file.path, 'test/types', 'test/package/fixture')) return [];
  return [
    {
      rule: 'header',
      path: file.path,
      line: 1,
      message: 'begin with a comment: what it is, its invariants, what is not here',
    },
  ];
}

/** Directives that switch the compiler off. Wrong programs in test/types exist to be refused. */
function ignoreFindings(file: ProjectFile): Finding[] {
  if (inFolder(file.path, 'test/types')) return [];
  return file.text
    .split('\n')
    .flatMap((text, i) =>
      /^\s*(\/\/|\/\*)\s*@ts-(ignore|expect-error|nocheck)/.test(text)
        ? [{ rule: 'ignored', path: file.path, line: i + 1, message: 'the compiler is never told to look away' }]
        : [],
    );
}
