/**
 * The NDJSON parser against JSON.parse on the same bytes: bid lines of about 170 bytes, of which three fields are read.
 * Both sides add up what they read, and the sums must agree.
 */
import { kernelsBase64 } from '#kernels';
import { type Bench, type BenchOptions, type BenchResult, quantile, spreadOf } from '../bench.ts';
import type { TableSchema } from '../../src/data/schema.ts';
import { below, type Random, seededRandom } from '../../src/base/random.ts';
import { KernelInstance } from '../../src/kernel/instance.ts';
import { JsonParser } from '../../src/kernel/json.ts';
import { compileKernels } from '../../src/kernel/module.ts';
import { PADDING_BYTES } from '../../src/kernel/record-parser.ts';

const LINES = 40_000;
const ROUNDS = 7;
const WANTED = new Set(['channel', 'price', 'dateTime']);
const START_MS = 1_767_225_600_000;

const schema: TableSchema = {
  fields: [
    { name: 'auction', type: { kind: 'int64', nullable: false } },
    { name: 'bidder', type: { kind: 'int64', nullable: false } },
    { name: 'price', type: { kind: 'int64', nullable: false } },
    { name: 'channel', type: { kind: 'utf8', nullable: false } },
    { name: 'url', type: { kind: 'utf8', nullable: true } },
    { name: 'dateTime', type: { kind: 'timestamp', nullable: false } },
    { name: 'extra', type: { kind: 'utf8', nullable: true } },
  ],
};

type Pair = readonly [key: string, value: string];

function word(random: Random, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(97 + below(random, 26))).join('');
}

function bid(random: Random, i: number, iso: boolean): Pair[] {
  const channel = below(random, 10_000);
  const path = `${word(random, 5)}/${word(random, 5)}/${word(random, 5)}`;
  const time = START_MS + i * 10;
  return [
    ['auction', String(1000 + below(random, 5000))],
    ['bidder', String(1000 + below(random, 9000))],
    ['price', String(Math.round(10 ** (below(random, 6000) / 1000) * 100))],
    ['channel', `"channel-${channel}"`],
    ['url', `"https://www.nexmark.com/${path}/item.htm?query=1"`],
    ['dateTime', iso ? `"${new Date(time).toISOString()}"` : String(time)],
    ['extra', `"${word(random, 4 + below(random, 8))}"`],
  ];
}

const compact = (pairs: readonly Pair[]): string => `{${pairs.map(([key, value]) => `"${key}":${value}`).join(',')}}`;

function shuffle<T>(random: Random, items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) items.push(...items.splice(below(random, i + 1), 1));
  return items;
}

/** Several key orders, 10% absent optional fields, 1% escapes, varied whitespace. */
function mixed(random: Random, i: number, orders: readonly (readonly number[])[]): string {
  const pairs = bid(random, i, false);
  const order = orders[below(random, orders.length)] ?? [];
  const isEscaped = below(random, 100) === 0;
  const kept = order.flatMap((k): Pair[] => {
    const [key, value] = pairs[k] as Pair;
    if ((key === 'url' || key === 'extra') && below(random, 10) === 0) return [];
    return [[key, isEscaped && key === 'channel' ? `${value.slice(0, -1)}\\u00e9\\n"` : value]];
  });
  const style = below(random, 3);
  if (style === 0) return compact(kept);
  if (style === 1) return `{${kept.map(([key, value]) => `"${key}": ${value}`).join(', ')}}`;
  return `{ ${kept.map(([key, value]) => `"${key}" : ${value}`).join(' , ')} }`;
}

export function bidLines(shape: 'uniform' | 'iso' | 'mixed' | 'shuffled', count: number): string {
  const random = seededRandom(4711);
  const orders = Array.from({ length: 4 }, () => shuffle(random, [0, 1, 2, 3, 4, 5, 6]));
  const lines = Array.from({ length: count }, (_, i) => {
    if (shape === 'mixed') return mixed(random, i, orders);
    const pairs = bid(random, i, shape === 'iso');
    return compact(shape === 'shuffled' ? shuffle(random, pairs) : pairs);
  });
  return `${lines.join('\n')}\n`;
}

interface Sums {
  price: number;
  time: number;
  channels: number;
}

function parseByScript(lines: readonly Uint8Array[]): Sums {
  const decoder = new TextDecoder();
  const sums = { price: 0, time: 0, channels: 0 };
  for (const line of lines) {
    const row = JSON.parse(decoder.decode(line));
    sums.price += row.price;
    sums.time += (typeof row.dateTime === 'string' ? Date.parse(row.dateTime) : row.dateTime) % 1000;
    sums.channels += row.channel.length;
  }
  return sums;
}

function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let from = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, from)) {
    lines.push(bytes.subarray(from, at));
    from = at + 1;
  }
  return lines;
}

class ParserSide {
  readonly parser: JsonParser;
  readonly input: number;
  readonly kernels: KernelInstance;
  fastRows = 0;

  constructor(module: WebAssembly.Module, bytes: Uint8Array, wanted: ReadonlySet<string>) {
    this.kernels = new KernelInstance(module, 256 << 20);
    const { kernels } = this;
    this.parser = new JsonParser({ kernels, schema, columns: wanted, batchRows: 4096, lineBytesMax: 1 << 20 });
    this.input = this.kernels.memory.allocate(bytes.length + PADDING_BYTES);
    this.kernels.memory.u8.set(bytes, this.input);
  }

  run(bytes: number, each: (rows: number, columns: readonly { readonly values: number }[]) => void): number {
    const end = this.input + bytes;
    let rows = 0;
    this.fastRows = 0;
    for (let at = this.input; at < end; ) {
      const result = this.parser.parse(at, end, end);
      rows += result.rows;
      this.fastRows += result.fastRows;
      at = result.next;
      each(result.rows, result.columns);
    }
    return rows;
  }

  sums(bytes: number): Sums {
    const sums = { price: 0, time: 0, channels: 0 };
    const decoder = new TextDecoder();
    this.run(bytes, (rows, columns) => {
      const { i64, u32, u8 } = this.kernels.memory;
      for (let i = 0; i < rows; i++) {
        sums.price += Number(i64[((columns[2]?.values ?? 0) >> 3) + i]);
        sums.time += Number(i64[((columns[5]?.values ?? 0) >> 3) + i]) % 1000;
        const view = ((columns[3]?.values ?? 0) >> 2) + i * 2;
        const text = u32[view] ?? 0;
        sums.channels += decoder.decode(u8.slice(text, text + (u32[view + 1] ?? 0))).length;
      }
    });
    return sums;
  }
}

/** ns per line and GB/s of the parser, and how many times faster it is than JSON.parse, for each shape of lines. */
async function run({ short }: BenchOptions): Promise<BenchResult> {
  const module = await compileKernels(kernelsBase64);
  const figures: Record<string, number> = {};
  const spread: Record<string, number> = {};
  const counters: Record<string, number> = {};
  for (const shape of ['uniform', 'iso', 'mixed', 'shuffled'] as const) {
    const bytes = new TextEncoder().encode(bidLines(shape, LINES));
    const lines = splitLines(bytes);
    const side = new ParserSide(module, bytes, WANTED);
    const expected = JSON.stringify(parseByScript(lines));
    const found = JSON.stringify(side.sums(bytes.length));
    if (found !== expected) throw new Error(`${shape}: the parser read ${found}, JSON.parse ${expected}`);
    const rounds = Array.from({ length: short ? 2 : ROUNDS }, () => timeBoth(side, bytes.length, lines));
    const ms = quantile(
      rounds.map(({ ours }) => ours),
      0.5,
    );
    const ratios = rounds.map(({ ours, theirs }) => theirs / ours);
    figures[shape] = quantile(ratios, 0.5);
    spread[shape] = spreadOf(ratios);
    figures[`${shape}NsPerLine`] = (ms * 1e6) / LINES;
    figures[`${shape}GBPerS`] = bytes.length / ms / 1e6;
    counters[`${shape}Rows`] = LINES;
    counters[`${shape}FastRows`] = side.fastRows;
    counters[`${shape}Bytes`] = bytes.length;
  }
  return { figures, spread, counters };
}

/** Milliseconds for all lines, of the parser and of JSON.parse. */
function timeBoth(
  side: ParserSide,
  bytes: number,
  lines: readonly Uint8Array[],
): { readonly ours: number; readonly theirs: number } {
  let start = performance.now();
  for (let i = 0; i < 4; i++) side.run(bytes, () => {});
  const ours = (performance.now() - start) / 4;
  start = performance.now();
  parseByScript(lines);
  return { ours, theirs: performance.now() - start };
}

/** How many times faster than JSON.parse the parser is for each shape of lines; its ns per line and GB/s. */
export const bench: Bench = { id: 'json', title: 'kernel: NDJSON parser against JSON.parse', targets: {}, run };
