/**
 * NDJSON files of Nexmark bids, made from a seed and kept in a cache folder under the system's temporary folder.
 *
 * Channels follow the rule of Nexmark: half of the bids go to four hot channels, the others to 10,000 equally likely
 * ones, so a 10 s window of 100,000 bids has about 9,940 keys. Values follow it too, except that the url has no
 * channel_id and `extra` is a few letters: a line is then about 170 bytes. 10,000 bids are 1 s of event time.
 *
 * Invariants
 *  1. The bytes are a function of (shape, lines, seed) and VERSION; the name of the file says all of them.
 *  2. In every shape one bid in five is out of order by less than DISORDER_MS, so never late; one in 1,000 is delayed
 *     by 2 s to 30 s, and late when its 10 s window has passed by then.
 *  3. auction, price, channel and dateTime stand in every line; bidder, url and extra are optional.
 *  4. A file appears under its name only when it is whole.
 *
 * | shape | lines |
 * |---|---|
 * | uniform | one key order, no whitespace, no escapes, all fields |
 * | mixed | five key orders and four styles of whitespace, in runs of 1 to 64 lines |
 * | | each optional field absent in 10%, escapes in 1% of lines (also in channels) |
 * | shuffled | keys in a random order in each line, otherwise uniform |
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { below, type Random, seededRandom, uniform } from '../../src/base/random.ts';

export type BidShape = 'uniform' | 'mixed' | 'shuffled';

export const BID_SHAPES: readonly BidShape[] = ['uniform', 'mixed', 'shuffled'];

/** Of a bench's file: a run of the engine is then long enough that starting a job and compiling it are little of it. */
export const BENCH_LINES = 6_000_000;
/** What a job over these files sets as its bounded disorder. */
export const DISORDER_MS = 1_000;
export const WINDOW_MS = 10_000;
export const BASE_TIME = 1_600_000_000_000;

export interface BidFile {
  readonly path: string;
  readonly lines: number;
  readonly bytes: number;
}

const VERSION = 1;
const BIDS_PER_MS = 10;
const LINES_PER_WRITE = 8_192;

/** The file of that shape, made if the cache does not have it. */
export function bidFile(
  shape: BidShape,
  lines: number,
  seed = 1,
  folder = join(tmpdir(), 'millrace-benches'),
): BidFile {
  const path = join(folder, `bids-v${VERSION}-${shape}-${lines}-${seed}.ndjson`);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    const partial = `${path}.${process.pid}.partial`;
    writeBids(partial, shape, lines, seed);
    renameSync(partial, path);
  }
  return { path, lines, bytes: statSync(path).size };
}

function writeBids(path: string, shape: BidShape, lines: number, seed: number): void {
  const random = seededRandom(seed);
  const channels = channelTable(seededRandom(seed + 1));
  const writeLine = { uniform: uniformLine, mixed: mixedLines(), shuffled: shuffledLine }[shape];
  const file = openSync(path, 'w');
  for (let first = 0; first < lines; first += LINES_PER_WRITE) {
    const block: string[] = [];
    for (let n = first; n < Math.min(first + LINES_PER_WRITE, lines); n++)
      block.push(writeLine(bid(n, channels, random), random));
    writeSync(file, `${block.join('\n')}\n`);
  }
  closeSync(file);
}

interface Channel {
  readonly name: string;
  readonly url: string;
}

interface Bid {
  readonly auction: number;
  readonly bidder: number;
  readonly price: number;
  readonly channel: string;
  readonly url: string;
  readonly dateTime: number;
  readonly extra: string;
}

const HOT_CHANNELS = ['Google', 'Facebook', 'Baidu', 'Apple'];
const COLD_CHANNELS = 10_000;

function channelTable(random: Random): Channel[] {
  const channels: Channel[] = [];
  for (let i = 0; i < HOT_CHANNELS.length + COLD_CHANNELS; i++) {
    const name = HOT_CHANNELS[i] ?? `channel-${i - HOT_CHANNELS.length}`;
    const directories = [letters(random, 3), letters(random, 4), letters(random, 3)].join('/');
    channels.push({ name, url: `https://www.nexmark.com/${directories}/item.htm?query=1` });
  }
  return channels;
}

/** Bids are 46 of 50 events, so bid n is about event n * 50 / 46: from it come the last person and auction. */
function bid(n: number, channels: readonly Channel[], random: Random): Bid {
  const epoch = Math.floor(n / 46);
  const lastAuction = epoch * 3 + 2;
  const firstAuction = Math.max(lastAuction - 100, 0);
  const isHotAuction = below(random, 2) > 0;
  const auction = isHotAuction
    ? Math.floor(lastAuction / 100) * 100
    : firstAuction + below(random, lastAuction - firstAuction + 11);
  const active = Math.min(epoch + 1, 1_000);
  const isHotBidder = below(random, 4) > 0;
  const bidder = isHotBidder ? Math.floor(epoch / 100) * 100 + 1 : epoch + 1 - active + below(random, active + 10);
  const hot =
    below(random, 2) > 0 ? below(random, HOT_CHANNELS.length) : HOT_CHANNELS.length + below(random, COLD_CHANNELS);
  const channel = channels[hot] ?? { name: '', url: '' };
  return {
    auction: 1_000 + auction,
    bidder: 1_000 + bidder,
    price: Math.round(10 ** (uniform(random) * 6) * 100),
    channel: channel.name,
    url: channel.url,
    dateTime: BASE_TIME + Math.floor(n / BIDS_PER_MS) - delayMs(random),
    extra: letters(random, 3 + below(random, 6)),
  };
}

function delayMs(random: Random): number {
  const draw = below(random, 1_000);
  if (draw === 0) return 2_000 + below(random, 28_000);
  return draw <= 200 ? below(random, DISORDER_MS) : 0;
}

function letters(random: Random, length: number): string {
  let out = '';
  for (let i = 0; i < length; i++) out += String.fromCharCode(97 + below(random, 26));
  return out;
}

const uniformLine = (b: Bid): string =>
  `{"auction":${b.auction},"bidder":${b.bidder},"price":${b.price},"channel":"${b.channel}","url":"${b.url}"`
  + `,"dateTime":${b.dateTime},"extra":"${b.extra}"}`;

const members = (b: Bid): string[] => [
  `"auction":${b.auction}`,
  `"bidder":${b.bidder}`,
  `"price":${b.price}`,
  `"channel":"${b.channel}"`,
  `"url":"${b.url}"`,
  `"dateTime":${b.dateTime}`,
  `"extra":"${b.extra}"`,
];

function shuffledLine(b: Bid, random: Random): string {
  const items = members(b);
  for (let i = items.length - 1; i > 0; i--) {
    const j = below(random, i + 1);
    const item = items[i] ?? '';
    items[i] = items[j] ?? '';
    items[j] = item;
  }
  return `{${items.join(',')}}`;
}

type Member = keyof Bid;

const KEY_ORDERS: readonly (readonly Member[])[] = [
  ['auction', 'bidder', 'price', 'channel', 'url', 'dateTime', 'extra'],
  ['dateTime', 'auction', 'bidder', 'price', 'channel', 'url', 'extra'],
  ['channel', 'url', 'price', 'auction', 'bidder', 'extra', 'dateTime'],
  ['bidder', 'extra', 'auction', 'dateTime', 'channel', 'price', 'url'],
  ['url', 'price', 'dateTime', 'extra', 'channel', 'auction', 'bidder'],
];
const OPTIONAL: ReadonlySet<Member> = new Set<Member>(['bidder', 'url', 'extra']);

interface Whitespace {
  readonly colon: string;
  readonly comma: string;
  readonly inside: string;
}

const WHITESPACE: readonly Whitespace[] = [
  { colon: ':', comma: ',', inside: '' },
  { colon: ': ', comma: ', ', inside: '' },
  { colon: ' : ', comma: ' , ', inside: ' ' },
  { colon: ':\t', comma: ',  ', inside: '\t' },
];

/** Writers come in runs, as producers with one library each would give; five runs in eight have no whitespace. */
function mixedLines(): (b: Bid, random: Random) => string {
  let left = 0;
  let order = KEY_ORDERS[0] ?? [];
  let whitespace = WHITESPACE[0] ?? { colon: ':', comma: ',', inside: '' };
  return (b, random) => {
    if (left === 0) {
      left = 1 + below(random, 64);
      order = KEY_ORDERS[below(random, KEY_ORDERS.length)] ?? order;
      whitespace = WHITESPACE[below(random, 2) === 0 ? 0 : below(random, WHITESPACE.length)] ?? whitespace;
    }
    left--;
    return mixedLine(b, order, whitespace, random);
  };
}

function mixedLine(b: Bid, order: readonly Member[], whitespace: Whitespace, random: Random): string {
  const hasEscapes = below(random, 100) === 0;
  const items: string[] = [];
  for (const member of order) {
    if (OPTIONAL.has(member) && below(random, 10) === 0) continue;
    const value = b[member];
    const text = typeof value === 'number' ? String(value) : hasEscapes ? escaped(member, value, random) : `"${value}"`;
    items.push(`"${member}"${whitespace.colon}${text}`);
  }
  return `{${whitespace.inside}${items.join(whitespace.comma)}${whitespace.inside}}`;
}

/** A channel keeps its value under the escapes, so that its key is the same; `extra` gets what only escapes can say. */
function escaped(member: Member, value: string, random: Random): string {
  if (member === 'url') return `"${value.replaceAll('/', '\\/')}"`;
  if (member === 'extra') return `"${value}\\"\\\\\\n\\ud83d\\ude95${value}"`;
  const at = below(random, value.length);
  return `"${value.slice(0, at)}\\u00${value.charCodeAt(at).toString(16).padStart(2, '0')}${value.slice(at + 1)}"`;
}
