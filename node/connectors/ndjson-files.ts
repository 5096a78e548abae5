/** NDJSON from files (replayable, one split each) and from standard input (read once). */
import { UserError } from '../../src/base/errors.ts';
import { QUANTUM_BYTES, type SourceConnector } from '../../src/connector/source.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { NdjsonDecoder } from '../../src/format/ndjson.ts';
import { StreamChunks } from './chunks.ts';
import { type FileReadOptions, type ReadOptions, readingOf, requireKnown, wrong } from './read-options.ts';
import { recordFiles } from './record-files.ts';
import { decoderOptions, RecordReader } from './record-reader.ts';
import { withIntake } from './with-intake.ts';

/** Lines of the files that a glob, or several, name. */
export const ndjsonFiles = (
  patterns: string | readonly string[],
  schema: TableSchema,
  options: FileReadOptions = {},
): SourceConnector =>
  recordFiles(
    { patterns, schema, format: (part) => new NdjsonDecoder(part), where: 'ndjsonFiles', lines: LINES },
    options,
  );

const LINES = { quoted: undefined, header: undefined };

/** Lines of standard input. They cannot be read again: a job that has a checkpoint of them is refused (E1506). */
export function stdin(
  schema: TableSchema,
  input: AsyncIterable<Uint8Array> = process.stdin,
  options: ReadOptions = {},
): SourceConnector {
  requireKnown(options, ['startAt', 'rate', 'sample'], 'stdin');
  const reading = readingOf(options, 'stdin');
  if (reading.position !== undefined)
    throw wrong('startAt of stdin', "{ timestamp: '2001-01-03T10:00Z' }: it has no offsets", options.startAt);
  return {
    ...withIntake(streamSource(schema, input), reading, 'stdin'),
    withReading: (more) => stdin(schema, input, { ...options, ...more }),
  };
}

function streamSource(schema: TableSchema, input: AsyncIterable<Uint8Array>): SourceConnector {
  return {
    schema,
    live: true,
    quantum: QUANTUM_BYTES,
    splits: async () => [{ id: 'stdin' }],
    async open(split, offset, context) {
      if (offset !== undefined && offset !== 0) {
        throw new UserError(
          'E1506',
          { source: 'standard input' },
          { hint: 'write the lines to a file and follow it, or begin anew with another state folder' },
        );
      }
      const { chunkBytes } = context;
      const decoder = new NdjsonDecoder(decoderOptions({ schema, split: split.id, offset: 0, chunkBytes }, context));
      return new RecordReader(new StreamChunks(input, 'standard input'), decoder);
    },
  };
}
