import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { check, formatFindings } from './checker.ts';
import { EXCEPTIONS } from './exceptions.ts';
import { readProject } from './project.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('finds the house in order', () => {
  const files = readProject(root);
  expect(files.length).toBeGreaterThan(30);
  expect(formatFindings(check(files, EXCEPTIONS))).toBe('');
});
