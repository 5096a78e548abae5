/**
 * A project as a stranger has it: an empty folder, the packed tarball installed from npm's point of view, and the files of
 * test/package/fixture. Compilers and browsers come from this repository, so that only the package is downloaded with its
 * own dependencies.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Printed {
  readonly code: number | null;
  readonly text: string;
}

/** Runs a program to its end; never waits for input. */
export function run(command: string, args: readonly string[], cwd: string): Promise<Printed> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.on('data', (bytes) => (text += String(bytes)));
    child.stderr.on('data', (bytes) => (text += String(bytes)));
    child.on('error', fail);
    child.on('close', (code) => done({ code, text }));
  });
}

async function mustRun(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, text } = await run(command, args, cwd);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${text}`);
  return text;
}

export interface PackedProject {
  readonly folder: string;
  /** Paths inside the package, as packed. */
  readonly files: readonly string[];
  /** A tool of this repository, run in the folder: `tool('typescript/bin/tsc', …)`. */
  tool(path: string, ...args: string[]): Promise<Printed>;
  remove(): void;
}

export async function packedProject(): Promise<PackedProject> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-package-'));
  const packed = await packInto(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'stranger', private: true, type: 'module' }));
  await mustRun('npm', ['install', packed.tarball, '--prefer-offline', '--no-audit', '--no-fund'], folder);
  cpSync(join(root, 'test', 'package', 'fixture'), folder, { recursive: true });
  return {
    folder,
    files: packed.files,
    tool: (path, ...args) => run(process.execPath, [join(root, 'node_modules', path), ...args], folder),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function packInto(folder: string): Promise<{ tarball: string; files: readonly string[] }> {
  const printed = await mustRun('npm', ['pack', '--json', '--loglevel', 'error', '--pack-destination', folder], root);
  const [made]: { filename: string; files: { path: string }[] }[] = JSON.parse(printed.slice(printed.indexOf('[')));
  if (made === undefined) throw new Error(`npm pack made nothing:\n${printed}`);
  return { tarball: join(folder, made.filename), files: made.files.map(({ path }) => path) };
}

const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};

/** Serves a folder of files on a free port of this machine. */
export function serve(folder: string): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
    try {
      const bytes = readFileSync(join(folder, path === '/' ? 'index.html' : path));
      response.writeHead(200, { 'content-type': TYPES[extname(path) || '.html'] ?? 'application/octet-stream' });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  return new Promise((done) => {
    server.listen(0, '127.0.0.1', () => {
      // A TCP server's address is an object; only pipes have names.
      const { port } = server.address() as AddressInfo;
      done({ url: `http://127.0.0.1:${port}/`, close: () => server.close() });
    });
  });
}
