/**
 * Records that cannot be used: counted for the ledger of the operator that refused them, with a bounded sample in memory.
 *
 * Invariants
 *  1. Every refused record is counted once, by the operator that refused it.
 *  2. The sample is bounded in number and in bytes of each; what it leaves out is still counted.
 */
import type { DeadLetter } from '../connector/source.ts';
import type { RecordBatch } from '../data/record-batch.ts';
import { RowView } from '../format/row-view.ts';
import type { LinearMemory } from '../kernel/memory.ts';

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

const SAMPLE_MAX = 100;
const RECORD_CHARS_MAX = 1000;

export class DeadLetterOffice {
  readonly #memory: LinearMemory;
  readonly #sample: DeadLetterRecord[] = [];
  readonly #text = new TextDecoder();
  #count = 0;
  /** Where letters go besides the sample, when there is such a place. */
  #deliver: ((letter: DeadLetterRecord) => void) | undefined;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
  }

  get count(): number {
    return this.#count;
  }

  get sample(): readonly DeadLetterRecord[] {
    return this.#sample;
  }

  deliverTo(deliver: (letter: DeadLetterRecord) => void): void {
    this.#deliver = deliver;
  }

  /** A record of a source that is no row. */
  letter(operator: string, letter: DeadLetter): void {
    const { split, offset, position, reason, bytes } = letter;
    const record = this.#text.decode(bytes.subarray(0, RECORD_CHARS_MAX));
    this.#add({ operator, split, offset, reason, record, ...(position === undefined ? {} : { position }) });
  }

  /** A row that an operator cannot use. */
  row(operator: string, batch: RecordBatch, row: number, reason: string): void {
    const view = new RowView(this.#memory, batch.schema);
    view.bind({ ...batch, selection: 0, selected: batch.rows });
    const shown = JSON.stringify(view.select(row), (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    this.#add({ operator, reason, record: shown.slice(0, RECORD_CHARS_MAX) });
  }

  #add(letter: DeadLetterRecord): void {
    this.#count++;
    if (this.#sample.length < SAMPLE_MAX) this.#sample.push(letter);
    this.#deliver?.(letter);
  }
}
