/**
 * A schema that fits a sample: the type of each column, how often it has no value, and which columns may be the event time,
 * with the disorder that was seen. A proposal: what the sample does not hold it does not know.
 *
 *   whole numbers      int32, int64 or int64 as bigint, by size    instants        timestamp, by ISO 8601 or by range
 *   other numbers      float64                                     objects, lists  json
 *   true and false     bool                                        everything      utf8, or json where kinds are mixed
 *
 * Invariants
 *  1. Every record of the sample that is not counted as broken fits the proposed schema.
 *  2. An integer is proposed as an instant only when all its values lie between 2000 and 2100 (seconds: and its name says so).
 * Not here: files, and the words of the proposal (the host's command line).
 */
import type { ColumnType } from '../data/types.ts';
import { type Sample, type SampleFormat, sampleRecords } from './sample-records.ts';

const INT32_MAX = 2 ** 31;
const INT64_MAX = 2 ** 63;
const FROM_S = 946_684_800;
const TO_S = 4_102_444_800;
const TIME_WORD = /time|date|stamp|epoch|when|scheduled|created|updated/i;
/** created_at, eventTs; not that. */
const TIME_ENDING = /(?:^|_)(?:at|ts)$|[a-z](?:At|Ts)$/;
const ISO = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?([Zz]|[-+]\d\d(?::?\d\d)?)?)?$/;

/** How the instants of a column follow each other. */
export interface TimeOrder {
  readonly from: number;
  readonly to: number;
  /** Values that are smaller than one before them. */
  readonly outOfOrder: number;
  /** How far they are behind the largest one before them, at most, in milliseconds. */
  readonly disorderMs: number;
}

export interface ColumnProposal {
  readonly name: string;
  readonly type: ColumnType;
  /** Records without a value. */
  readonly absent: number;
  /** Of timestamps. */
  readonly order?: TimeOrder;
}

export interface SchemaProposal {
  readonly format: SampleFormat;
  readonly records: number;
  readonly broken: number;
  readonly columns: readonly ColumnProposal[];
  /** The column that may serve as event time: the first timestamp that every record has. */
  readonly eventTime: string | undefined;
}

/** Proposes a schema for the records of `bytes`, the beginning of a file, of which at most `rows` are looked at. */
export function inferSchema(bytes: Uint8Array, rows: number): SchemaProposal {
  const { format, records, broken } = sampleRecords(bytes, rows);
  // A column of CSV without any value is one all the same.
  const columns = new Map<string, ColumnSample>(
    format.kind === 'csv' ? format.names.map((name) => [name, new ColumnSample()]) : [],
  );
  for (const record of records) {
    for (const [name, sample] of record) {
      const column = columns.get(name) ?? new ColumnSample();
      columns.set(name, column);
      column.add(sample);
    }
  }
  const proposed = [...columns].map(([name, column]) => column.proposal(name, records.length, format.kind === 'csv'));
  const eventTime = proposed.find(({ type, absent }) => type.kind === 'timestamp' && absent === 0)?.name;
  return { format, records: records.length, broken, columns: proposed, eventTime };
}

type Counted = 'bool' | 'whole' | 'fraction' | 'text' | 'instant' | 'nested';

class ColumnSample {
  readonly #counts: Record<Counted, number> = { bool: 0, whole: 0, fraction: 0, text: 0, instant: 0, nested: 0 };
  readonly #numbers = new OrderSample();
  readonly #instants = new OrderSample();
  #present = 0;
  #isMicros = false;

  add(sample: Sample): void {
    this.#present++;
    if (sample.kind === 'number') this.#addNumber(sample.value);
    else if (sample.kind === 'text') this.#addText(sample.text);
    else this.#counts[sample.kind]++;
  }

  #addNumber(value: number): void {
    // The double at either end may stand for digits beyond it.
    const isWhole = Number.isInteger(value) && value > -INT64_MAX && value < INT64_MAX;
    this.#counts[isWhole ? 'whole' : 'fraction']++;
    this.#numbers.add(value);
  }

  #addText(text: string): void {
    this.#counts.text++;
    const ms = isoMs(text);
    if (ms === undefined) return;
    this.#counts.instant++;
    this.#isMicros ||= !Number.isInteger(ms);
    this.#instants.add(ms);
  }

  proposal(name: string, records: number, isText: boolean): ColumnProposal {
    const absent = records - this.#present;
    const nullable = absent > 0 || this.#present === 0;
    const unit = this.#unit(name);
    if (unit !== undefined) {
      const order = unit.isIso ? this.#instants.order(1) : this.#numbers.order(MS_PER[unit.unit]);
      return { name, type: { kind: 'timestamp', nullable, unit: unit.unit }, absent, order };
    }
    return { name, type: { ...this.#plainType(isText), nullable }, absent };
  }

  #all(...kinds: readonly Counted[]): boolean {
    return this.#present > 0 && kinds.reduce((sum, kind) => sum + this.#counts[kind], 0) === this.#present;
  }

  #unit(name: string): { readonly unit: 's' | 'ms' | 'us'; readonly isIso: boolean } | undefined {
    if (this.#all('instant')) return { unit: this.#isMicros ? 'us' : 'ms', isIso: true };
    if (!this.#all('whole')) return undefined;
    const { from, to } = this.#numbers.order(1);
    const fits = (unit: 's' | 'ms' | 'us'): boolean =>
      from * MS_PER[unit] >= FROM_S * 1000 && to * MS_PER[unit] < TO_S * 1000;
    if (fits('ms')) return { unit: 'ms', isIso: false };
    if (fits('us')) return { unit: 'us', isIso: false };
    return fits('s') && (TIME_WORD.test(name) || TIME_ENDING.test(name)) ? { unit: 's', isIso: false } : undefined;
  }

  #plainType(isText: boolean): Omit<ColumnType, 'nullable'> {
    if (this.#all('bool')) return { kind: 'bool' };
    if (this.#all('whole')) return integerOf(this.#numbers.order(1));
    if (this.#all('whole', 'fraction')) return { kind: 'float64' };
    return this.#present === 0 || this.#all('text') || isText ? { kind: 'utf8' } : { kind: 'json' };
  }
}

const MS_PER = { s: 1000, ms: 1, us: 0.001 } as const;

function integerOf({ from, to }: TimeOrder): Omit<ColumnType, 'nullable'> {
  if (from >= -INT32_MAX && to < INT32_MAX) return { kind: 'int32' };
  return Number.isSafeInteger(from) && Number.isSafeInteger(to) ? { kind: 'int64' } : { kind: 'int64', bigint: true };
}

/** Extremes of a row of numbers, and how far they go back. */
class OrderSample {
  #from = Number.POSITIVE_INFINITY;
  #to = Number.NEGATIVE_INFINITY;
  #outOfOrder = 0;
  #behind = 0;

  add(value: number): void {
    if (value < this.#to) {
      this.#outOfOrder++;
      this.#behind = Math.max(this.#behind, this.#to - value);
    }
    this.#from = Math.min(this.#from, value);
    this.#to = Math.max(this.#to, value);
  }

  /** With values that are `msPer` milliseconds each. */
  order(msPer: number): TimeOrder {
    return {
      from: this.#from * msPer,
      to: this.#to * msPer,
      outOfOrder: this.#outOfOrder,
      disorderMs: this.#behind * msPer,
    };
  }
}

/** Milliseconds since 1970 of an ISO 8601 text as the kernels read it, with a fraction for what is finer; undefined: none. */
function isoMs(text: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, date = '', time = '00:00', seconds = '00', fraction = '', zone = 'Z'] = match;
  const midnight = Date.parse(`${date}T00:00:00Z`);
  // What does not exist comes out as another day.
  const isDate = Number.isFinite(midnight) && new Date(midnight).toISOString().startsWith(date);
  const [hours = 24, minutes = 60] = time.split(':').map(Number);
  const east = /^[Zz]$/.test(zone) ? 0 : Number(`${zone[0]}1`) * offsetMinutes(zone.slice(1));
  if (!isDate || hours > 23 || minutes > 59 || Number(seconds) > 59 || Number.isNaN(east)) return undefined;
  const whole = midnight + ((hours * 60 + minutes - east) * 60 + Number(seconds)) * 1000;
  return whole + Number(`0.${fraction}0`) * 1000;
}

/** Of hh, hhmm or hh:mm; NaN when they are none. */
function offsetMinutes(text: string): number {
  const hours = Number(text.slice(0, 2));
  const minutes = Number(text.length > 2 ? text.slice(-2) : 0);
  return hours > 23 || minutes > 59 ? Number.NaN : hours * 60 + minutes;
}
