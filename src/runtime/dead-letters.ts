/**
 * Records that cannot be used: counted for the ledger of the operator that refused them, written to a sink of their own when
 * the host has one, with a bounded sample in memory.
 *
 * Invariants
 *  1. Every refused record is counted once, in the ledger of the operator that refused it; not here.
 *  2. The sink is committed with checkpoints like any other, so that each letter is in it exactly once; `flush` hands over
 *     what is buffered before a cut.
 *  3. The sample is bounded in number and in bytes of each; what it leaves out is still counted.
 *  4. The sink gets the bytes of a source's record as they were, so that they can be read once more: as text, or in base64
 *     when they are no UTF-8.
 */
import { base64Of } from '../base/bytes.ts';
import { type DeadLetter, LETTER_BYTES_MAX } from '../connector/source.ts';
import type { RecordBatch } from '../data/record-batch.ts';
import type { TableSchema } from '../data/schema.ts';
import { BatchBuilder } from '../format/batch-builder.ts';
import { RowView } from '../format/row-view.ts';
import type { KernelInstance } from '../kernel/instance.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import type { SinkOperator } from './operators/sink.ts';

/** A dead letter as reports and files hold it. */
export interface DeadLetterRecord {
  readonly operator: string;
  readonly split?: string;
  readonly offset?: number;
  readonly position?: number;
  readonly reason: string;
  /** The record's bytes as text, or the row as JSON; cut to RECORD_CHARS_MAX. */
  readonly record: string;
}

/** Uid of the sink of dead letters. */
export const DEAD_LETTERS = 'dead-letters';

const text = { kind: 'utf8', nullable: false } as const;
const place = { kind: 'int64', nullable: true } as const;

/**
 * Columns of a dead letter: where it was refused, where it stood, why, and the record. `base64` has its bytes when they are no
 * UTF-8; `whole` says whether all of it is there.
 */
export const DEAD_LETTER_SCHEMA: TableSchema = {
  fields: [
    { name: 'operator', type: text },
    { name: 'split', type: { ...text, nullable: true } },
    { name: 'offset', type: place },
    { name: 'position', type: place },
    { name: 'reason', type: text },
    { name: 'record', type: text },
    { name: 'base64', type: { ...text, nullable: true } },
    { name: 'whole', type: { kind: 'bool', nullable: false } },
  ],
};

const BUFFER_ROWS = 256;
const SAMPLE_MAX = 100;
const RECORD_CHARS_MAX = 1000;

export class DeadLetterOffice {
  readonly #memory: LinearMemory;
  readonly #sample: DeadLetterRecord[] = [];
  readonly #text = new TextDecoder();
  readonly #strictText = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #sink: { readonly builder: BatchBuilder; readonly operator: SinkOperator } | undefined;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  get sample(): readonly DeadLetterRecord[] {
    return this.#sample;
  }

  /** Writes every letter to a sink from here on. */
  writeTo(kernels: KernelInstance, operator: SinkOperator): void {
    this.#sink = { builder: new BatchBuilder(kernels, DEAD_LETTER_SCHEMA, BUFFER_ROWS), operator };
  }

  /** Hands what is buffered to the sink. */
  flush(): void {
    if (this.#sink === undefined || this.#sink.builder.rows === 0) return;
    this.#sink.operator.processBatch(this.#sink.builder.finish());
    this.#sink.builder.reset();
  }

  /** A record of a source that is no row. */
  letter(operator: string, letter: DeadLetter): void {
    const { split, offset, position, reason, bytes } = letter;
    const place = { operator, split, offset, reason, ...(position === undefined ? {} : { position }) };
    this.#note({ ...place, record: this.#text.decode(bytes.subarray(0, RECORD_CHARS_MAX)) });
    const whole = bytes.length < LETTER_BYTES_MAX;
    const exact = this.#textOf(bytes);
    const record = exact ?? this.#text.decode(bytes);
    this.#write({ ...place, record, whole, ...(exact === undefined ? { base64: base64Of(bytes) } : {}) });
  }

  /** A row that an operator cannot use. */
  row(operator: string, batch: RecordBatch, row: number, reason: string): void {
    const view = new RowView(this.#memory, batch.schema);
    view.bind({ ...batch, selection: 0, selected: batch.rows });
    view.select(row);
    const shown = view.exactly((all) =>
      JSON.stringify(all, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    );
    this.#note({ operator, reason, record: shown.slice(0, RECORD_CHARS_MAX) });
    this.#write({ operator, reason, record: shown, whole: true });
  }

  #textOf(bytes: Uint8Array): string | undefined {
    try {
      return this.#strictText.decode(bytes);
    } catch {
      return undefined;
    }
  }

  #note(letter: DeadLetterRecord): void {
    if (this.#sample.length < SAMPLE_MAX) this.#sample.push(letter);
  }

  #write(letter: DeadLetterRecord & { readonly base64?: string; readonly whole: boolean }): void {
    if (this.#sink === undefined) return;
    this.#sink.builder.append({ ...letter });
    if (this.#sink.builder.isFull) this.flush();
  }
}
