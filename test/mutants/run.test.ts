import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const runner = fileURLToPath(new URL('run.mjs', import.meta.url));
const TEST = 'test/src/base/bytes.test.ts';

/** A change of the first line of src/base/bytes.ts, or of a line that is not there, or of what a kilobyte is. */
function patch(before: string, after: string, context: readonly string[]): string {
  const lines = [`-${before}`, `+${after}`, ...context.map((line) => ` ${line}`)];
  const size = context.length + 1;
  return `Bug: a trial\nCaught by: ${TEST}\n--- a/src/base/bytes.ts\n+++ b/src/base/bytes.ts\n@@ -1,${size} +1,${size} @@\n${lines.join('\n')}\n`;
}

function runMutants(patches: Record<string, string>): Promise<{ code: number; printed: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-patches-'));
  for (const [name, text] of Object.entries(patches)) writeFileSync(join(folder, `${name}.patch`), text);
  return new Promise((done) => {
    execFile(process.execPath, [runner, '--patches', folder], (error, stdout, stderr) => {
      rmSync(folder, { recursive: true });
      done({ code: error === null ? 0 : 1, printed: stdout + stderr });
    });
  });
}

const HEAD = '/** Sizes as users write them and as people read them. */';
const SECOND = "import { UserError } from './errors.ts';";
const THIRD = ['', 'const UNITS = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 } as const;'];

it('reports a bug that is none as a survivor, and a patch that does not apply', async () => {
  const { code, printed } = await runMutants({
    canary: patch(HEAD, '/** Sizes, as written and as read. */', [SECOND, ...THIRD]),
    stale: patch('/** Some other first line. */', '/** Sizes. */', [SECOND, ...THIRD]),
    units:
      `Bug: a kilobyte is too small\nCaught by: ${TEST}\n--- a/src/base/bytes.ts\n+++ b/src/base/bytes.ts\n@@ -3,2 +3,2 @@\n \n`
      + `-${THIRD[1]}\n+${THIRD[1]?.replace('1024,', '1000,')}\n`,
  });
  expect(printed).toMatch(/SURVIVED: canary/);
  expect(printed).toMatch(/does not apply: stale/);
  expect(printed).toMatch(/^caught +units/m);
  expect(printed).toContain('1 of 3 planted bugs caught');
  expect(code).toBe(1);
});

it('refuses a patch that does not say which test must catch it', async () => {
  const { code, printed } = await runMutants({
    nameless: patch(HEAD, '/** Sizes. */', [SECOND]).replace('Caught by', 'Perhaps'),
  });
  expect(printed).toContain("nameless.patch must begin with 'Bug: …' and 'Caught by: …'");
  expect(code).toBe(1);
});
