/**
 * CSV from files: replayable, one split each.
 *
 * A reader that continues in the middle of a file reads its header first: it says which fields follow.
 */
import type { SourceConnector } from '../../src/connector/source.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { CsvDecoder, type CsvOptions, HEADER_BYTES_MAX, namesOf, RECORD_BYTES_MAX } from '../../src/format/csv.ts';
import { type CsvHeader, readCsvHeader } from '../../src/format/csv-header.ts';
import type { Chunks } from './chunks.ts';
import { Collected } from './collected.ts';
import type { FileReadOptions } from './read-options.ts';
import { type RecordFiles, recordFiles } from './record-files.ts';
import type { ContentPart } from './record-reader.ts';

/** Records of the files that a glob, or several, name. */
export const csvFiles = (
  patterns: string | readonly string[],
  schema: TableSchema,
  options: CsvOptions,
  reading: FileReadOptions = {},
): SourceConnector => {
  return recordFiles({ patterns, schema, where: 'csvFiles', ...csvFormat(options) }, reading);
};

/** How files of CSV are read. */
export const csvFormat = (options: CsvOptions): Pick<RecordFiles, 'format' | 'lines'> => ({
  format: (part) => openDecoder(part, options),
  lines: {
    quoted: { separator: options.separator.charCodeAt(0), recordBytesMax: RECORD_BYTES_MAX },
    header: options.header ? headerBytes(options.separator) : undefined,
  },
});

/** A header that is broken is none to leave out: its file's decoder, or the comparison with the one before, tells. */
const headerBytes =
  (separator: string) =>
  (bytes: Uint8Array): number | undefined => {
    const header = readCsvHeader(bytes, separator);
    return header.kind === 'names' ? header.bytes : header.kind === 'broken' ? 0 : undefined;
  };

async function openDecoder(part: ContentPart, options: CsvOptions): Promise<CsvDecoder> {
  if (!options.header || part.offset === 0) return new CsvDecoder({ ...part, ...options });
  const { chunks, start } = await part.beginning();
  try {
    if (part.offset === start) return new CsvDecoder({ ...part, ...options });
    const header = await headerAhead(chunks, options.separator);
    return new CsvDecoder({ ...part, ...options, names: namesOf(header, part.schema, part.path) });
  } finally {
    await chunks.close();
  }
}

async function headerAhead(chunks: Chunks, separator: string): Promise<CsvHeader> {
  const target = new Collected();
  while (true) {
    const header = readCsvHeader(target.bytes(), separator);
    if (header.kind !== 'unfinished' || target.length > HEADER_BYTES_MAX) return header;
    const given = chunks.next(target);
    if (given === 'wait') await chunks.ready();
    // A line break ends the header of a file that has nothing else.
    else if (given === 'end') return readCsvHeader(Buffer.concat([target.bytes(), Buffer.from('\n')]), separator);
  }
}
