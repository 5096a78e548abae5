/** A proposed schema as TypeScript: what to paste, and beside each column what was seen. */
import { shortDuration } from '../../src/base/time.ts';
import type { ColumnType } from '../../src/data/types.ts';
import type { ColumnProposal, SchemaProposal, TimeOrder } from '../../src/format/infer-schema.ts';
import type { SampleFormat } from '../../src/format/sample-records.ts';

/** `path` is what the source is to read. */
export function proposalText(proposal: SchemaProposal, path: string): string {
  const { format, records, broken, columns, eventTime } = proposal;
  const source = format.kind === 'csv' ? 'csvFiles' : 'ndjsonFiles';
  const order = columns.find(({ name }) => name === eventTime)?.order;
  const strategy = order === undefined ? undefined : strategyOf(order);
  const makers = [...new Set(columns.map(({ type }) => type.kind))].sort();
  const imported = ['from', 'schema', ...makers, ...(strategy === undefined ? [] : [strategy.split('(')[0] ?? ''])];
  return [
    `// A proposal, from ${count(records)} records of ${path}${broken === 0 ? '' : `, beside ${count(broken)} that could not be read`}.`,
    '// What those records did not hold it cannot know: look at it before you rely on it.',
    `import { ${imported.join(', ')} } from 'millrace';`,
    `import { ${source} } from 'millrace/node';`,
    '',
    'const Row = schema({',
    ...columns.map((column) => columnLine(column, records)),
    '});',
    '',
    `export const rows = from(${source}(${quoted(path)}, Row${optionsOf(format)}))${strategy === undefined ? ';' : ''}`,
    ...(strategy === undefined
      ? ['// No column is an instant in every record: without event time there are no windows.']
      : [`  .watermark(${quoted(eventTime ?? '')}, ${strategy});`]),
  ].join('\n');
}

const count = (n: number): string => n.toLocaleString('en');

const quoted = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;

function columnLine({ name, type, absent, order }: ColumnProposal, records: number): string {
  const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name);
  const notes = [
    ...(absent === 0
      ? []
      : [absent === records ? 'never has a value' : `absent in ${count(absent)} of ${count(records)}`]),
    ...(order === undefined ? [] : [orderNote(order)]),
  ];
  return `  ${key}: ${maker(type)},${notes.length === 0 ? '' : ` // ${notes.join('; ')}`}`;
}

function maker({ kind, unit, bigint, nullable }: ColumnType): string {
  const argument = kind === 'timestamp' && unit !== undefined && unit !== 'ms' ? `'${unit}'` : '';
  return `${kind}(${argument})${bigint === true ? '.asBigInt()' : ''}${nullable ? '.nullable()' : ''}`;
}

function orderNote({ from, to, outOfOrder, disorderMs }: TimeOrder): string {
  const range = `${instant(from)} to ${instant(to)}`;
  if (outOfOrder === 0) return `${range}, in order`;
  return `${range}, ${count(outOfOrder)} out of order, at most ${shortDuration(rounded(disorderMs))} behind`;
}

const instant = (ms: number): string => new Date(ms).toISOString().replace(/(?::00)?\.000Z$/, 'Z');

/** Nobody reads 4,417,000 ms: whole seconds, or whole minutes where there are many. */
function rounded(ms: number): number {
  const unit = ms < 10_000 ? 1 : ms < 3_600_000 ? 1000 : 60_000;
  return Math.ceil(ms / unit) * unit;
}

/** Bounds that people choose. */
const BOUNDS_MS: readonly number[] = [
  ...[10, 100, 500],
  ...[1, 2, 5, 10, 15, 30].map((s) => s * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 6, 12].map((hours) => hours * 3_600_000),
];
const DAY_MS = 86_400_000;

function strategyOf({ disorderMs, outOfOrder }: TimeOrder): string {
  if (outOfOrder === 0) return 'monotonous()';
  const bound = BOUNDS_MS.find((ms) => ms >= disorderMs) ?? Math.ceil(disorderMs / DAY_MS) * DAY_MS;
  return `boundedOutOfOrderness('${shortDuration(bound)}')`;
}

function optionsOf(format: SampleFormat): string {
  if (format.kind === 'ndjson') return '';
  const { header, separator } = format;
  const options = [
    ...(header ? [] : ['header: false']),
    ...(separator === ',' ? [] : [`separator: ${quoted(separator)}`]),
  ];
  return options.length === 0 ? '' : `, { ${options.join(', ')} }`;
}
