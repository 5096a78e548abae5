/**
 * The CSV parser against a careful loop in JavaScript over the same bytes: bids of seven fields, of which three are read.
 * Both sides add up what they read, and the sums must agree.
 */
import { kernelsBase64 } from '#kernels';
import { type Bench, type BenchOptions, type BenchResult, quantile, spreadOf } from '../bench.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { below, seededRandom } from '../../src/base/random.ts';
import { CsvParser } from '../../src/kernel/csv.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import { PADDING_BYTES } from '../../src/kernel/record-parser.ts';

const RECORDS = 40_000;
const ROUNDS = 7;
const NAMES = ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra'];
const START_MS = 1_767_225_600_000;

const schema: TableSchema = {
  fields: [
    { name: 'price', type: { kind: 'int64', nullable: false } },
    { name: 'channel', type: { kind: 'utf8', nullable: false } },
    { name: 'dateTime', type: { kind: 'timestamp', nullable: false } },
  ],
};
const WANTED = new Set(schema.fields.map(({ name }) => name));

const SHAPES = ['plain', 'iso', 'quoted', 'doubled'] as const;
type Shape = (typeof SHAPES)[number];

/** Records: plain ones, ones with ISO instants, ones with all fields in quotes, ones with quotes inside some texts. */
export function bidRecords(shape: Shape, count: number): string {
  const random = seededRandom(4711);
  const quoted = (text: string): string => (shape === 'quoted' ? `"${text}"` : text);
  const records = Array.from({ length: count }, (_, i) => {
    const time = START_MS + i * 10;
    const isDoubled = shape === 'doubled' && below(random, 4) === 0;
    return [
      String(1000 + below(random, 5000)),
      String(1000 + below(random, 9000)),
      String(Math.round(10 ** (below(random, 6000) / 1000) * 100)),
      isDoubled ? `"channel ""${below(random, 10_000)}"""` : quoted(`channel-${below(random, 10_000)}`),
      quoted(`https://www.nexmark.com/${below(random, 1e9).toString(36)}/item.htm?query=1`),
      quoted(shape === 'iso' ? new Date(time).toISOString() : String(time)),
      quoted(below(random, 1e9).toString(36)),
    ].join(',');
  });
  return `${records.join('\n')}\n`;
}

interface Sums {
  price: number;
  time: number;
  channels: number;
}

/** As a careful program would: characters in order, with what RFC 4180 says of quotes. */
function parseByScript(text: string): Sums {
  const sums = { price: 0, time: 0, channels: 0 };
  const fields: string[] = [];
  for (let at = 0; at < text.length; ) {
    let field = '';
    if (text.charCodeAt(at) === 34) {
      let end = text.indexOf('"', at + 1);
      while (text.charCodeAt(end + 1) === 34) end = text.indexOf('"', end + 2);
      field = text.slice(at + 1, end);
      if (field.includes('"')) field = field.replaceAll('""', '"');
      at = end + 1;
    } else {
      const from = at;
      for (let c = text.charCodeAt(at); c !== 44 && c !== 10; ) c = text.charCodeAt(++at);
      field = text.slice(from, at);
    }
    fields.push(field);
    if (text.charCodeAt(at++) === 44) continue;
    sums.price += Number(fields[2]);
    sums.channels += fields[3]?.length ?? 0;
    const time = fields[5] ?? '';
    sums.time += (time.includes('-') ? Date.parse(time) : Number(time)) % 1000;
    fields.length = 0;
  }
  return sums;
}

class ParserSide {
  readonly #parser: CsvParser;
  readonly #input: number;
  readonly #kernels: KernelInstance;

  constructor(module: WebAssembly.Module, bytes: Uint8Array) {
    const kernels = new KernelInstance(module, 256 << 20);
    this.#kernels = kernels;
    this.#parser = new CsvParser({ kernels, schema, columns: WANTED, batchRows: 4096, lineBytesMax: 1 << 20 });
    this.#parser.setFields(NAMES, ',');
    this.#input = kernels.memory.allocate(bytes.length + PADDING_BYTES);
    kernels.memory.u8.set(bytes, this.#input);
  }

  run(bytes: number, each: (rows: number, columns: readonly { readonly values: number }[]) => void): void {
    const end = this.#input + bytes;
    for (let at = this.#input; at < end; ) {
      const result = this.#parser.parse(at, end, end, true);
      at = result.next;
      each(result.rows, result.columns);
    }
  }

  sums(bytes: number): Sums {
    const sums = { price: 0, time: 0, channels: 0 };
    this.run(bytes, (rows, columns) => {
      const { i64, u32 } = this.#kernels.memory;
      for (let i = 0; i < rows; i++) {
        sums.price += Number(i64[((columns[0]?.values ?? 0) >> 3) + i]);
        sums.time += Number(i64[((columns[2]?.values ?? 0) >> 3) + i]) % 1000;
        sums.channels += u32[((columns[1]?.values ?? 0) >> 2) + i * 2 + 1] ?? 0;
      }
    });
    return sums;
  }
}

/** ns per record and GB/s of the parser, and how many times faster it is than the loop, for each shape of records. */
async function run({ short }: BenchOptions): Promise<BenchResult> {
  const module = await compileKernels(kernelsBase64);
  const figures: Record<string, number> = {};
  const spread: Record<string, number> = {};
  const counters: Record<string, number> = {};
  for (const shape of SHAPES) {
    const text = bidRecords(shape, RECORDS);
    const bytes = new TextEncoder().encode(text);
    const side = new ParserSide(module, bytes);
    const expected = JSON.stringify(parseByScript(text));
    const found = JSON.stringify(side.sums(bytes.length));
    if (found !== expected) throw new Error(`${shape}: the parser read ${found}, the loop ${expected}`);
    const rounds = Array.from({ length: short ? 2 : ROUNDS }, () => timeBoth(side, bytes));
    const ms = quantile(
      rounds.map(({ ours }) => ours),
      0.5,
    );
    const ratios = rounds.map(({ ours, theirs }) => theirs / ours);
    figures[shape] = quantile(ratios, 0.5);
    spread[shape] = spreadOf(ratios);
    figures[`${shape}NsPerRecord`] = (ms * 1e6) / RECORDS;
    figures[`${shape}GBPerS`] = bytes.length / ms / 1e6;
    counters[`${shape}Rows`] = RECORDS;
    counters[`${shape}Bytes`] = bytes.length;
  }
  return { figures, spread, counters };
}

/** Milliseconds for all records, of the parser and of the loop, which has to make a text of the bytes first. */
function timeBoth(side: ParserSide, bytes: Uint8Array): { readonly ours: number; readonly theirs: number } {
  let start = performance.now();
  for (let i = 0; i < 4; i++) side.run(bytes.length, () => {});
  const ours = (performance.now() - start) / 4;
  start = performance.now();
  parseByScript(new TextDecoder().decode(bytes));
  return { ours, theirs: performance.now() - start };
}

/** How many times faster than a loop in JavaScript the parser is for each shape of records; its ns per record and GB/s. */
export const bench: Bench = { id: 'csv', title: 'kernel: CSV parser against a loop in JavaScript', targets: {}, run };
