/** `millrace infer`: a schema for a file, from its first records, as TypeScript to paste. */
import { UserError } from '../../src/base/errors.ts';
import { inferSchema, type SchemaProposal } from '../../src/format/infer-schema.ts';
import { Collected } from '../connectors/collected.ts';
import { findRecordFiles, openContent, type RecordFile } from '../connectors/file-source.ts';
import { formatOptions, type OptionSpec, readArguments } from './arguments.ts';
import { EXIT, say } from './output.ts';
import { proposalText } from './proposal-text.ts';

const ROWS = 10_000;
const READ_BYTES = 262_144;
/** However long records are. */
const SAMPLE_BYTES_MAX = 64 << 20;
const NEWLINE = 10;

const OPTIONS: { readonly [name: string]: OptionSpec } = {
  rows: { type: 'string', value: '<n>', help: `records to look at (${ROWS.toLocaleString('en')})` },
  json: { type: 'boolean', help: 'print what was found as JSON' },
};

export const inferHelp = `millrace infer <file> [options]

Reads the first records of a file of NDJSON or CSV (also as gzip) and proposes a schema: the types of its columns, which of them
may be null and how often they were, which may be the event time and how far out of order it came. Of a glob the first file is
read. It is a proposal: what the sample does not hold it cannot know.

${formatOptions(OPTIONS)}
`;

export async function infer(args: readonly string[]): Promise<number> {
  const options = readArguments('infer', args, OPTIONS);
  const [pattern] = options.positionals;
  if (pattern === undefined) {
    say(inferHelp);
    return EXIT.usage;
  }
  const rows = rowsOf(options.text('rows'));
  const [file] = await findRecordFiles([pattern]);
  const proposal: SchemaProposal | undefined =
    file === undefined ? undefined : inferSchema(await sampleOf(file, rows), rows);
  if (proposal === undefined || proposal.records === 0) {
    throw new UserError('E1604', { command: 'infer', problem: `${pattern} begins with no record that can be read` });
  }
  const text = options.flag('json') ? JSON.stringify(proposal, null, 2) : proposalText(proposal, pattern);
  process.stdout.write(`${text}\n`);
  return EXIT.done;
}

function rowsOf(text: string | undefined): number {
  if (text === undefined) return ROWS;
  const rows = Number(text);
  if (Number.isSafeInteger(rows) && rows > 0) return rows;
  throw new UserError('E1604', {
    command: 'infer',
    problem: `--rows must be a whole number above 0, but is '${text}'`,
  });
}

/** The beginning of a file, with as many lines as rows are wanted; it ends behind a line break, or with the file. */
async function sampleOf(file: RecordFile, rows: number): Promise<Uint8Array> {
  const { chunks } = await openContent(file, undefined, READ_BYTES);
  const target = new Collected();
  try {
    // One more than rows, for a header.
    for (let lines = 0; lines <= rows && target.length < SAMPLE_BYTES_MAX; ) {
      const given = chunks.next(target);
      if (given === 'end') return target.bytes();
      if (given === 'wait') await chunks.ready();
      else lines += target.last().reduce((count, byte) => (byte === NEWLINE ? count + 1 : count), 0);
    }
    const bytes = target.bytes();
    return bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
  } finally {
    await chunks.close();
  }
}
