/**
 * Who may import whom. Think hard before changing this file: a new arrow between two rooms is a change of design and
 * wants a record in src/decisions.
 *
 * A room may always import itself. `imports` lists rooms, or single files of them. `types` lists rooms of which only types may be imported. `packages` lists what may be
 * imported by name; rooms under src import none unless it stands here, the other rooms are free to.
 */

export interface Floor {
  readonly imports: readonly string[];
  readonly types?: readonly string[];
  readonly packages?: readonly string[];
}

const BELOW_API = [
  'src/base',
  'src/data',
  'src/metrics',
  'src/security',
  'src/kernel',
  'src/plan',
  'src/connector',
  'src/state',
  'src/format',
  'src/runtime',
] as const;

const DOORS = ['src/index.ts', 'src/platform.ts'] as const;

/** What a host needs to implement the ports and to deploy: everything but the planner and SQL. */
const HOST = [
  ...DOORS,
  'src/base',
  'src/data',
  'src/metrics',
  'src/security',
  'src/kernel',
  'src/connector',
  'src/state',
  'src/format',
  'src/runtime',
  'src/api',
] as const;

export const FLOORS: { readonly [room: string]: Floor } = {
  assembly: { imports: [] },
  'src/base': { imports: [] },
  'src/data': { imports: ['src/base'] },
  'src/metrics': { imports: ['src/base'] },
  'src/security': { imports: ['src/base'] },
  'src/kernel': { imports: ['src/base', 'src/data'] },
  'src/connector': { imports: ['src/base', 'src/data', 'src/kernel', 'src/security'] },
  'src/plan': { imports: ['src/base', 'src/data'], types: ['src/connector'] },
  'src/sql': { imports: ['src/base', 'src/data', 'src/plan'] },
  'src/state': { imports: ['src/base', 'src/data', 'src/kernel'] },
  'src/format': { imports: ['src/base', 'src/data', 'src/kernel', 'src/connector'] },
  'src/runtime': {
    imports: [
      'src/base',
      'src/data',
      'src/kernel',
      'src/plan',
      'src/state',
      'src/connector',
      'src/format',
      'src/metrics',
    ],
  },
  'src/api': { imports: BELOW_API },
  'src/index.ts': { imports: [...BELOW_API, 'src/api'] },
  'src/platform.ts': { imports: [...BELOW_API, 'src/api'] },
  'src/testing': {
    imports: [
      'src/api',
      'src/runtime',
      'src/connector',
      'src/state',
      'src/format',
      'src/data',
      'src/base',
      'src/kernel',
      'src/metrics',
      'src/plan',
    ],
    packages: ['#kernels'],
  },
  'src/lab': { imports: ['src/api', 'src/testing', 'src/data', 'src/base', 'src/index.ts'] },
  node: { imports: HOST },
  'node/cli': { imports: [...HOST, 'src/plan', 'src/sql', 'src/testing', 'src/lab', 'node'] },
  web: { imports: HOST },
  'web/playground': { imports: [...HOST, 'src/plan', 'src/sql', 'src/testing', 'src/lab', 'web'] },
  // Schemas and expressions are the language of the question; the seeded generator makes the questions.
  'test/oracle': { imports: ['src/base/random.ts'], types: ['src/data', 'src/plan'] },
};

/** Rooms that nobody below them is stopped from using, and that may use everything. */
export const TOP_ROOMS: readonly string[] = ['test', 'benches'];

/** 'src/base/time.ts' -> 'src/base'; files straight under src are rooms of their own. Undefined: no room, such as a config. */
export function roomOf(path: string): string | undefined {
  const [top, second, third] = path.split('/');
  if (path.endsWith('.test.ts')) return 'test';
  if (top === undefined || second === undefined) return undefined;
  if (top === 'src') return `src/${second}`;
  const inner = `${top}/${second}`;
  return third !== undefined && inner in FLOORS ? inner : top;
}
