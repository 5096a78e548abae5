import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { ExternalError } from '../../src/base/errors.ts';
import type { Json } from '../../src/base/json.ts';
import type { ReaderContext, SplitReader } from '../../src/connector/source.ts';
import type { RecordBatch } from '../../src/data/record-batch.ts';
import { fetchNdjson, type LineDecoder, type LineDecoderOptions } from '../../web/connectors/fetch-ndjson.ts';

const SCHEMA = { fields: [{ name: 'a', type: { kind: 'int32', nullable: false } }] } as const;

/** A decoder that keeps lines as texts, one a batch; the batch itself is hollow. */
class TextDecoderOfLines implements LineDecoder {
  readonly lines: string[];
  position: number;
  #rest = Buffer.alloc(0);
  #isEnded = false;

  constructor(options: LineDecoderOptions, lines: string[]) {
    this.position = options.offset;
    this.lines = lines;
  }

  push(bytes: Uint8Array): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
  }

  end(): void {
    this.#isEnded = true;
  }

  next(limitOffset: number): RecordBatch | 'need input' | 'limit' | 'end' {
    if (this.position >= limitOffset) return 'limit';
    const newline = this.#rest.indexOf(10);
    if (newline < 0) return this.#isEnded ? 'end' : 'need input';
    this.lines.push(this.#rest.subarray(0, newline).toString());
    this.#rest = this.#rest.subarray(newline + 1);
    this.position += newline + 1;
    return {
      schema: SCHEMA,
      rows: 1,
      columns: [],
      selection: 0,
      selected: 1,
      rowKinds: 0,
      timestamps: 0,
      watermarks: 0,
      origin: undefined,
    };
  }
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(answer: Answer): Promise<string> {
  const started = createServer(answer);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  const address = started.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}/data.ndjson`;
}

/** A server of one body, with ranges or without. */
function bodyServer(body: string, options: { readonly ranges: boolean; readonly requests?: string[] }): Answer {
  const bytes = Buffer.from(body);
  const etag = `"${createHash('sha1').update(bytes).digest('hex').slice(0, 8)}"`;
  return (request, response) => {
    options.requests?.push(request.headers.range ?? 'whole');
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? -1);
    if (!options.ranges || start < 0) response.writeHead(200, { ETag: etag }).end(bytes);
    else if (start >= bytes.length) response.writeHead(416, { 'Content-Range': `bytes */${bytes.length}` }).end();
    else {
      response
        .writeHead(206, { ETag: etag, 'Content-Range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` })
        .end(bytes.subarray(start));
    }
  };
}

interface Reading {
  readonly reader: SplitReader;
  readonly lines: string[];
}

async function open(url: string, offset?: Json, bufferBytes = 1000, chunkBytes = 64): Promise<Reading> {
  const lines: string[] = [];
  const source = fetchNdjson({ data: url }, SCHEMA, {
    decoder: (options) => new TextDecoderOfLines(options, lines),
    bufferBytes,
  });
  // The decoder above needs no kernels.
  const context = {
    source: 'flights',
    splitIndex: 0,
    columns: new Set(['a']),
    batchRows: 10,
    chunkBytes,
    deadLetter: () => {},
  };
  const reader = await source.open({ id: 'data' }, offset, context as unknown as ReaderContext);
  return { reader, lines };
}

async function readOn({ reader, lines }: Reading, count: number): Promise<'wait' | 'end' | 'enough'> {
  for (;;) {
    if (lines.length >= count) return 'enough';
    const answer = reader.poll(Infinity);
    if (answer === 'end') return 'end';
    if (answer === 'wait') await reader.ready();
  }
}

async function errorOf(attempt: Promise<unknown>): Promise<ExternalError> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ExternalError) return error;
  throw new Error(`expected an ExternalError, got ${String(error)}`);
}

const LINES = Array.from({ length: 500 }, (_, i) => `{"a":${i},"text":"é${'x'.repeat(i % 50)}"}`);
const BODY = LINES.map((line) => `${line}\n`).join('');

for (const ranges of [true, false]) {
  test(`goes on at its offset from a server ${ranges ? 'with' : 'without'} ranges, at any line`, async () => {
    const requests: string[] = [];
    const url = await serve(bodyServer(BODY, { ranges, requests }));
    for (const stop of [0, 1, 250, 499, 500]) {
      const first = await open(url);
      await readOn(first, stop);
      const offset = first.reader.offset();
      await first.reader.close();
      const second = await open(url, offset);
      expect(await readOn(second, Infinity)).toBe('end');
      expect([...first.lines.slice(0, stop), ...second.lines], `stopped after ${stop}`).toEqual(LINES);
      expect(second.reader.position).toBe(Buffer.byteLength(BODY));
      await second.reader.close();
    }
    expect(requests.filter((range) => range !== 'whole')).toHaveLength(4);
  });
}

test('answers quantum end at the limit, whatever has arrived', async () => {
  const { reader, lines } = await open(await serve(bodyServer(BODY, { ranges: true })));
  const answers: string[] = [];
  for (;;) {
    const answer = reader.poll(40);
    if (answer === 'wait') await reader.ready();
    else answers.push(typeof answer === 'string' ? answer : 'batch');
    if (answer === 'quantum end') break;
  }
  expect(answers).toEqual(['batch', 'batch', 'quantum end']);
  expect(lines).toEqual(LINES.slice(0, 2));
  await reader.close();
});

test('reads no more ahead than its buffer allows', async () => {
  const pieces = 2000;
  let sent = 0;
  const url = await serve((_, response) => {
    const more = (): void => {
      while (sent < pieces) {
        sent++;
        if (!response.write(`${'y'.repeat(8191)}\n`)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  });
  const reading = await open(url, undefined, 100_000, 65_536);
  await readOn(reading, 1);
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  // What lies in the sockets' own buffers is the system's: some megabytes, not the 16 of the whole body.
  expect(sent).toBeLessThan(pieces);
  expect(await readOn(reading, Infinity)).toBe('end');
  expect(reading.lines).toHaveLength(pieces);
  await reading.reader.close();
});

test('a body that has changed since the checkpoint is refused for good', async () => {
  const reading = await open(await serve(bodyServer(BODY, { ranges: true })));
  await readOn(reading, 3);
  const offset = reading.reader.offset();
  await reading.reader.close();
  server?.close();
  const changed = await open(await serve(bodyServer(`${BODY}{}\n`, { ranges: true })), offset);
  expect(changed.reader.poll(Infinity)).toBe('wait');
  const error = await errorOf(changed.reader.ready());
  expect([error.code, error.retry]).toEqual(['E1501', 'never']);
  expect(error.message).toContain('has changed since the checkpoint');
});

test('a body that is shorter than the checkpoint is refused for good', async () => {
  const { reader } = await open(await serve(bodyServer('{}\n', { ranges: false })), { position: 100 });
  const error = await errorOf(reader.ready());
  expect([error.code, error.retry]).toEqual(['E1501', 'never']);
  expect(error.message).toContain('it has 3 bytes, but the checkpoint was made at 100');
});

test('a server that says no is asked again only when that can help', async () => {
  for (const [status, retry] of [
    [404, 'never'],
    [403, 'never'],
    [500, 'backoff'],
    [503, 'backoff'],
    [429, 'backoff'],
  ] as const) {
    const { reader } = await open(await serve((_, response) => response.writeHead(status).end()));
    const error = await errorOf(reader.ready());
    expect([error.code, error.retry], `status ${status}`).toEqual(['E1501', retry]);
    expect(error.message).toContain(String(status));
    server?.close();
  }
});

test('a broken connection gives what came before it, then a failure that may pass', async () => {
  const url = await serve((_, response) => {
    response.writeHead(200, { 'Content-Length': '1000' });
    response.write('{"a":1}\n{"a":2}\n{"a"', () => response.destroy());
  });
  const reading = await open(url);
  const error = await errorOf(readOn(reading, Infinity));
  expect([error.code, error.retry]).toEqual(['E1501', 'backoff']);
  expect(reading.lines).toEqual(['{"a":1}', '{"a":2}']);
});

test('a byte order mark is blanked out without moving the offsets, however it is cut', async () => {
  for (const cut of [0, 1, 2, 3, 5]) {
    const bytes = Buffer.from('\uFEFF{"a":1}\n{"a":2}\n');
    const url = await serve((_, response) => {
      response.write(bytes.subarray(0, cut), () => setImmediate(() => response.end(bytes.subarray(cut))));
    });
    const reading = await open(url);
    await readOn(reading, Infinity);
    expect(reading.lines, `cut at ${cut}`).toEqual(['   {"a":1}', '{"a":2}']);
    expect(reading.reader.position).toBe(bytes.length);
    server?.close();
  }
});

test('ranges of a coded body are of no use and are not used', async () => {
  const requests: string[] = [];
  const plain = bodyServer(BODY, { ranges: true, requests });
  const url = await serve((request, response) => {
    if (request.headers.range !== undefined) {
      requests.push('refused range');
      response.writeHead(206, { 'Content-Range': 'bytes 8-10/11', 'Content-Encoding': 'x-own' }).end('???');
    } else plain(request, response);
  });
  const reading = await open(url, { position: Buffer.byteLength(`${LINES[0]}\n`) });
  await readOn(reading, Infinity);
  expect(reading.lines).toEqual(LINES.slice(1));
  expect(requests).toEqual(['refused range', 'whole']);
});
