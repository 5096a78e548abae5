/**
 * Rows on standard output: a table on a terminal, NDJSON into a pipe. At least once: rows go out as they come, so those
 * since the last checkpoint come again after a restart; a checkpoint is prepared only when all before it is out.
 *
 * Not here: exactly-once output (ndjson-sink.ts).
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { ExternalError } from '../../src/base/errors.ts';
import type { Json } from '../../src/base/json.ts';
import type { SinkConnector, SinkContext, SinkWriter } from '../../src/connector/sink.ts';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import { ChangeReader } from '../../src/format/collect-sink.ts';
import { NdjsonEncoder } from '../../src/format/ndjson-encoder.ts';
import type { Row } from '../../src/format/row-view.ts';
import { writeFailure } from '../disk.ts';

const CELL_WIDTH_MAX = 40;

export interface StdoutSinkOptions {
  readonly changelog?: boolean;
  /** 'table' or 'ndjson'; by default a table when the output is a terminal. */
  readonly format?: 'table' | 'ndjson';
  /** Standard output unless another stream is given. */
  readonly stream?: Writable & { readonly isTTY?: boolean };
}

/** Bytes or text of a batch. */
type Printer = (batch: RecordBatch) => Uint8Array | string;

export function stdoutSink(options: StdoutSinkOptions = {}): SinkConnector {
  const stream = options.stream ?? process.stdout;
  const format = options.format ?? (stream.isTTY === true ? 'table' : 'ndjson');
  const changelog = options.changelog === true;
  return {
    accepts: changelog ? 'changelog' : 'inserts',
    open: async (context) =>
      new StreamSinkWriter(
        stream,
        format === 'table' ? tablePrinter(context, changelog) : linePrinter(context, changelog),
      ),
  };
}

function linePrinter({ kernels, schema }: SinkContext, changelog: boolean): Printer {
  const encoder = new NdjsonEncoder(kernels.memory, schema, { changelog, kernels });
  return (batch) => {
    encoder.encode(batch);
    return encoder.take();
  };
}

/** Columns as wide as the rows that come first need; later cells that are longer push theirs to the right. */
function tablePrinter(context: SinkContext, changelog: boolean): Printer {
  const timestamp = (epochMs: number, micros: number): string => isoText(epochMs, micros);
  const reader = new ChangeReader(context, { changelog, timestamp });
  const names = [...(changelog ? ['op'] : []), ...context.schema.fields.map(({ name }) => name)];
  let widths: readonly number[] | undefined;
  return (batch) => {
    const rows = reader.read(batch).map((row) => names.map((name) => cellOf(row, name)));
    if (rows.length === 0) return '';
    const isFirst = widths === undefined;
    const columns =
      widths
      ?? names.map((name, i) =>
        Math.min(CELL_WIDTH_MAX, Math.max(name.length, ...rows.map((cells) => cells[i]?.length ?? 0))),
      );
    widths = columns;
    const lineOf = (cells: readonly string[]): string =>
      `${cells
        .map((cell, i) => cell.padEnd(columns[i] ?? 0))
        .join('  ')
        .trimEnd()}\n`;
    const head = isFirst ? lineOf(names) + lineOf(columns.map((width) => '-'.repeat(width))) : '';
    return head + rows.map(lineOf).join('');
  };
}

function isoText(epochMs: number, micros: number): string {
  const date = new Date(epochMs);
  if (Number.isNaN(date.getTime())) return String(epochMs);
  return micros === 0 ? date.toISOString() : date.toISOString().replace('Z', `${String(micros).padStart(3, '0')}Z`);
}

/** A value as a person reads it, in printable characters: a terminal must not obey what data says. */
function cellOf(row: Row, name: string): string {
  const value = row[name];
  const text =
    value === null || value === undefined
      ? ''
      : value instanceof Uint8Array
        ? `${value.length} bytes`
        : typeof value === 'object'
          ? JSON.stringify(value)
          : String(value);
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
}

class StreamSinkWriter implements SinkWriter {
  readonly #stream: Writable;
  readonly #print: Printer;
  #bytesWritten = 0;
  #isFull = false;
  #written: Promise<void> = Promise.resolve();
  #failure: ExternalError | undefined;
  readonly #onError = (error: unknown): void => {
    this.#failure ??= writeFailure('standard output', error);
  };

  constructor(stream: Writable, print: Printer) {
    this.#stream = stream;
    this.#print = print;
    stream.on('error', this.#onError);
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  async fence(): Promise<void> {}

  async recover(): Promise<void> {}

  write(batch: RecordBatch): void {
    const output = this.#print(batch);
    if (output.length === 0) return;
    this.#bytesWritten += typeof output === 'string' ? Buffer.byteLength(output) : output.length;
    this.#written = new Promise((resolve) => {
      this.#isFull = !this.#stream.write(output, (error) => {
        if (error !== null && error !== undefined) this.#onError(error);
        resolve();
      });
    });
  }

  ready(): Promise<void> | undefined {
    return this.#isFull || this.#failure !== undefined ? this.#drained() : undefined;
  }

  async #drained(): Promise<void> {
    if (this.#isFull && this.#failure === undefined && this.#stream.writableNeedDrain)
      await once(this.#stream, 'drain').catch(this.#onError);
    this.#isFull = false;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async prepare(_checkpoint: number): Promise<Json | undefined> {
    await this.#written;
    if (this.#failure !== undefined) throw this.#failure;
    return undefined;
  }

  async commit(): Promise<void> {}

  /** Does not wait for whoever reads the output; prepare has. What is still to be written goes on being written. */
  async close(): Promise<void> {
    const listening = this.#written;
    void listening.then(() => this.#stream.off('error', this.#onError));
  }
}
