/** A job over lines of three files that has a bit of everything: late rows, refused lines, user functions, float sums. */
import { below, seededRandom } from '../../src/base/random.ts';
import {
  avg,
  boundedOutOfOrderness,
  count,
  float64,
  from,
  hopping,
  int32,
  type Job,
  job,
  schema,
  sum,
  timestamp,
  utf8,
} from '../../src/index.ts';
import { makeSink } from '../../src/platform.ts';
import type { SinkConnector } from '../../src/connector/sink.ts';
import { memoryFiles, type MemoryFiles, type MemoryFilesOptions } from '../../src/testing/memory-files.ts';

const READING = schema({ at: timestamp(), sensor: utf8().nullable(), value: float64().nullable(), weight: int32() });

export interface ReadingsSinks {
  readonly results: SinkConnector;
  readonly late: SinkConnector;
}

/** Hopping sums of what two functions make of each reading. */
export function readingsJob(files: MemoryFiles, sinks: ReadingsSinks, options: MemoryFilesOptions): Job {
  const windowed = from(memoryFiles(files, READING, options))
    .watermark('at', boundedOutOfOrderness('2 s'))
    .where((f) => f.weight.gt(1))
    .flatMap(
      ({ at, sensor, value, weight }) => Array.from({ length: weight % 3 }, (_, i) => ({ at, sensor, value, part: i })),
      {
        out: schema({ at: timestamp(), sensor: utf8().nullable(), value: float64().nullable(), part: int32() }),
      },
    )
    .filter(({ sensor }) => sensor !== 'ignored')
    .keyBy('sensor')
    .window(hopping('5 s', '1 s'))
    .aggregate({ rows: count(), total: sum('value'), mean: avg('value') });
  return job(
    'readings',
    windowed.to(makeSink('inserts only', sinks.results, 'results')),
    windowed.late.to(makeSink('inserts only', sinks.late, 'late')),
  );
}

export function readingsFiles(seed: number, lines: number, files = 3): MemoryFiles {
  const made: Record<string, Uint8Array> = {};
  for (let file = 0; file < files; file++) {
    const random = seededRandom(seed * 100 + file);
    let text = '';
    for (let i = 0; i < lines; i++) text += `${lineOf(i, random)}${below(random, 9) === 0 ? '\r\n' : '\n'}`;
    made[`readings-${file}`] = new TextEncoder().encode(below(random, 2) === 0 ? text : text.trimEnd());
  }
  return made;
}

function lineOf(i: number, random: ReturnType<typeof seededRandom>): string {
  const kind = below(random, 60);
  if (kind === 0) return '';
  if (kind === 1) return '{"at":17, "sensor"';
  if (kind === 2) return '{"at":null,"weight":3}';
  const at = 1_600_000_000_000 + i * 300 - (below(random, 6) === 0 ? below(random, 20_000) : below(random, 1_500));
  const sensor =
    ['s1', 's2', 'über', 'ignored', 'a name that is longer than twelve bytes', null][below(random, 6)] ?? null;
  const value = below(random, 8) === 0 ? null : (below(random, 2_000_000) - 1_000_000) / 7;
  return JSON.stringify({ at, sensor, value, weight: below(random, 6) });
}
