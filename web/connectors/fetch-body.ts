/**
 * The body of one URL from some byte on, read ahead into a bounded queue.
 *
 *   fetch -> [skip to the position] -> queue (bufferBytes) -> take()
 *
 * Invariants
 *  1. `take` gives the bytes from `place.position` on, in order, none twice, in parts of at most chunkBytes.
 *  2. A byte order mark at the very start is blanked out, so that offsets stay those of the body.
 *  3. After a failure `take` says 'wait' once the queue is empty, and `ready` rejects with it.
 */
import { ExternalError } from '../../src/base/errors.ts';
import { LastAsker } from '../../src/base/last-asker.ts';

export interface BodyPlace {
  readonly position: number;
  /** The ETag that the body had when the position was noted. */
  readonly etag: string | undefined;
}

export interface FetchBodyOptions {
  readonly url: string;
  readonly place: BodyPlace;
  readonly headers: Readonly<Record<string, string>>;
  readonly bufferBytes: number;
  readonly chunkBytes: number;
  readonly fetch: typeof fetch;
}

const SPACE = 0x20;

export class FetchBody {
  readonly #options: FetchBodyOptions;
  readonly #abort = new AbortController();
  readonly #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #end: 'none' | 'end' | ExternalError = 'none';
  #etag: string | undefined;
  readonly #asker = new LastAsker();
  #wakePump = (): void => {};

  constructor(options: FetchBodyOptions) {
    this.#options = options;
    this.#etag = options.place.etag;
    void this.#run();
  }

  /** The strong ETag of the body, when the server gives one. */
  get etag(): string | undefined {
    return this.#etag;
  }

  take(): Uint8Array | 'wait' | 'end' {
    const part = this.#queue.shift();
    if (part === undefined) return this.#end === 'end' ? 'end' : 'wait';
    this.#queuedBytes -= part.length;
    this.#wakePump();
    return part;
  }

  async ready(): Promise<void> {
    if (this.#queue.length === 0 && this.#end === 'none') await this.#asker.asked();
    if (this.#queue.length === 0 && this.#end instanceof ExternalError) throw this.#end;
  }

  /** Ends the request. Does not wait for it: reads of an aborted body never answer on some hosts. */
  async close(): Promise<void> {
    this.#abort.abort();
    this.#wakePump();
  }

  async #run(): Promise<void> {
    try {
      const response = await this.#request();
      if (response !== 'at the end') await this.#read(response);
      this.#end = 'end';
    } catch (error) {
      this.#end = error instanceof ExternalError ? error : this.#failure(`${String(error)}`, 'backoff', error);
    }
    this.#asker.tell();
  }

  /** A response that begins at the position, or before it. */
  async #request(): Promise<{ readonly response: Response; readonly start: number } | 'at the end'> {
    const { position } = this.#options.place;
    if (position === 0) return { response: this.#accept(await this.#fetch({})), start: 0 };
    const response = await this.#fetch({ Range: `bytes=${position}-` });
    const range = response.headers.get('Content-Range');
    if (response.status === 416 && range === `bytes */${position}`) return 'at the end';
    this.#accept(response);
    if (response.status !== 206) return { response, start: 0 };
    const isPlain = (response.headers.get('Content-Encoding') ?? 'identity') === 'identity';
    if (isPlain && range?.startsWith(`bytes ${position}-`) === true) return { response, start: position };
    // Ranges of a coded body count coded bytes: of no use.
    await response.body?.cancel();
    return { response: this.#accept(await this.#fetch({})), start: 0 };
  }

  #fetch(headers: Readonly<Record<string, string>>): Promise<Response> {
    const { url, fetch, headers: own } = this.#options;
    return fetch(url, { headers: { ...own, ...headers }, signal: this.#abort.signal, cache: 'no-store' });
  }

  #accept(response: Response): Response {
    const { status } = response;
    if (status !== 200 && status !== 206) {
      const mayPass = status >= 500 || status === 408 || status === 429;
      throw this.#failure(
        `the server answers ${status} ${response.statusText}`.trimEnd(),
        mayPass ? 'backoff' : 'never',
      );
    }
    const etag = response.headers.get('ETag');
    const strong = etag === null || etag.startsWith('W/') ? undefined : etag;
    const { etag: before } = this.#options.place;
    if (before !== undefined && strong !== undefined && strong !== before) {
      throw this.#failure(`it has changed since the checkpoint: ETag ${strong} instead of ${before}`, 'never');
    }
    this.#etag = strong ?? before;
    return response;
  }

  async #read({ response, start }: { readonly response: Response; readonly start: number }): Promise<void> {
    const { position } = this.#options.place;
    let at = start;
    for await (const bytes of withoutMark(partsOf(response), start)) {
      const skipped = Math.min(bytes.length, Math.max(0, position - at));
      at += bytes.length;
      this.#enqueue(bytes.subarray(skipped));
      await this.#room();
    }
    if (at < position) throw this.#failure(`it has ${at} bytes, but the checkpoint was made at ${position}`, 'never');
  }

  #enqueue(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    const { chunkBytes } = this.#options;
    for (let start = 0; start < bytes.length; start += chunkBytes) {
      this.#queue.push(bytes.subarray(start, start + chunkBytes));
    }
    this.#queuedBytes += bytes.length;
    this.#asker.tell();
  }

  async #room(): Promise<void> {
    while (this.#queuedBytes >= this.#options.bufferBytes && !this.#abort.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wakePump = resolve;
      });
    }
    this.#abort.signal.throwIfAborted();
  }

  #failure(problem: string, retry: 'never' | 'backoff', cause?: unknown): ExternalError {
    return new ExternalError('E1501', { path: this.#options.url, problem }, { retry, cause });
  }
}

async function* partsOf(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Blanks out a byte order mark when the parts begin at byte 0. */
async function* withoutMark(parts: AsyncGenerator<Uint8Array>, start: number): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = start === 0 ? new Uint8Array() : undefined;
  for await (const part of parts) {
    if (head === undefined) {
      yield part;
      continue;
    }
    const joined: Uint8Array = new Uint8Array(head.length + part.length);
    joined.set(head);
    joined.set(part, head.length);
    head = joined;
    if (head.length < 3) continue;
    if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) head.fill(SPACE, 0, 3);
    yield head;
    head = undefined;
  }
  if (head !== undefined && head.length > 0) yield head;
}
