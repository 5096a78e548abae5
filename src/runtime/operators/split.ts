/**
 * Gives each row to the first branch whose condition is true for it; a row of no branch goes to the main output.
 *
 * Invariants
 *  1. Rows keep their numbers, columns, row kinds and watermarks: only the selection changes.
 *  2. A row stands in one output. Where nobody reads an output its rows are counted as filtered.
 *  3. A condition is asked only about rows that no branch before it took. A row on which one fails to compute is a dead
 *     letter.
 */
import type { Json } from '../../base/json.ts';
import type { EventTimeMs } from '../../base/time.ts';
import { BATCH_ROWS_MAX, type BatchOrigin, type Ptr, type RecordBatch } from '../../data/record-batch.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import { emptyLedger } from '../../metrics/ledger.ts';
import type { SplitNode } from '../../plan/logical.ts';
import { Condition } from '../expression.ts';
import type { Operator, Output } from '../operator.ts';
import type { WatermarkStatus } from '../stream-element.ts';

/** An output that may have no readers. */
export interface BranchOutput extends Output {
  readonly connected: boolean;
}

export interface SplitOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  /** For the rows of no branch, then one for each branch. */
  readonly outputs: readonly BranchOutput[];
  readonly node: SplitNode;
  readonly deadLetter: (batch: RecordBatch, row: number, reason: string) => void;
}

export class Split implements Operator {
  // configuration
  readonly uid: string;
  readonly hearsSplits = true;
  readonly #options: SplitOptions;
  readonly #conditions: readonly Condition[];
  // transient
  readonly more = false;
  readonly ledger = emptyLedger();
  /** Rows that no branch has taken yet. */
  readonly #rest: Ptr;

  constructor(options: SplitOptions) {
    const { uid, kernels, node } = options;
    this.uid = uid;
    this.#options = options;
    this.#conditions = node.branches.map(
      ({ name, condition }) => new Condition(kernels, node.schema, condition, `branch '${name}' of '${uid}'`),
    );
    this.#rest = kernels.memory.allocate(BATCH_ROWS_MAX * 4);
  }

  processBatch(batch: RecordBatch): void {
    this.ledger.in += batch.selected;
    const taken: RecordBatch[] = [];
    let rest = batch;
    for (const condition of this.#conditions) {
      const { selection, selected, errors } = condition.filter(rest);
      for (const { row, reason } of errors) this.#options.deadLetter(batch, row, reason);
      this.ledger.deadLetters += errors.length;
      taken.push({ ...batch, selection, selected });
      const failed = new Set(errors.map(({ row }) => row));
      if (selected > 0 || failed.size > 0) rest = this.#without(rest, { selection, selected, failed });
    }
    this.#emit([rest, ...taken]);
  }

  processWatermark(watermark: EventTimeMs): void {
    for (const output of this.#options.outputs) output.watermark(watermark);
  }

  processStatus(status: WatermarkStatus, _input: number, split?: BatchOrigin): void {
    for (const output of this.#options.outputs) output.status(status, split);
  }

  endOfInput(_input: number, split?: BatchOrigin): void {
    for (const output of this.#options.outputs) output.end(split);
  }

  resume(): void {}

  snapshot(): Json {
    return null;
  }

  restore(): void {}

  /** `rest` less the rows of a selection out of it, which is in the same order, and less those that failed. */
  #without(rest: RecordBatch, out: { selection: Ptr; selected: number; failed: ReadonlySet<number> }): RecordBatch {
    const { u32 } = this.#options.kernels.memory;
    const [from, to, taken] = [rest.selection >>> 2, this.#rest >>> 2, out.selection >>> 2];
    let selected = 0;
    for (let i = 0, next = 0; i < rest.selected; i++) {
      const row = rest.selection === 0 ? i : (u32[from + i] ?? 0);
      // What is written never passes what is read: the rest may shrink where it stands.
      if (next < out.selected && u32[taken + next] === row) next++;
      else if (!out.failed.has(row)) u32[to + selected++] = row;
    }
    return { ...rest, selection: this.#rest, selected };
  }

  #emit(batches: readonly RecordBatch[]): void {
    this.#options.outputs.forEach((output, port) => {
      const batch = batches[port];
      if (batch === undefined || batch.selected === 0) return;
      if (output.connected) this.ledger.out += batch.selected;
      else this.ledger.filtered += batch.selected;
      output.batch(batch);
    });
  }
}
