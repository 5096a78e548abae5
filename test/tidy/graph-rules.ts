/** Rules about the import graph: floors, cycles, extensions, dead files, files without a test. */
import ts from 'typescript';
import { FLOORS, roomOf, TOP_ROOMS } from './floors.ts';
import { type Finding, type Import, importsOf, inFolder, isCode, isTest, type ProjectFile, treeOf } from './project.ts';

export interface Graph {
  readonly files: ReadonlyMap<string, ProjectFile>;
  readonly imports: ReadonlyMap<string, readonly Import[]>;
}

/** `doors`: package names of the project itself ('millrace/node') and the files behind them. */
export function graphOf(files: readonly ProjectFile[], doors: ReadonlyMap<string, string>): Graph {
  const code = files.filter((file) => isCode(file.path));
  const paths = new Set(files.map((file) => file.path));
  return {
    files: new Map(code.map((file) => [file.path, file])),
    imports: new Map(code.map((file) => [file.path, importsOf(file, paths, doors)])),
  };
}

export function floorFindings({ imports }: Graph): Finding[] {
  const findings: Finding[] = [];
  for (const [path, list] of imports) {
    const room = roomOf(path);
    // Build scripts of the kernels run in Node and are no kernels.
    if (room === undefined || TOP_ROOMS.includes(room) || /^assembly\/.*\.mjs$/.test(path)) continue;
    const floor = FLOORS[room];
    if (floor === undefined) {
      findings.push({
        rule: 'floors',
        path,
        line: 0,
        message: `${room} is not in the floors table (test/tidy/floors.ts)`,
      });
      continue;
    }
    for (const one of list) {
      const problem = one.target === undefined ? packageProblem(room, one) : arrowProblem(room, one);
      if (problem !== undefined) findings.push({ rule: 'floors', path, line: one.line, message: problem });
    }
  }
  return findings;
}

function arrowProblem(room: string, { target, typesOnly }: Import): string | undefined {
  const floor = FLOORS[room];
  const to = roomOf(target ?? '');
  if (floor === undefined || to === undefined || to === room) return undefined;
  if (floor.imports.includes(to) || floor.imports.includes(target ?? '')) return undefined;
  // Types of the generated kernels file; the file itself is imported as '#kernels'.
  if (target === 'assembly/kernels.d.ts') return undefined;
  if (floor.types?.includes(to) === true) return typesOnly ? undefined : `${room} may import only types of ${to}`;
  return `${room} may not import ${to}`;
}

function packageProblem(room: string, { specifier }: Import): string | undefined {
  if (specifier.startsWith('.')) return `'${specifier}' is not a file of the project`;
  if (!room.startsWith('src/') && room !== 'assembly') return undefined;
  return FLOORS[room]?.packages?.includes(specifier) === true
    ? undefined
    : `${room} may not import package '${specifier}'`;
}

/** Relative imports name the file with its extension, as Node and browsers need it; kernels follow AssemblyScript. */
export function extensionFindings({ imports }: Graph): Finding[] {
  return [...imports].flatMap(([path, list]) =>
    inFolder(path, 'assembly')
      ? []
      : list
          .filter(
            ({ specifier }) =>
              specifier.startsWith('.') && !/\.(ts|tsx|mjs|js|json|wasm)$/.test(specifier) && !specifier.endsWith('/'),
          )
          .filter(({ target }) => target !== undefined)
          .map(({ specifier, line }) => ({ rule: 'extension', path, line, message: `write '${specifier}.ts'` })),
  );
}

/** Files that import each other, directly or round about (Tarjan's strongly connected components, 1972). */
export function cycleFindings({ imports }: Graph): Finding[] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const findings: Finding[] = [];
  const connect = (path: string): void => {
    index.set(path, index.size);
    low.set(path, index.size - 1);
    stack.push(path);
    for (const { target } of imports.get(path) ?? []) {
      if (target === undefined || !imports.has(target)) continue;
      if (!index.has(target)) connect(target);
      else if (!stack.includes(target)) continue;
      low.set(path, Math.min(low.get(path) ?? 0, low.get(target) ?? 0));
    }
    if (low.get(path) !== index.get(path)) return;
    const ring = stack.splice(stack.indexOf(path));
    if (ring.length > 1)
      findings.push({ rule: 'cycles', path, line: 0, message: `import each other: ${ring.sort().join(', ')}` });
  };
  for (const path of imports.keys()) if (!index.has(path)) connect(path);
  return findings;
}

/** Everything that can be reached by imports from `roots`, the roots included. */
export function reach({ imports }: Graph, roots: Iterable<string>): Set<string> {
  const reached = new Set<string>();
  const todo = [...roots];
  for (let path = todo.pop(); path !== undefined; path = todo.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const { target } of imports.get(path) ?? []) if (target !== undefined) todo.push(target);
  }
  return reached;
}

const RUN_BY_TOOLS = /(\.config\.ts|\.d\.ts|\.mjs|\.job\.ts)$/;

/** Code that nothing which runs can reach. `doors`: the files behind package.json's exports and bin. */
export function deadFindings(graph: Graph, doors: Iterable<string>): Finding[] {
  const roots = [...graph.imports.keys()].filter(
    (path) =>
      isTest(path)
      || RUN_BY_TOOLS.test(path)
      || inFolder(path, 'benches', 'test/types', 'test/package/fixture', 'test/web/fixtures')
      || path === 'assembly/index.ts'
      || path === 'assembly/index-core.ts',
  );
  const reached = reach(graph, [...roots, ...doors]);
  return [...graph.imports.keys()]
    .filter((path) => !reached.has(path))
    .map((path) => ({ rule: 'dead', path, line: 0, message: 'nothing that runs imports this file' }));
}

/**
 * A file with code in it is tested when a test imports it directly, or a test of its own room (the mirror of the room's
 * folder) reaches it. Kernels are reached through their build: a folder of kernels wants a test in its mirror, or one that
 * reaches its door in src/kernel.
 */
export function unmirroredFindings(graph: Graph): Finding[] {
  const tests = [...graph.imports.keys()].filter(isTest);
  const direct = new Set(tests.flatMap((path) => (graph.imports.get(path) ?? []).map(({ target }) => target)));
  const tested = reach(graph, tests);
  const reachOf = new Map<string, Set<string>>();
  const findings: Finding[] = [];
  for (const [path, file] of graph.files) {
    if (!inFolder(path, 'src', 'node', 'web', 'assembly') || path.endsWith('.d.ts') || !path.endsWith('.ts')) continue;
    if (direct.has(path) || isTypesOnly(file) || hasKernelTest(path, tests, tested)) continue;
    // The lab is a room that readers look for by its name, among tests too.
    const mirror = inFolder(path, 'src/lab') ? 'test/lab/' : `test/${roomOf(path) ?? path}/`;
    const reached =
      reachOf.get(mirror)
      ?? reach(
        graph,
        tests.filter((test) => test.startsWith(mirror)),
      );
    reachOf.set(mirror, reached);
    if (reached.has(path)) continue;
    findings.push({
      rule: 'unmirrored',
      path,
      line: 0,
      message: `no test imports it, and none under ${mirror} reaches it`,
    });
  }
  return findings;
}

function hasKernelTest(path: string, tests: readonly string[], tested: ReadonlySet<string>): boolean {
  const [top, folder, name] = path.split('/');
  if (top !== 'assembly') return false;
  if (name === undefined) return true;
  const door = new RegExp(`^src/kernel/(${folder}[./-]|[a-z/-]*-${folder}\\.ts$)`);
  return tests.some((test) => test.startsWith(`test/assembly/${folder}`)) || [...tested].some((one) => door.test(one));
}

function isTypesOnly(file: ProjectFile): boolean {
  return treeOf(file).statements.every(
    (statement) =>
      ts.isInterfaceDeclaration(statement)
      || ts.isTypeAliasDeclaration(statement)
      || ts.isImportDeclaration(statement)
      || ts.isExportDeclaration(statement),
  );
}
