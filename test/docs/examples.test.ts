/** Every program of the documentation runs, and prints what stands below it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, describe, expect, it } from 'vitest';
import { messagesOf } from '../types/compile.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(root, 'dist', 'examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Example {
  readonly heading: string;
  readonly code: string;
  readonly prints: string;
}

function examplesOf(page: string): readonly Example[] {
  return page
    .split(/^## /m)
    .slice(1)
    .flatMap((section) => {
      const found = /```ts\n(?<code>[\s\S]*?)```\s*```text\n(?<prints>[\s\S]*?)```/.exec(section)?.groups;
      if (found === undefined) return [];
      return [{ heading: section.split('\n')[0] ?? '', code: found['code'] ?? '', prints: found['prints'] ?? '' }];
    });
}

async function run(name: string, code: string): Promise<string> {
  const bundled = await build({
    stdin: { contents: code, loader: 'ts', resolveDir: root },
    alias: {
      millrace: join(root, 'src/index.ts'),
      'millrace/testing': join(root, 'src/testing/index.ts'),
      '#kernels': join(root, 'dist/kernels.js'),
    },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
  });
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, bundled.outputFiles[0]?.contents ?? '');
  const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
  return stderr === '' ? stdout : stderr;
}

describe('event time in ten minutes', () => {
  const page = readFileSync(join(root, 'web/docs/event-time.md'), 'utf8');
  const examples = examplesOf(page);

  it('has a program for every block of code', () => {
    expect(examples.length).toBe(page.match(/^```ts$/gm)?.length);
    expect(examples.length).toBeGreaterThanOrEqual(6);
  });

  it.each(examples.map(({ heading, code, prints }, i) => [heading, code, prints, i] as const))(
    '%s: prints what stands below it',
    async (_heading, code, prints, i) => {
      expect(await run(`example-${i}`, code)).toBe(prints);
    },
  );

  it('compiles, strictly', () => {
    const cases = examples.map(({ heading, code }) => ({ title: heading, expected: undefined, code }));
    const messages = messagesOf(cases, 'declare const console: { log(line: string): void };\n');
    expect(messages.flat()).toEqual([]);
  });
});
