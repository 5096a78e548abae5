/** The user's line is found in the stacks of every engine. */
import { describe, expect, it } from 'vitest';
import { callSiteOf, located } from '../../../src/api/call-site.ts';
import { UserError } from '../../../src/base/errors.ts';

describe('the call site', () => {
  it('is the first frame outside the package, in a stack of V8', () => {
    expect(
      callSiteOf(
        [
          '    at located (file:///app/node_modules/millrace/dist/src/api/call-site.js:44:31)',
          '    at StreamBuilder.where (file:///app/node_modules/millrace/dist/src/api/stream-builder.js:80:12)',
          '    at ndjsonFiles (file:///app/node_modules/millrace/dist/node/index.js:3:1)',
          '    at file:///app/my jobs/departures.ts:11:4',
          '    at ModuleJob.run (node:internal/modules/esm/module_job:263:25)',
        ].join('\n'),
      ),
    ).toEqual({ file: '/app/my jobs/departures.ts', line: 11 });
  });

  it('is found behind async frames and frames of Node', () => {
    expect(
      callSiteOf(
        [
          '    at located (C:\\app\\millrace\\src\\api\\call-site.ts:44:31)',
          '    at new Promise (<anonymous>)',
          '    at async node:internal/process/task_queues:95:5',
          '    at async C:\\app\\millrace\\src\\api\\job.ts:9:4',
          '    at async main (C:\\app\\jobs\\departures.ts:11:4)',
        ].join('\n'),
      ),
    ).toEqual({ file: 'C:\\app\\jobs\\departures.ts', line: 11 });
  });

  it('is found in stacks of SpiderMonkey and JavaScriptCore', () => {
    expect(
      callSiteOf(
        [
          'located@http://localhost:5173/millrace/src/api/call-site.ts?v=3:44:31',
          'where@http://localhost:5173/millrace/src/api/stream-builder.ts:80:12',
          '@http://localhost:5173/departures.job.ts?t=17:11:4',
        ].join('\n'),
      ),
    ).toEqual({ file: 'http://localhost:5173/departures.job.ts', line: 11 });
  });

  it('is unknown in a bundle, and where there is no stack', () => {
    expect(
      callSiteOf('    at located (file:///app/bundle.js:44:31)\n    at where (file:///app/bundle.js:1:1)'),
    ).toBeUndefined();
    expect(callSiteOf('')).toBeUndefined();
  });
});

describe('a located mistake', () => {
  it('keeps a place that it has already', () => {
    const thrown = new UserError('E1005', { column: 'a' }, { location: { file: 'job.sql', line: 3 } });
    expect(() =>
      located(() => {
        throw thrown;
      }),
    ).toThrow(thrown);
    expect(thrown.location).toEqual({ file: 'job.sql', line: 3 });
  });

  it('keeps what else is known of its place', () => {
    const thrown = new UserError('E1005', { column: 'a' }, { location: { operator: 'per-hour' } });
    expect(() =>
      located(() => {
        throw thrown;
      }),
    ).toThrow(thrown);
    expect(thrown.location.operator).toBe('per-hour');
    expect(thrown.location.file).toMatch(/call-site\.test\.ts$/);
  });

  it('is the same error, and others pass through untouched', () => {
    const bug = new TypeError('x is undefined');
    expect(() =>
      located(() => {
        throw bug;
      }),
    ).toThrow(bug);
  });
});
