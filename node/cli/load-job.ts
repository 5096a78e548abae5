/**
 * Loads a job module. TypeScript is bundled with esbuild (types are erased, nothing needs to be installed); imports of
 * millrace go to the running package, so that the job and the engine share one copy of it.
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire, isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { MillraceError, UserError } from '../../src/base/errors.ts';
import type { Job } from '../../src/index.ts';
import { loadJsonJob } from './json-job.ts';

export interface LoadedJob {
  readonly job: Job;
  /** What the job is called when it has no name of its own: the file's. */
  readonly defaultName: string;
}

/** Imports the default export of a job file. Throws UserError when there is no such file or no job in it. */
export async function loadJob(path: string): Promise<LoadedJob> {
  const file = resolve(path);
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() !== true) {
    throw new UserError(
      'E1602',
      { path, problem: 'there is no such file' },
      { hint: 'Give the path of a .ts or .js file that exports a job.' },
    );
  }
  if (extname(file) === '.json')
    return { job: await loadJsonJob(file), defaultName: basename(file, '.json').replace(/\.job$/, '') };
  if (!/^\.[cm]?[jt]s$/.test(extname(file))) {
    throw new UserError('E1602', { path, problem: 'it is neither TypeScript, JavaScript nor JSON' }, {});
  }
  const loaded = await importBundled(file);
  const job: unknown = loaded['default'];
  if (job === undefined || job === null) {
    throw new UserError(
      'E1602',
      { path, problem: 'it has no default export' },
      { hint: 'End it with: export default from(…)….to(sink);' },
    );
  }
  // planOf refuses anything that is not a job, with a message of its own.
  return { job: job as Job, defaultName: basename(file, extname(file)).replace(/\.job$/, '') };
}

async function importBundled(file: string): Promise<{ readonly [name: string]: unknown }> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-job-'));
  try {
    const bundled = await build({
      entryPoints: [file],
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      sourcemap: 'inline',
      sourcesContent: true,
      logLevel: 'silent',
      define: {
        'import.meta.url': `${OWN}_url`,
        'import.meta.filename': `${OWN}_filename`,
        'import.meta.dirname': `${OWN}_dirname`,
      },
      plugins: [packages(file), ownPlaces],
      outdir: folder,
    });
    const out = join(folder, 'job.mjs');
    await writeFile(out, bundled.outputFiles[0]?.contents ?? '');
    // An imported module is a record of its exports.
    return (await import(pathToFileURL(out).href)) as { readonly [name: string]: unknown };
  } catch (error) {
    throw readable(file, error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Millrace itself resolves to this package; other packages to what the job's own folder has, outside the bundle. */
function packages(file: string): Plugin {
  const require = createRequire(file);
  return {
    name: 'packages',
    setup(setup) {
      setup.onResolve({ filter: /^millrace(\/.*)?$/ }, ({ path }) => ({
        path: import.meta.resolve(path),
        external: true,
      }));
      setup.onResolve({ filter: /^[^./]/ }, ({ path, kind }) => {
        if (kind === 'entry-point' || path.startsWith('node:')) return undefined;
        if (isBuiltin(path)) return { path, external: true };
        try {
          return { path: pathToFileURL(require.resolve(path)).href, external: true };
        } catch {
          return undefined;
        }
      });
    },
  };
}

/** What stands in the bundle for what a module asks of import.meta. */
const OWN = '__millrace_own';

/** The bundle lies elsewhere: each module that asks where it is gets its own place. On its first line, so that lines keep their numbers. */
const ownPlaces: Plugin = {
  name: 'own places',
  setup(setup) {
    setup.onLoad({ filter: /\.[cm]?[jt]sx?$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!/import\.meta\.(url|filename|dirname)/.test(text)) return undefined;
      const places = { url: pathToFileURL(path).href, filename: path, dirname: dirname(path) };
      const own = Object.entries(places).map(([name, place]) => `var ${OWN}_${name} = ${JSON.stringify(place)};`);
      const kind = extname(path).replace(/^\.[cm]?/, '');
      // The pattern lets no other ending through.
      return { contents: own.join(' ') + text.replace(/^#!/, '//'), loader: kind as 'js' | 'jsx' | 'ts' | 'tsx' };
    });
  },
};

interface BuildMessage {
  readonly text: string;
  readonly location: { readonly file: string; readonly line: number; readonly lineText: string } | null;
}

/** esbuild's failures as a UserError with the place; anything else as it is. */
function readable(file: string, error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('errors' in error) || !Array.isArray(error.errors))
    return thrown(file, error);
  // The shape that esbuild documents for its BuildFailure.
  const first = (error.errors as readonly BuildMessage[])[0];
  if (first === undefined) return error;
  const location =
    first.location === null
      ? {}
      : { file: first.location.file, line: first.location.line, source: first.location.lineText };
  return new UserError('E1602', { path: file, problem: first.text }, { location, cause: error });
}

/** What the job's own code threw while it was loaded, with the line that threw it. */
function thrown(file: string, error: unknown): unknown {
  if (error instanceof MillraceError) return error;
  const problem = `it throws while it is loaded: ${error instanceof Error ? error.message : String(error)}`;
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const line = stack
    .split('\n')
    .find((frame) => frame.includes(`${file}:`))
    ?.split(`${file}:`)[1]
    ?.split(':')[0];
  return new UserError(
    'E1602',
    { path: file, problem },
    {
      location: line === undefined ? { file } : { file, line: Number(line) },
      hint: 'The code at this line runs when the job is loaded.',
      cause: error,
    },
  );
}
