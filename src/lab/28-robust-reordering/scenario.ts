/**
 * Row 28: numbered messages of some devices that arrive up to 10 s late; one in a thousand an hour late, three never.
 *
 *   off: the messages as they come     on: reorder({ seq, maxWait: '10 s' })
 */
import { below, type Random, seededRandom } from '../../base/random.ts';
import {
  collect,
  collection,
  eventTime,
  from,
  int32,
  type Job,
  job,
  monotonous,
  schema,
  timestamp,
  utf8,
} from '../../index.ts';
import { play, type Played, type PlayedRow, tape } from '../../testing/index.ts';
import type { Measurement, Pattern, Scenario } from '../scenario.ts';
import { guide } from './guide.ts';

const Message = schema({ at: timestamp(), device: utf8(), seq: int32() });

const BEGAN_MS = Date.UTC(2026, 2, 2);
const DEVICES = 10;
const PER_DEVICE = 2400;
/** Between two messages of a device. */
const STEP_MS = 500;
const SHUFFLE_MS = 10_000;
const HOUR_MS = 3_600_000;
const MISSING = 3;
const MAX_ROWS = 50;
/** Arrivals are looked at so often. */
const TICK_MS = 100;
const SAMPLE_MS = 1000;
/** Devices send for longer than a message may be waited for after these. */
const ODD_UNTIL = PER_DEVICE - 100;

/** A message of a tape. Arrival is undefined when it is lost. */
export interface Sent {
  readonly device: string;
  readonly seq: number;
  readonly sentMs: number;
  readonly arrivesMs: number | undefined;
  readonly isExtreme: boolean;
}

export interface Record {
  readonly sent: readonly Sent[];
  readonly played: Played;
}

function messages(random: Random): readonly Sent[] {
  const lost = new Set<number>();
  while (lost.size < MISSING) lost.add(below(random, DEVICES * ODD_UNTIL));
  return Array.from({ length: PER_DEVICE }, (_, i) => i).flatMap((i) =>
    Array.from({ length: DEVICES }, (_unused, device): Sent => {
      const sentMs = i * STEP_MS + below(random, STEP_MS);
      const isExtreme = i > 0 && i < ODD_UNTIL && below(random, 1000) === 0;
      const delayMs = isExtreme ? HOUR_MS : below(random, SHUFFLE_MS);
      const isLost = lost.has(i * DEVICES + device);
      return {
        device: `d${device}`,
        seq: i + 1,
        sentMs,
        arrivesMs: isLost ? undefined : Math.ceil((sentMs + delayMs) / TICK_MS) * TICK_MS,
        isExtreme: isExtreme && !isLost,
      };
    }),
  );
}

function messageJob(pattern: Pattern): Job {
  const sent = from(collection(Message, []), { uid: 'messages' }).watermark('at', monotonous());
  if (pattern === 'off') return sent.to(collect(), { uid: 'out' });
  const ordered = sent
    .keyBy('device')
    .reorder({ seq: 'seq', first: 1, maxWait: '10 s', maxRows: MAX_ROWS, uid: 'order' });
  return job(
    'messages',
    ordered.to(collect(), { uid: 'out' }),
    ordered.gaps.to(collect(), { uid: 'gaps' }),
    ordered.extremes.to(collect(), { uid: 'extremes' }),
  );
}

async function run(pattern: Pattern, seed: number): Promise<Record> {
  const sent = messages(seededRandom(seed));
  const events = sent.flatMap(({ device, seq, sentMs, arrivesMs }) =>
    arrivesMs === undefined
      ? []
      : [{ at: arrivesMs, row: { at: eventTime(new Date(BEGAN_MS + sentMs)), device, seq } }],
  );
  const tapes = { messages: tape(Message, events) };
  return { sent, played: await play(messageJob(pattern), { tapes, tickMs: TICK_MS, sampleEveryMs: SAMPLE_MS }) };
}

const rowsOf = ({ played }: Record, sink: string): readonly PlayedRow[] => played.output[sink] ?? [];
const nameOf = (device: unknown, seq: unknown): string => `${String(device)} ${String(seq)}`;

/** Rows of a device whose number is below that of the row before. */
function inversions(record: Record): number {
  const last = new Map<unknown, number>();
  let count = 0;
  for (const { row } of rowsOf(record, 'out')) {
    const [device, seq] = [row['device'], Number(row['seq'])];
    if (seq < (last.get(device) ?? 0)) count++;
    last.set(device, seq);
  }
  return count;
}

/** Every number that a gap told. */
const givenUp = (record: Record): ReadonlySet<string> =>
  new Set(
    rowsOf(record, 'gaps').flatMap(({ row }) => {
      const [begin, end] = [Number(row['from']), Number(row['to'])];
      return Array.from({ length: end - begin + 1 }, (_, i) => nameOf(row['device'], begin + i));
    }),
  );

function measure(record: Record): Measurement {
  const { sent, played } = record;
  const namesIn = (sink: string): readonly string[] =>
    rowsOf(record, sink).map(({ row }) => nameOf(row['device'], row['seq']));
  const [gaps, extremes] = [givenUp(record), new Set(namesIn('extremes'))];
  const seen = new Set([...namesIn('out'), ...extremes]);
  const missing = sent.filter(({ arrivesMs }) => arrivesMs === undefined);
  const slow = sent.filter(({ isExtreme }) => isExtreme);
  const share = (part: readonly Sent[], of: ReadonlySet<string>): number =>
    part.filter(({ device, seq }) => of.has(nameOf(device, seq))).length / part.length;
  const prompt = sent.filter(({ arrivesMs, isExtreme }) => arrivesMs !== undefined && !isExtreme);
  const held = played.samples.map(({ metrics }) => metrics['order']?.['held']?.value ?? 0);
  return {
    figures: {
      inversions: inversions(record),
      gapsTold: share(missing, gaps),
      extremesTold: share(slow, extremes),
      givenUpInVain: prompt.filter(({ device, seq }) => gaps.has(nameOf(device, seq))).length,
      lost: sent.length - missing.length - seen.size,
      buffer: Math.max(0, ...held) / (DEVICES * MAX_ROWS),
    },
    evidence: [
      `${sent.length - missing.length} messages of ${DEVICES} devices, ${slow.length} of them an hour late`,
      `out ${rowsOf(record, 'out').length}, in gaps ${gaps.size} numbers, extremes ${extremes.size}`,
      `at most ${Math.max(0, ...held)} messages held`,
    ],
  };
}

const exactly = (value: number): { readonly atLeast: number; readonly atMost: number } => ({
  atLeast: value,
  atMost: value,
});

export const scenario: Scenario<Record> = {
  row: 28,
  name: 'robust-reordering',
  incident: 'Messages arrive in the wrong order, some an hour late, some never',
  pattern: 'Robust Reordering',
  guide,
  figures: [
    {
      name: 'inversions',
      unit: 'messages',
      means: 'behind one of the same device with a higher number',
      off: { atLeast: 1 },
      on: exactly(0),
    },
    {
      name: 'gapsTold',
      unit: 'of the lost messages',
      means: 'told as gaps',
      off: exactly(0),
      on: exactly(1),
    },
    {
      name: 'extremesTold',
      unit: 'of the messages that came an hour late',
      means: 'told as extremes',
      off: exactly(0),
      on: exactly(1),
    },
    {
      name: 'givenUpInVain',
      unit: 'messages',
      means: 'that came within 10 s, but were given up',
      off: undefined,
      on: exactly(0),
    },
    { name: 'lost', unit: 'messages', means: 'that came, but are nowhere', off: exactly(0), on: exactly(0) },
    {
      name: 'buffer',
      unit: 'of maxRows times the devices',
      means: 'held at most, in samples of a second',
      off: undefined,
      on: { atMost: 1 },
    },
  ],
  run,
  measure,
};
