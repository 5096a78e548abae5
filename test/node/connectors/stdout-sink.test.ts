/** Rows on a stream: lines in a pipe, a table on a terminal. */
import { Writable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { stdoutSink } from '../../../node/connectors/stdout-sink.ts';
import type { SinkWriter } from '../../../src/connector/sink.ts';
import type { RecordBatch } from '../../../src/data/record-batch.ts';
import type { TableSchema } from '../../../src/data/schema.ts';
import { BatchBuilder } from '../../../src/format/batch-builder.ts';
import type { Row } from '../../../src/format/row-view.ts';
import { newKernels } from '../../support/kernels.ts';

const SCHEMA: TableSchema = {
  fields: [
    { name: 'origin', type: { kind: 'utf8', nullable: false } },
    { name: 'at', type: { kind: 'timestamp', nullable: false } },
    { name: 'delay', type: { kind: 'int32', nullable: true } },
  ],
};
const kernels = await newKernels();

function batch(...rows: Row[]): RecordBatch {
  const builder = new BatchBuilder(kernels, SCHEMA, 16);
  for (const row of rows) builder.append(row);
  return builder.finish();
}

class Output extends Writable {
  text = '';
  readonly isTTY: boolean;
  fails = false;
  constructor(isTTY: boolean) {
    super({ highWaterMark: 100 });
    this.isTTY = isTTY;
  }
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.text += chunk.toString();
    setImmediate(() => done(this.fails ? Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) : undefined));
  }
}

const open = (stream: Output): Promise<SinkWriter> =>
  stdoutSink({ stream }).open({ kernels, schema: SCHEMA, uid: 'out', job: 'job', epoch: 1 });
const ROW: Row = { origin: 'SFO', at: 978_516_000_000, delay: 5 };

describe('standard output', () => {
  test('is NDJSON in a pipe', async () => {
    const stream = new Output(false);
    const writer = await open(stream);
    writer.write(batch(ROW));
    await writer.prepare(1);
    expect(stream.text).toBe('{"origin":"SFO","at":"2001-01-03T10:00:00.000Z","delay":5}\n');
    expect(writer.bytesWritten).toBe(stream.text.length);
  });

  test('is a table on a terminal, with one head, and obeys no control character in the data', async () => {
    const stream = new Output(true);
    const writer = await open(stream);
    writer.write(batch(ROW, { origin: '\u001b[31m', at: 0, delay: null }));
    writer.write(batch(ROW));
    await writer.prepare(1);
    expect(stream.text.split('\n')).toEqual([
      'origin  at                        delay',
      '------  ------------------------  -----',
      'SFO     2001-01-03T10:00:00.000Z  5',
      '\ufffd[31m   1970-01-01T00:00:00.000Z',
      'SFO     2001-01-03T10:00:00.000Z  5',
      '',
    ]);
  });

  test('holds the job back while the reader is slow, and fails it when the reader is gone', async () => {
    const stream = new Output(false);
    const writer = await open(stream);
    for (let i = 0; i < 4; i++) writer.write(batch(ROW));
    const waiting = writer.ready();
    expect(waiting).toBeInstanceOf(Promise);
    await waiting;
    expect(writer.ready()).toBeUndefined();
    stream.fails = true;
    writer.write(batch(ROW));
    await expect(writer.prepare(1)).rejects.toMatchObject({ code: 'E1502' });
    await writer.close();
  });
});
