/**
 * What generated cases have covered: how often each value of each dimension came up, and which pairs of values of two
 * dimensions never met in one case. A random test without this table may be testing one corner five thousand times.
 */

/** Dimensions and the values that each can take. */
export type Dimensions = Readonly<Record<string, readonly string[]>>;

/** One case: a value for each dimension. */
export type Choice = Readonly<Record<string, string>>;

export interface Coverage {
  /** Counts a case. Throws when it names a dimension or value that was not declared, or leaves one out. */
  add(seed: number, choice: Choice): void;
  readonly cases: number;
  /** Pairs that fewer cases had, as "a=1 x b=2"; pairs that `isPossible` rules out are not asked for. */
  missingPairs(atLeast?: number): string[];
  /** The table for people: each value with its count and the first seeds that have it, then the missing pairs. */
  table(): string;
}

interface Tally {
  count: number;
  readonly seeds: number[];
}

const SEEDS_SHOWN = 3;

export function pairwiseCoverage(dimensions: Dimensions, isPossible: (pair: Choice) => boolean = () => true): Coverage {
  const names = Object.keys(dimensions);
  const singles = new Map<string, Tally>();
  const pairs = new Map<string, Tally>();
  for (const [a, name] of names.entries()) {
    for (const value of dimensions[name] ?? []) {
      singles.set(label(name, value), { count: 0, seeds: [] });
      for (const other of names.slice(a + 1)) {
        for (const otherValue of dimensions[other] ?? []) {
          if (!isPossible({ [name]: value, [other]: otherValue })) continue;
          pairs.set(pairLabel(name, value, other, otherValue), { count: 0, seeds: [] });
        }
      }
    }
  }
  let cases = 0;
  const missingPairs = (atLeast = 1): string[] =>
    [...pairs].filter(([, { count }]) => count < atLeast).map(([pair]) => pair);
  return {
    add(seed, choice) {
      requireSameNames(names, choice);
      cases++;
      for (const [a, name] of names.entries()) {
        const value = choice[name] ?? '';
        const single = singles.get(label(name, value));
        if (single === undefined) throw new Error(`coverage: ${label(name, value)} is not declared (seed ${seed})`);
        count(single, seed);
        for (const other of names.slice(a + 1)) {
          const pair = pairs.get(pairLabel(name, value, other, choice[other] ?? ''));
          if (pair !== undefined) count(pair, seed);
        }
      }
    },
    get cases() {
      return cases;
    },
    missingPairs,
    table: () => tableText(cases, singles, pairs, missingPairs()),
  };
}

const label = (name: string, value: string): string => `${name}=${value}`;

const pairLabel = (a: string, value: string, b: string, other: string): string =>
  `${label(a, value)} x ${label(b, other)}`;

function requireSameNames(names: readonly string[], choice: Choice): void {
  const given = Object.keys(choice);
  const wrong = [...names.filter((name) => !given.includes(name)), ...given.filter((name) => !names.includes(name))];
  if (wrong.length > 0) throw new Error(`coverage: dimensions ${wrong.join(', ')} are declared or given, not both`);
}

function count(tally: Tally, seed: number): void {
  tally.count++;
  if (tally.seeds.length < SEEDS_SHOWN) tally.seeds.push(seed);
}

function tableText(
  cases: number,
  singles: ReadonlyMap<string, Tally>,
  pairs: ReadonlyMap<string, Tally>,
  missing: readonly string[],
): string {
  const [rarest] = [...pairs].sort(([, a], [, b]) => a.count - b.count);
  const width = Math.max(...[...singles.keys()].map((key) => key.length));
  const rows = [...singles].map(
    ([key, tally]) =>
      `${key.padEnd(width)} ${String(tally.count).padStart(7)}  seeds ${tally.seeds.join(', ') || 'none'}`,
  );
  return [
    `${cases} cases, ${pairs.size - missing.length} of ${pairs.size} pairs`,
    `rarest pair: ${rarest?.[0] ?? 'none'}, ${rarest?.[1].count ?? 0} times`,
    ...rows,
    ...missing.map((pair) => `missing: ${pair}`),
  ].join('\n');
}
