/**
 * The API reference: every name behind the package's doors, with its declaration and its docstring, as one page.
 * Written to dist/docs/reference.md by `npm run docs`; what it reads is what the compiler made (dist/**\/*.d.ts).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Each door's name and the declarations behind it: [['millrace', '/…/dist/src/index.d.ts'], …] */
export function doorsOf(folder = root) {
  const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return Object.entries(exports).map(([door, { types }]) => [
    door === '.' ? 'millrace' : `millrace${door.slice(1)}`,
    join(folder, types),
  ]);
}

/**
 * What each door exports, sorted by name.
 * @returns {{ door: string, names: { name: string, doc: string, declaration: string }[] }[]}
 */
export function exportsOf(doors = doorsOf()) {
  const program = ts.createProgram(
    doors.map(([, file]) => file),
    { moduleResolution: ts.ModuleResolutionKind.Bundler, module: ts.ModuleKind.ESNext, types: [] },
  );
  const checker = program.getTypeChecker();
  return doors.map(([door, file]) => {
    const source = program.getSourceFile(file);
    const symbol = source === undefined ? undefined : checker.getSymbolAtLocation(source);
    if (symbol === undefined) throw new Error(`${file} is not there: npm run build makes it`);
    const names = checker.getExportsOfModule(symbol).map((each) => described(checker, each));
    return { door, names: names.sort((a, b) => (a.name < b.name ? -1 : 1)) };
  });
}

function described(checker, exported) {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const declarations = symbol.declarations ?? [];
  return {
    name: exported.name,
    doc: ts.displayPartsToString(symbol.getDocumentationComment(checker)),
    declaration: declarations.map(textOf).join('\n'),
  };
}

/** A declaration without its own docstring; those of its members stay. */
function textOf(declaration) {
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return node
    .getText()
    .replace(/^export (declare )?/, '')
    .replace(/^declare /, '');
}

export function referencePage(doors = exportsOf()) {
  const parts = doors.map(({ door, names }) => {
    const list = names.map(
      ({ name, doc, declaration }) => `### ${name}\n\n${doc}\n\n\`\`\`ts\n${declaration}\n\`\`\`\n`,
    );
    return `## ${door}\n\n${list.join('\n')}`;
  });
  return `# Reference\n\nEvery name that a program may import, by door.\n\n${parts.join('\n')}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const path = join(root, 'dist/docs/reference.md');
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, referencePage());
  process.stdout.write(`${path}\n`);
}
