import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { installedChromium } from './find-chromium.mjs';

let folder: string;

function program(name: string): string {
  const path = join(folder, name);
  writeFileSync(path, '#!/bin/sh\n');
  chmodSync(path, 0o755);
  return path;
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-chromium-'));
  vi.stubEnv('CHROME', '');
  vi.stubEnv('PATH', folder);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('takes the browser that CHROME names, before any on PATH', () => {
  program('chromium');
  const chosen = program('my-chrome');
  vi.stubEnv('CHROME', chosen);
  expect(installedChromium()).toBe(chosen);
});

it('refuses a CHROME that cannot be run instead of taking another', () => {
  program('chromium');
  vi.stubEnv('CHROME', join(folder, 'gone'));
  expect(() => installedChromium()).toThrow('which cannot be run');
});

it('finds a browser on PATH by its usual names', () => {
  const found = program('google-chrome-stable');
  expect(installedChromium()).toBe(found);
});
