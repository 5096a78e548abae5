import { describe, expect, it } from 'vitest';
import { check, type Exception } from './checker.ts';

const HEAD = '/** What it is. */\n';

/** A small house in order: each case below adds one thing that is not. */
const ORDERLY = {
  'package.json': '{ "name": "millrace", "exports": { ".": { "default": "./dist/src/index.js" } } }',
  'src/index.ts': `${HEAD}export { a } from './base/a.ts';\n`,
  'src/base/a.ts': `${HEAD}export const a = 1;\n`,
  'test/src/base/a.test.ts': "import { a } from '../../../src/base/a.ts';\nit('is one', () => expect(a).toBe(1));\n",
  'test/src/index.test.ts': "import { a } from 'millrace';\nit('opens', () => expect(a).toBe(1));\n",
};

function rulesOf(added: Record<string, string>, exceptions: readonly Exception[] = []): string[] {
  const files = Object.entries({ ...ORDERLY, ...added }).map(([path, text]) => ({ path, text }));
  return check(files, exceptions).map(({ rule, path }) => `${rule} ${path}`);
}

/** Adds to a file that is alive and tested, so that only the rule in question can speak. */
const inBase = (code: string): Record<string, string> => ({ 'src/base/a.ts': `${HEAD}export const a = 1;\n${code}\n` });

it('finds nothing in a house in order', () => {
  expect(rulesOf({})).toEqual([]);
});

describe('imports', () => {
  const above = {
    'src/data/b.ts': `${HEAD}export const b = 2;\n`,
    'test/src/data/b.test.ts': "import { b } from '../../../src/data/b.ts';\n",
  };

  it.each([
    ['of a higher floor', "import { b } from '../data/b.ts';"],
    ['of only types of a higher floor', "import type { B } from '../data/b.ts';"],
    ['that happen at run time', "export const later = () => import('../data/b.ts');"],
    ['of workers', "export const url = new URL('../data/b.ts', import.meta.url);"],
  ])('finds imports %s', (_, code) => {
    expect(rulesOf({ ...above, ...inBase(code) })).toEqual(['floors src/base/a.ts']);
  });

  it('finds packages and the project itself imported in src', () => {
    expect(rulesOf(inBase("import { readFileSync } from 'node:fs';"))).toEqual(['floors src/base/a.ts']);
    expect(rulesOf(inBase("import { a as self } from 'millrace';"))).toContain('floors src/base/a.ts');
  });

  it('lets only types through where only types may pass', () => {
    const plan = (line: string): Record<string, string> => ({
      'src/connector/c.ts': `${HEAD}export const c = 3;\n`,
      'src/plan/p.ts': `${HEAD}${line}\nexport const p = 4;\n`,
      'test/src/plan/p.test.ts':
        "import { p } from '../../../src/plan/p.ts';\nimport { c } from '../../../src/connector/c.ts';\n",
    });
    expect(rulesOf(plan("import type { C } from '../connector/c.ts';"))).toEqual([]);
    expect(rulesOf(plan("import { type C } from '../connector/c.ts';"))).toEqual([]);
    expect(rulesOf(plan("import { c } from '../connector/c.ts';"))).toEqual(['floors src/plan/p.ts']);
  });

  it('finds a room that the floors table does not know', () => {
    expect(
      rulesOf({
        'src/attic/x.ts': `${HEAD}export type X = 1;\n`,
        'test/src/attic/x.test.ts': "import type { X } from '../../../src/attic/x.ts';\n",
      }),
    ).toEqual(['floors src/attic/x.ts']);
  });

  it('finds node importing web, and an oracle importing the engine', () => {
    const found = rulesOf({
      'web/w.ts': `${HEAD}export const w = 1;\n`,
      'node/n.ts': `${HEAD}export { w } from '../web/w.ts';\n`,
      'test/oracle/o.ts': `${HEAD}export { a } from '../../src/base/a.ts';\n`,
      'test/node/n.test.ts': "import '../../node/n.ts';\nimport '../../web/w.ts';\nimport '../oracle/o.ts';\n",
    });
    expect(found).toEqual(['floors node/n.ts', 'floors test/oracle/o.ts']);
  });

  it('finds a missing file and a missing extension', () => {
    expect(rulesOf(inBase("import { x } from './x.ts';"))).toEqual(['floors src/base/a.ts']);
    expect(rulesOf({ 'test/src/base/a.test.ts': "import { a } from '../../../src/base/a';\n" })).toEqual([
      'extension test/src/base/a.test.ts',
    ]);
  });

  it('finds files that import each other, also round about', () => {
    const ring = (from: string, to: string): Record<string, string> => ({
      [`src/base/${from}.ts`]: `${HEAD}import type { T } from './${to}.ts';\nexport type U = T;\nexport const ${from} = 1;\n`,
    });
    expect(rulesOf({ ...ring('a', 'b'), ...ring('b', 'c'), ...ring('c', 'a') })).toEqual(['cycles src/base/a.ts']);
  });

  it('finds a file that nothing reaches, and one that no test reaches', () => {
    expect(rulesOf({ 'src/base/lost.ts': `${HEAD}export type Lost = 1;\n` })).toEqual(['dead src/base/lost.ts']);
    expect(
      rulesOf({
        'src/data/b.ts': `${HEAD}export const b = 2;\n`,
        'src/index.ts': `${HEAD}export { a } from './base/a.ts';\nexport { b } from './data/b.ts';\n`,
      }),
    ).toEqual(['unmirrored src/data/b.ts']);
  });
});

describe('code', () => {
  it.each([
    ['Date.now', 'export const t = Date.now();'],
    ['the present date', 'export const t = new Date();'],
    ['Math.random', 'export const t = Math.random();'],
    ['timers', 'setTimeout(() => a, 1);'],
    ['a global in a shorthand', 'export const t = { performance };'],
    ['a global in a call', 'console.log(a);'],
    ['shared memory', 'export const t = new SharedArrayBuffer(1);'],
    ['a global behind globalThis', 'export const t = globalThis.crypto;'],
  ])('finds %s in src', (_, code) => {
    expect(rulesOf(inBase(code))).toEqual(['banned src/base/a.ts']);
  });

  it.each([
    'export const t = new Date(5);',
    'export const t = { process: 1, console: 2 }.process;',
    'export const f = (process: number): number => process + 1;',
    "export const t = 'Date.now() and setTimeout';",
    'export interface Task { performance(): void }',
  ])('does not take a name for the global: %s', (code) => {
    expect(rulesOf(inBase(code))).toEqual([]);
  });

  it('finds JSON.parse where records are parsed, and only there', () => {
    const reader = `${HEAD}export const r = JSON.parse('1');\n`;
    expect(
      rulesOf({ 'src/format/r.ts': reader, 'test/src/format/r.test.ts': "import '../../../src/format/r.ts';\n" }),
    ).toEqual(['banned src/format/r.ts']);
    expect(rulesOf(inBase("export const r = JSON.parse('1');"))).toEqual([]);
  });

  it('finds casts without a reason', () => {
    expect(rulesOf(inBase('export const t = a as unknown;'))).toEqual(['cast src/base/a.ts']);
    expect(rulesOf(inBase('// It was checked above.\nexport const t = a as unknown;'))).toEqual([]);
    expect(rulesOf(inBase('export const t = a as unknown; // checked above'))).toEqual([]);
    expect(rulesOf(inBase('export const t = [1] as const;'))).toEqual([]);
    expect(rulesOf(inBase("import { b as c } from './a.ts';"))).not.toContain('cast src/base/a.ts');
  });

  it('finds any, looking away, and exports without a name', () => {
    expect(rulesOf(inBase('export const t: any = 1;'))).toEqual(['any src/base/a.ts']);
    expect(rulesOf(inBase('// @ts-ignore\nexport const t = 1;'))).toEqual(['ignored src/base/a.ts']);
    expect(rulesOf(inBase("export * from './a.ts';"))).toContain('exports src/base/a.ts');
    expect(rulesOf(inBase('export default function f() {}'))).toEqual(['exports src/base/a.ts']);
    expect(rulesOf(inBase('export default 1;'))).toEqual(['exports src/base/a.ts']);
  });

  it('finds files and functions beyond their wall', () => {
    const lines = (n: number): string => '\n'.repeat(n);
    expect(rulesOf(inBase(`export function f() {${lines(70)}}`))).toEqual(['function length src/base/a.ts']);
    expect(rulesOf(inBase(`export function f() {${lines(68)}}`))).toEqual([]);
    expect(rulesOf(inBase(lines(400)))).toEqual(['file length src/base/a.ts']);
    expect(
      rulesOf({ 'src/base/a.ts': `/** A table. Long because it is one. */\nexport const a = 1;${lines(400)}` }),
    ).toEqual([]);
    expect(
      rulesOf({ 'src/base/a.ts': `/** A table. Long because it is one. */\nexport const a = 1;${lines(701)}` }),
    ).toEqual(['file length src/base/a.ts']);
  });

  it('takes a function that holds tests for a list, and any other in a test for what it is', () => {
    const long = '\n'.repeat(80);
    const suite = (body: string): Record<string, string> => ({
      'test/src/x.test.ts': `export function f() {${body}}\n`,
    });
    expect(rulesOf(suite(`${long}it('works', () => 1);`))).toEqual([]);
    expect(rulesOf(suite(long))).toEqual(['function length test/src/x.test.ts']);
  });

  it('finds a file that does not say what it is', () => {
    expect(rulesOf({ 'src/base/a.ts': 'export const a = 1;\n' })).toEqual(['header src/base/a.ts']);
  });

  it.each(['it.only', 'it.skip', 'describe.skip', 'test.todo', 'it.each.skip'])('finds %s', (call) => {
    expect(rulesOf({ 'test/src/x.test.ts': `${call}('x', () => 1);\n` })).toEqual(['skipped test/src/x.test.ts']);
  });

  it('finds allocation, decorators and variables in kernels', () => {
    const kernel = (code: string): Record<string, string> => ({ 'assembly/index.ts': `${HEAD}${code}\n` });
    expect(rulesOf(kernel('export function f(): u32 { return new Thing(); }'))).toEqual(['kernel assembly/index.ts']);
    expect(rulesOf(kernel('@unmanaged class C {}'))).toEqual(['kernel assembly/index.ts']);
    expect(rulesOf(kernel('let counter: u32 = 0;'))).toEqual(['kernel assembly/index.ts']);
    expect(
      rulesOf(kernel('const SIZE: u32 = 4;\nexport function f(p: u32): u32 { return load<u32>(p, 4) + <u32>SIZE; }')),
    ).toEqual([]);
  });
});

describe('text', () => {
  it.each([`FIX${'ME'}`, `TO${'DO'}`])('finds %s', (word) => {
    expect(rulesOf(inBase(`// ${word} later`))).toEqual(['later src/base/a.ts']);
  });

  it('finds paths of one machine', () => {
    expect(rulesOf(inBase(`export const p = '${'/ho'}me/me/x';`))).toEqual(['machine path src/base/a.ts']);
    expect(rulesOf(inBase("export const p = '../home/me';"))).toEqual([]);
  });

  it('finds names that say nothing and names that are no kebab-case', () => {
    const named = (name: string): string[] =>
      rulesOf({
        [`src/base/${name}`]: `${HEAD}export const x = 1;\n`,
        'test/src/base/x.test.ts': `import '../../../src/base/${name}';\n`,
      });
    expect(named('utils.ts')).toEqual(['vague name src/base/utils.ts']);
    expect(named('helpers/x.ts')).toEqual(['vague name src/base/helpers/x.ts']);
    expect(named('recordBatch.ts')).toEqual(['name src/base/recordBatch.ts']);
  });

  it('finds pages without one title, and links to nothing', () => {
    expect(rulesOf({ 'src/README.md': 'no title\n' })).toEqual(['title src/README.md']);
    expect(rulesOf({ 'src/README.md': '# One\n```\n# code\n```\n' })).toEqual([]);
    expect(rulesOf({ 'src/README.md': '# One\n# Two\n' })).toEqual(['title src/README.md']);
    expect(rulesOf({ 'src/README.md': '# One\n[a](base/a.ts) [b](base) [c](https://x.y)\n' })).toEqual([]);
    expect(rulesOf({ 'src/README.md': '# One\n[a](base/b.ts)\n' })).toEqual(['link src/README.md']);
  });
});

describe('headers', () => {
  const headed = (sentence: string): Record<string, string> => ({
    'src/base/a.ts': `/** What it is; ${sentence}. */\nexport const a = 1; // gone.ts\n`,
  });

  it('may send readers to files by name or by the end of a path', () => {
    expect(rulesOf(headed('see a.ts, base/a.ts, ../index.ts and src/base/a.test.ts'))).toEqual([]);
  });

  it('are found that name a file which is not there', () => {
    expect(rulesOf(headed('not here: the rest (gone.ts)'))).toEqual(['header src/base/a.ts']);
    expect(rulesOf(headed('see data/a.ts'))).toEqual(['header src/base/a.ts']);
  });
});

describe('exceptions', () => {
  const lost = { 'src/base/lost.ts': `${HEAD}export type Lost = 1;\n` };

  it('excuse one rule in one file, or under one folder', () => {
    expect(rulesOf(lost, [{ rule: 'dead', path: 'src/base/lost.ts', reason: 'a test' }])).toEqual([]);
    expect(rulesOf(lost, [{ rule: 'dead', path: 'src/base/', reason: 'a test' }])).toEqual([]);
    expect(rulesOf(lost, [{ rule: 'cast', path: 'src/base/lost.ts', reason: 'a test' }])).toEqual([
      'dead src/base/lost.ts',
      'exception src/base/lost.ts',
    ]);
  });

  it('must go when they excuse nothing', () => {
    expect(rulesOf({}, [{ rule: 'dead', path: 'src/base/a.ts', reason: 'a test' }])).toEqual([
      'exception src/base/a.ts',
    ]);
  });
});
