/**
 * The rows of each key in order: by a number that each has, or by event time.
 *
 *   processBatch:      before each row what its watermark makes due, then the row
 *   processWatermark:  what is due, in order of deadlines, hash and bytes of the key, place; then it is passed on
 *
 *   port 0: rows in order   1: gaps that were given up   2: rows that could not be put in order   3: the audit
 *
 * Invariants
 *  1. What comes out does not depend on how rows were batched, nor on restarts: waits end by the watermark of each row.
 *  2. Event time below is maxWait behind that above: a row that came while its wait was not over is not late below.
 *  3. Every row is out, held or an extreme: `out`, `held`, `late`, or `future` when it was too far ahead. Gaps and audit
 *     are `results`.
 *  4. A call hands on at most one batch to each output.
 * State: 'heads' and 'gaps' by key, kept for good or until a key is forgotten; 'held' by key and place, with timers (runtime/reorder).
 * Not here: the orders themselves (runtime/reorder/by-number.ts, by-time.ts).
 */
import { UserError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { hexOf, sha256 } from '../../base/sha256.ts';
import { type EventTimeMs, eventTimeMs, MAX_TIME, MIN_TIME, shortDuration } from '../../base/time.ts';
import { BATCH_ROWS_MAX, type BatchOrigin, type RecordBatch } from '../../data/record-batch.ts';
import { RowKind } from '../../data/row-kind.ts';
import { indexOfColumn } from '../../data/schema.ts';
import { Physical, physicalOf } from '../../data/types.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { ReorderNode } from '../../plan/logical.ts';
import {
  AUDIT_FIELDS,
  AUDIT_PORT,
  EXTREME_FIELDS,
  EXTREMES_PORT,
  type ExtremeReason,
  GAP_FIELDS,
  GAPS_PORT,
  keySchema,
  withFields,
} from '../../plan/reorder.ts';
import type { KeyedState } from '../../state/keyed-state.ts';
import { EncodedOutput } from '../deduplicate/encoded-output.ts';
import { EncodedRows } from '../deduplicate/encoded-rows.ts';
import type { Operator, Output } from '../operator.ts';
import { previewOf } from '../preview.ts';
import { readMs } from '../../kernel/milliseconds.ts';
import { ByNumber } from '../reorder/by-number.ts';
import { ByTime } from '../reorder/by-time.ts';
import { type Head, Heads } from '../reorder/heads.ts';
import { type HeldRow, HeldRows } from '../reorder/held-rows.ts';
import type { Gap, Order, OrderOutputs } from '../reorder/order.ts';
import { RowTail } from '../reorder/row-tail.ts';
import { RowBytes } from '../state/row-bytes.ts';
import type { WatermarkStatus } from '../stream-element.ts';
import type { RowDeadLetter } from './filter.ts';

export interface ReorderOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly state: KeyedState;
  /** By port. */
  readonly outputs: readonly Output[];
  readonly node: ReorderNode;
  readonly deadLetter: RowDeadLetter;
}

interface Port {
  readonly output: Output;
  readonly rows: EncodedOutput;
}

interface Taking {
  readonly batch: RecordBatch;
  at: number;
}

/** Entries removed from state at once. */
const FORGOTTEN_MAX = 512;

export class Reorder implements Operator {
  // configuration
  readonly uid: string;
  readonly #options: ReorderOptions;
  readonly #order: Order;
  readonly #waitMs: number;
  readonly #seqIndex: number;
  readonly #forgets: boolean;
  readonly #tails: { readonly gap: RowTail; readonly extreme: RowTail; readonly audit: RowTail };
  // transient
  readonly ledger = emptyLedger();
  readonly #rows: EncodedRows;
  readonly #ports: readonly Port[];
  readonly #heads: Heads;
  #taking: Taking | undefined;
  /** What is due up to here goes out; then it is passed on. */
  #target: EventTimeMs | undefined;
  #ending = false;
  // checkpointed, besides the state
  /** The watermark last passed on. */
  #passed: EventTimeMs = MIN_TIME;
  /** How far event time has come. */
  #clock: EventTimeMs = MIN_TIME;
  /** The watermark of what goes out: at least `passed`, within a batch that of its row. */
  #stamp: EventTimeMs = MIN_TIME;

  constructor(options: ReorderOptions) {
    const { uid, kernels, state, node, outputs } = options;
    const { schema, keys, spec } = node;
    this.uid = uid;
    this.#waitMs = spec.maxWaitMs;
    this.#forgets = spec.forgetAfterMs !== undefined;
    this.#options = options;
    this.#seqIndex = spec.seq === undefined ? -1 : indexOfColumn(schema, spec.seq);
    this.#rows = new EncodedRows(kernels, schema, keys);
    const key = keySchema(schema, keys);
    const added = [[], GAP_FIELDS, EXTREME_FIELDS, AUDIT_FIELDS];
    this.#ports = outputs.slice(0, spec.audit ? AUDIT_PORT + 1 : AUDIT_PORT).map((output, port) => {
      const base = port === 0 || port === EXTREMES_PORT ? schema : key;
      return { output, rows: new EncodedOutput(kernels, withFields(base, added[port] ?? [], uid)) };
    });
    this.#tails = {
      gap: new RowTail(keys.length, GAP_FIELDS),
      extreme: new RowTail(schema.fields.length, EXTREME_FIELDS),
      audit: new RowTail(keys.length, AUDIT_FIELDS),
    };
    this.#heads = new Heads(state, spec);
    const held = new HeldRows(state, spec.maxWaitMs, this.ledger);
    this.#order =
      spec.seq === undefined
        ? new ByTime(held, this.#hooks(), spec)
        : new ByNumber(held, this.#heads, this.#hooks(), spec);
  }

  get more(): boolean {
    return (
      this.#taking !== undefined
      || this.#target !== undefined
      || this.#ending
      || this.#ports.some(({ rows }) => !rows.isEmpty)
    );
  }

  /** Watermark of the operator, for explanations. */
  get watermark(): EventTimeMs {
    return this.#passed;
  }

  resume(): void {
    this.#step();
  }

  processBatch(batch: RecordBatch): void {
    this.ledger.in += batch.selected;
    this.#rows.bind(batch);
    this.#taking = { batch, at: 0 };
    this.#step();
  }

  processWatermark(watermark: EventTimeMs): void {
    this.#target = watermark;
    this.#step();
  }

  processStatus(status: WatermarkStatus): void {
    for (const { output } of this.#ports) output.status(status);
  }

  endOfInput(_input: number, split?: BatchOrigin): void {
    if (split === undefined) this.#ending = true;
  }

  snapshot(): Json {
    return { passed: this.#passed, clock: this.#clock, stamp: this.#stamp };
  }

  restore(state: Json): void {
    // What snapshot wrote; the manifest's checksum was verified.
    const { passed, clock, stamp } = state as { passed: number; clock: number; stamp: number };
    this.#passed = eventTimeMs(passed);
    this.#clock = eventTimeMs(clock);
    this.#stamp = eventTimeMs(stamp);
    if (this.#forgets) this.#options.state.advance(this.#clock);
  }

  #step(): void {
    const origin = this.#taking?.batch.origin;
    while (!this.#isFull() && this.#work()) {
      // Each is one row, or one that was due.
    }
    if (this.#flush(origin) || this.#taking !== undefined) return;
    if (this.#target !== undefined) this.#pass(this.#target);
    else if (this.#ending) this.#end();
  }

  #isFull(): boolean {
    return this.#ports.some(({ rows }) => rows.size >= BATCH_ROWS_MAX);
  }

  /** The next thing to do. False when nothing is left but to pass on what waits. */
  #work(): boolean {
    if (this.#taking !== undefined) return this.#takeNext(this.#taking);
    if (this.#target === undefined) return false;
    return this.#fire(this.#target) || this.#forget(this.#target);
  }

  /** Removes some of what keys left behind that are forgotten; whether more may remain. */
  #forget(until: EventTimeMs): boolean {
    if (!this.#forgets) return false;
    this.#options.state.advance(until);
    return this.#options.state.expire(FORGOTTEN_MAX, () => undefined);
  }

  /** At most one batch to each output; whether there was any. */
  #flush(origin: BatchOrigin | undefined): boolean {
    const full = this.#ports.filter(({ rows }) => !rows.isEmpty);
    for (const { output, rows } of full) output.batch(rows.take(origin));
    return full.length > 0;
  }

  #takeNext(taking: Taking): boolean {
    const { batch } = taking;
    if (taking.at === batch.selected) {
      this.#taking = undefined;
      return false;
    }
    const row = this.#rows.rowAt(taking.at);
    const watermark = Math.max(this.#clock, this.#rows.watermarkOf(row) ?? MIN_TIME);
    if (this.#fire(watermark)) return true;
    this.#clock = eventTimeMs(watermark);
    this.#raise(watermark - this.#waitMs);
    this.#takeRow(batch, row);
    taking.at++;
    return true;
  }

  #takeRow(batch: RecordBatch, row: number): void {
    const time = this.#rows.timeOf(row) ?? 0;
    const place = this.#placeOf(batch, row) ?? time;
    if (!Number.isSafeInteger(place)) {
      this.ledger.deadLetters++;
      this.#options.deadLetter(batch, row, `a number in '${this.#options.node.spec.seq ?? ''}' is beyond 2^53`);
      return;
    }
    if (this.#forgets) this.#options.state.advance(this.#clock, eventTimeMs(time));
    this.#options.state.select(this.#rows.keyOf(row));
    const head = this.#heads.read();
    if (this.#isForgotten(time)) {
      this.#extreme({ time, bytes: this.#rows.bytesOf(row) }, 'too late');
      return;
    }
    this.#order.arrive(head, { place, time, clock: this.#clock, bytes: this.#rows.bytesOf(row) });
    this.#heads.write(head);
  }

  /** Whether a row of the selected key is so old that the key may have been forgotten since: it begins none anew. */
  #isForgotten(time: number): boolean {
    const { forgetAfterMs } = this.#options.node.spec;
    return forgetAfterMs !== undefined && time + forgetAfterMs <= this.#clock && !this.#heads.isKnown;
  }

  /** Undefined: rows have no numbers. */
  #placeOf({ columns, schema }: RecordBatch, row: number): number | undefined {
    const column = columns[this.#seqIndex];
    const field = schema.fields[this.#seqIndex];
    if (column === undefined || field === undefined) return undefined;
    const { memory } = this.#options.kernels;
    return physicalOf(field.type) === Physical.I32
      ? (memory.i32[(column.values >>> 2) + row] ?? 0)
      : readMs(memory, column.values, row);
  }

  /** Lets one row go whose wait is over at `until`; false when there is none. */
  #fire(until: number): boolean {
    const { eventTimers } = this.#options.state;
    const { earliest } = eventTimers;
    if (earliest === undefined || earliest > until) return false;
    this.#raise(earliest - this.#waitMs - 1);
    if (this.#forgets) this.#options.state.advance(eventTimeMs(earliest));
    const timer = eventTimers.next(until);
    if (timer === undefined) return false;
    const head = this.#heads.read();
    this.#order.due(head, timer.tag.slice(), timer.time);
    this.#heads.write(head);
    return true;
  }

  #raise(to: number): void {
    this.#stamp = eventTimeMs(Math.max(this.#stamp, to));
  }

  #hooks(): OrderOutputs {
    return {
      row: (head, row) => this.#emit(head, row),
      gap: (gap) => this.#gap(gap),
      extreme: (row, reason) => this.#extreme(row, reason),
    };
  }

  #emit(head: Head, { time, bytes }: HeldRow): void {
    this.ledger.out++;
    head.rows++;
    this.#ports[0]?.rows.push({ bytes, kind: RowKind.INSERT, time, watermark: this.#stamp });
    if (!this.#options.node.spec.audit) return;
    head.chain = sha256(head.chain, bytes);
    const values = { number: head.rows, row: bytes, hash: hexOf(head.chain) };
    this.#aside(AUDIT_PORT, this.#tails.audit.extend(this.#options.state.key.bytes, values));
    this.ledger.results++;
  }

  #gap(gap: Gap): void {
    const { node, state } = this.#options;
    if (node.spec.onGap === 'fail') throw this.#missing(gap);
    this.#aside(GAPS_PORT, this.#tails.gap.extend(state.key.bytes, { ...gap }));
    this.ledger.results++;
  }

  #missing({ from, to, reason }: Gap): UserError {
    const { node, state, uid } = this.#options;
    const { maxWaitMs, maxRows, maxAhead } = node.spec;
    const key = new RowBytes(keySchema(node.schema, node.keys), { eventTime: (ms) => ms, as: 'keys' });
    const limits = { maxWait: shortDuration(maxWaitMs), maxRows: `${maxRows} rows`, maxAhead: `${maxAhead}` };
    return new UserError(
      'E1339',
      { from, to, key: previewOf(key.decode(state.key.bytes.slice())), limit: `${reason} ${limits[reason]}` },
      { location: { operator: uid }, hint: "take gaps as events: onGap: 'emit', and read .gaps" },
    );
  }

  #extreme({ bytes }: HeldRow, reason: ExtremeReason): void {
    if (reason === 'too far ahead') this.ledger.future++;
    else this.ledger.late++;
    this.#aside(EXTREMES_PORT, this.#tails.extreme.extend(bytes, { reason }));
  }

  #aside(port: number, bytes: Uint8Array): void {
    this.#ports[port]?.rows.push({ bytes, kind: RowKind.INSERT, time: undefined, watermark: MIN_TIME });
  }

  #pass(watermark: EventTimeMs): void {
    this.#target = undefined;
    this.#clock = eventTimeMs(Math.max(this.#clock, watermark));
    // Nothing comes after the end of time, and all that waited has gone.
    this.#raise(watermark === MAX_TIME ? MAX_TIME : this.#clock - this.#waitMs);
    if (this.#stamp <= this.#passed) return;
    this.#passed = this.#stamp;
    for (const { output } of this.#ports) output.watermark(this.#stamp);
  }

  #end(): void {
    this.#ending = false;
    for (const { output } of this.#ports) output.end();
  }
}
