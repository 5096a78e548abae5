/** The files of the project as the tidy rules see them: path from the root, text, syntax tree. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import ts from 'typescript';

export interface ProjectFile {
  /** From the root, with '/'. */
  readonly path: string;
  readonly text: string;
}

export interface Finding {
  readonly rule: string;
  readonly path: string;
  /** Counted from 1; 0 when the finding is about the whole file. */
  readonly line: number;
  readonly message: string;
}

const TOP = ['assembly', 'src', 'node', 'web', 'test', 'benches', '.ci'];
const LEFT_OUT = new Set(['node_modules', 'dist', 'out', '.git', '.millrace']);
const TEXT = /(\.(ts|tsx|mjs|js|json|md|html|css|patch|sql|sh)|\.ci\/run)$/;
const CODE = /\.(ts|tsx|mjs)$/;

export const isCode = (path: string): boolean => CODE.test(path);
export const isTest = (path: string): boolean => path.endsWith('.test.ts');
export const inFolder = (path: string, ...folders: readonly string[]): boolean =>
  folders.some((folder) => path.startsWith(`${folder}/`));

/** Every text file of the project: the rooms, and the loose files of the root. */
export function readProject(root: string): ProjectFile[] {
  const paths = readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
  for (const folder of TOP) walk(root, folder, paths);
  return paths
    .filter((path) => TEXT.test(path) && path !== 'package-lock.json')
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

function walk(root: string, folder: string, into: string[]): void {
  for (const entry of entriesOf(join(root, folder))) {
    if (LEFT_OUT.has(entry.name)) continue;
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) walk(root, path, into);
    else if (entry.isFile()) into.push(path);
  }
}

function entriesOf(folder: string): { name: string; isDirectory(): boolean; isFile(): boolean }[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

const trees = new WeakMap<ProjectFile, ts.SourceFile>();

export function treeOf(file: ProjectFile): ts.SourceFile {
  let tree = trees.get(file);
  if (tree === undefined) {
    const kind = file.path.endsWith('.mjs') ? ts.ScriptKind.JS : ts.ScriptKind.TS;
    tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.ESNext, true, kind);
    trees.set(file, tree);
  }
  return tree;
}

export function lineOf(node: ts.Node): number {
  const tree = node.getSourceFile();
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

export function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  node.forEachChild((child) => visit(child, see));
}

export interface Import {
  /** As written. */
  readonly specifier: string;
  /** Path from the root when it is a file of the project, otherwise undefined (a package). */
  readonly target: string | undefined;
  readonly typesOnly: boolean;
  readonly line: number;
}

/** Imports, re-exports, dynamic imports, and `new URL('./x', import.meta.url)`, which is how workers are named. */
export function importsOf(file: ProjectFile, paths: ReadonlySet<string>, doors: ReadonlyMap<string, string>): Import[] {
  const found: Import[] = [];
  visit(treeOf(file), (node) => {
    const [specifier, typesOnly] = specifierOf(node);
    if (specifier === undefined) return;
    const target = doors.get(specifier) ?? resolve(file.path, specifier, paths);
    if (target === undefined && ts.isNewExpression(node)) return;
    found.push({ specifier, target, typesOnly, line: lineOf(node) });
  });
  return found;
}

function specifierOf(node: ts.Node): [string | undefined, boolean] {
  if (ts.isImportDeclaration(node)) return [literal(node.moduleSpecifier), isTypeImport(node)];
  if (ts.isExportDeclaration(node)) return [literal(node.moduleSpecifier), node.isTypeOnly];
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return [literal(node.argument.literal), true];
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    return [literal(node.arguments[0]), false];
  }
  if (
    ts.isNewExpression(node)
    && node.expression.getText() === 'URL'
    && node.arguments?.[1]?.getText() === 'import.meta.url'
  ) {
    return [literal(node.arguments[0]), false];
  }
  return [undefined, false];
}

function isTypeImport(node: ts.ImportDeclaration): boolean {
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  return (
    clause.name === undefined
    && named !== undefined
    && ts.isNamedImports(named)
    && named.elements.length > 0
    && named.elements.every((element) => element.isTypeOnly)
  );
}

const literal = (node: ts.Node | undefined): string | undefined =>
  node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;

/** Kernels are written without extensions, everything else with '.ts'; a path that is no file stays unresolved. */
function resolve(from: string, specifier: string, paths: ReadonlySet<string>): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const path = posix.join(posix.dirname(from), specifier);
  return [path, `${path}.ts`, `${path}.d.ts`, path.replace(/\.js$/, '.ts')].find((candidate) => paths.has(candidate));
}
