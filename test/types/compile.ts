/**
 * Compiles the cases of this folder: one program in which every case is a file of its own, beginning with the prelude.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export interface Case {
  readonly title: string;
  /** Part of the first message that the compiler must give; undefined: it must give none. */
  readonly expected: string | undefined;
  readonly code: string;
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Cases of a file: '### title', then for a wrong one '=> part of the message', then code. */
export function casesIn(file: string): readonly Case[] {
  return readFileSync(here(file), 'utf8')
    .split(/^### /m)
    .slice(1)
    .map((text) => {
      const [title = '', ...lines] = text.split('\n');
      const expected = lines[0]?.startsWith('=> ') === true ? lines.shift()?.slice(3) : undefined;
      return { title, expected, code: lines.join('\n') };
    });
}

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2024,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2024.d.ts', 'lib.esnext.disposable.d.ts'],
  types: [],
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  verbatimModuleSyntax: true,
  allowImportingTsExtensions: true,
  paths: {
    millrace: [here('../../src/index.ts')],
    'millrace/node': [here('hosts.d.ts')],
    'millrace/testing': [here('../../src/testing/index.ts')],
    '#kernels': [here('../../assembly/kernels.d.ts')],
    '#kernels-core': [here('../../assembly/kernels.d.ts')],
  },
};

/** The messages of each case, in the order of the cases; each begins with `prelude`. */
export function messagesOf(
  cases: readonly Case[],
  prelude = readFileSync(here('prelude.txt'), 'utf8'),
): readonly (readonly string[])[] {
  const files = new Map(cases.map(({ code }, index) => [here(`case-${index}.ts`), `${prelude}${code}\nexport {};\n`]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => files.has(name) || fileExists.call(host, name);
  host.readFile = (name) => files.get(name) ?? readFile.call(host, name);
  host.getSourceFile = (name, ...rest) => {
    const text = files.get(name);
    return text === undefined
      ? getSourceFile.call(host, name, ...rest)
      : ts.createSourceFile(name, text, ts.ScriptTarget.ES2024);
  };
  const program = ts.createProgram([...files.keys(), here('../../src/base/globals.d.ts')], options, host);
  return [...files.keys()].map((name) => {
    const file = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(({ messageText }) =>
      ts.flattenDiagnosticMessageText(messageText, '\n'),
    );
  });
}
