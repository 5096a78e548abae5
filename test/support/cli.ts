/** The command line as a person uses it: a folder with a job and its input, and the built `millrace` as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './packed-project.ts';

/** What `npm run build` makes of the program. */
const program = fileURLToPath(new URL('../../node/cli/main.ts', import.meta.url));
export const MAIN = join(root, 'dist', relative(root, program).replace(/\.ts$/, '.js'));

export interface Answer {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly answer: Promise<Answer>;
  /** Resolves when this text has been printed to stderr; rejects when the process ends without it. */
  printed(text: string): Promise<void>;
}

export class JobFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'millrace-cli-'));

  write(name: string, text: string): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  read(name: string): string {
    return readFileSync(join(this.path, name), 'utf8');
  }

  exists(name: string): boolean {
    return existsSync(join(this.path, name));
  }

  /** The part files of an output folder, joined in the order of their names. */
  output(folder: string): string {
    const parts = readdirSync(join(this.path, folder))
      .filter((name) => name.startsWith('part-'))
      .sort();
    return parts.map((name) => this.read(join(folder, name))).join('');
  }

  /** Each file under a folder with a hash of its bytes. */
  hashes(folder: string): { readonly [path: string]: string } {
    const names = this.exists(folder)
      ? readdirSync(join(this.path, folder), { recursive: true, encoding: 'utf8' }).sort()
      : [];
    const files = names.filter((name) => statSync(join(this.path, folder, name)).isFile());
    return Object.fromEntries(
      files.map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(this.path, folder, name)))
          .digest('hex'),
      ]),
    );
  }

  /** Starts `millrace` here; `before` are words for a shell that come before the command: 'ulimit -f 9; exec'. */
  start(args: readonly string[], before = ''): Started {
    const words = [process.execPath, MAIN, ...args];
    const child =
      before === ''
        ? spawn(process.execPath, words.slice(1), { cwd: this.path, stdio: ['ignore', 'pipe', 'pipe'] })
        : spawn('bash', ['-c', `${before} "$@"`, 'bash', ...words], {
            cwd: this.path,
            stdio: ['ignore', 'pipe', 'pipe'],
          });
    const text = { out: '', err: '' };
    child.stdout.on('data', (bytes) => (text.out += String(bytes)));
    child.stderr.on('data', (bytes) => (text.err += String(bytes)));
    const answer = new Promise<Answer>((done, fail) => {
      child.on('error', fail);
      child.on('close', (code) => done({ code, ...text }));
    });
    const printed = (wanted: string): Promise<void> =>
      new Promise((done, fail) => {
        const look = (): void => {
          if (text.err.includes(wanted)) done();
        };
        child.stderr.on('data', look);
        child.on('close', () => fail(new Error(`it ended without printing '${wanted}':\n${text.err}`)));
        look();
      });
    return { child, answer, printed };
  }

  millrace(...args: readonly string[]): Promise<Answer> {
    return this.start(args).answer;
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export interface JobText {
  readonly name?: string;
  readonly input?: string;
  readonly key?: string;
  readonly summed?: string;
  readonly out?: string;
}

/** A job module: sums per key and ten seconds. */
export const jobText = ({
  name = 'sums',
  input = 'in/*.ndjson',
  key = 'key',
  summed = 'n',
  out = 'out',
}: JobText = {}): string =>
  `import { boundedOutOfOrderness, from, int32, job, schema, sum, timestamp, tumbling, utf8 } from 'millrace';
import { ndjsonFiles, ndjsonSink } from 'millrace/node';

const Row = schema({ at: timestamp(), key: utf8(), n: int32() });
const sums = from(ndjsonFiles('${input}', Row), { uid: 'rows' })
  .watermark('at', boundedOutOfOrderness('1 s'))
  .keyBy('${key}')
  .window(tumbling('10 s'))
  .aggregate({ total: sum('${summed}') });
export default job('${name}', sums.to(ndjsonSink('${out}')));
`;

/** Lines for that job: `rows` of them, each `stepMs` after the one before, over `keys` keys. */
export const rowLines = (rows: number, keys = 10, stepMs = 100): string =>
  Array.from(
    { length: rows },
    (_, i) => `${JSON.stringify({ at: 1_700_000_000_000 + i * stepMs, key: `key ${i % keys}`, n: i % 97 })}\n`,
  ).join('');
