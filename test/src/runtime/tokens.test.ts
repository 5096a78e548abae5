import { describe, expect, it } from 'vitest';
import { callback, collect, collection, from, fromAsyncIterable, int32, schema } from '../../../src/index.ts';
import { run } from '../../../node/index.ts';

const Order = schema({ id: int32() });

/** Rows that a test pushes, as an iterable. */
class Pushed {
  readonly #rows: { readonly id: number }[] = [];
  #wake: () => void = () => undefined;
  #isOver = false;

  push(...ids: readonly number[]): void {
    this.#rows.push(...ids.map((id) => ({ id })));
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ readonly id: number }> {
    for (;;) {
      const row = this.#rows.shift();
      if (row !== undefined) yield row;
      else if (this.#isOver) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

const pushedSource = (pushed: Pushed) =>
  from(
    fromAsyncIterable(Order, () => pushed),
    { uid: 'orders' },
  );

describe('a token', () => {
  it('is processed when what the iterable had yielded has reached the sinks', async () => {
    const pushed = new Pushed();
    const seen: number[] = [];
    const made = pushedSource(pushed).to(callback(Order, (rows) => void seen.push(...rows.map(({ id }) => id))));
    await using job = await run(made, { handleSignals: false });
    pushed.push(1, 2, 3);
    await job.processed({ orders: { rows: 3 } });
    expect(seen).toEqual([1, 2, 3]);
    expect(job.token()).toEqual({ orders: { rows: 3 } });
    pushed.push(4);
    const fourth = job.processed({ orders: { rows: 4 } });
    await fourth;
    expect(seen).toEqual([1, 2, 3, 4]);
    await job.processed({ orders: { rows: 2 } });
    pushed.end();
    await job.done;
  });

  it('that is to be committed waits for the checkpoint after it', async () => {
    const pushed = new Pushed();
    const sink = collect(Order);
    const made = pushedSource(pushed).to(sink);
    await using job = await run(made, { handleSignals: false, checkpointEvery: '50 ms' });
    pushed.push(1, 2);
    await job.processed({ orders: { rows: 2 } }, { committed: true });
    expect(sink.rows.map(({ id }) => id)).toEqual([1, 2]);
    pushed.end();
    await job.done;
  });

  it('waits for what asynchronous functions have been asked', async () => {
    const pushed = new Pushed();
    const seen: number[] = [];
    let answer: () => void = () => undefined;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const made = pushedSource(pushed)
      .mapAsync(
        async ({ id }) => {
          await answered;
          return { id: id * 10 };
        },
        { out: Order },
      )
      .to(callback(Order, (rows) => void seen.push(...rows.map(({ id }) => id))));
    await using job = await run(made, { handleSignals: false });
    pushed.push(1, 2);
    let isProcessed = false;
    const processed = job.processed({ orders: { rows: 2 } }).then(() => (isProcessed = true));
    pushed.push(3);
    await expect.poll(() => job.progress().recordsIn).toBe(3);
    expect([isProcessed, seen]).toEqual([false, []]);
    answer();
    await processed;
    expect(seen.slice(0, 2)).toEqual([10, 20]);
    pushed.end();
    await job.done;
  });

  it('is processed behind several asynchronous functions although rows never stop coming', async () => {
    const most = 20_000;
    let yielded = 0;
    let isOver = false;
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const steady = async function* (): AsyncGenerator<{ readonly id: number }> {
      while (!isOver && yielded < most) {
        await turn();
        yield { id: yielded++ };
      }
    };
    const slowly = async <R>(row: R): Promise<R> => {
      for (let i = 0; i < 5; i++) await turn();
      return row;
    };
    const seen: number[] = [];
    const made = from(fromAsyncIterable(Order, steady), { uid: 'orders' })
      .mapAsync(slowly, { out: Order })
      .mapAsync(slowly, { out: Order })
      .to(callback(Order, (rows) => void seen.push(...rows.map(({ id }) => id))));
    const job = await run(made, { handleSignals: false });
    await expect.poll(() => yielded).toBeGreaterThan(50);
    const token = job.token();
    await job.processed(token);
    expect(yielded).toBeLessThan(most);
    expect(seen.length).toBeGreaterThanOrEqual(token['orders']?.['rows'] ?? most);
    isOver = true;
    await job.done;
  });

  it('names all rows of a collection, and is processed with the last of them', async () => {
    const made = from(collection(Order, [{ id: 1 }, { id: 2 }]), { uid: 'given' }).to(collect());
    const job = await run(made, { handleSignals: false });
    expect(job.token()).toEqual({ given: { rows: 2 } });
    await job.processed(job.token(), { committed: true });
    await job.done;
    await job.processed({ given: { rows: 2 } });
    await expect(job.processed({ given: { rows: 3 } })).rejects.toThrow('the job ended (finished) before');
  });

  it('that was processed before the job was suspended is processed and committed, also when it is asked for afterwards', async () => {
    const pushed = new Pushed();
    const job = await run(pushedSource(pushed).to(collect()), { handleSignals: false });
    pushed.push(1, 2, 3);
    await job.processed('orders', 3);
    const atTheEnd = job.processed({ orders: { rows: 3 } }, { committed: true });
    pushed.end();
    await job.suspend();
    await atTheEnd;
    await job.processed('orders', 3);
    await job.processed({ orders: { rows: 3 } }, { committed: true });
    await expect(job.processed('orders', 4)).rejects.toThrow("the job is suspended, and 'orders' never came to 4");
    await expect(job.processed({ orders: { rows: 4 } })).rejects.toThrow('the job ended (suspended) before');
  });

  it('is not processed by a suspended job whose asynchronous functions had still to answer', async () => {
    const pushed = new Pushed();
    const made = pushedSource(pushed)
      .mapAsync(({ id }) => (id === 1 ? Promise.resolve({ id }) : new Promise<never>(() => undefined)), { out: Order })
      .to(collect());
    const job = await run(made, { handleSignals: false });
    pushed.push(1);
    await job.processed('orders', 1);
    pushed.push(2);
    await expect.poll(() => job.progress().recordsIn).toBe(2);
    pushed.end();
    await job.suspend();
    await expect(job.processed('orders', 2)).rejects.toMatchObject({ code: 'E1336' });
    await expect(job.processed({ orders: { rows: 2 } })).rejects.toMatchObject({ code: 'E1340' });
  });

  it('that is none is refused with what a token is', async () => {
    const pushed = new Pushed();
    const job = await run(pushedSource(pushed).to(collect()), { handleSignals: false });
    // What JavaScript may hand in.
    const processed = job.processed.bind(job) as (...given: readonly unknown[]) => Promise<void>;
    for (const rows of [undefined, '3', Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, { committed: true }]) {
      await expect(processed('orders', rows), String(rows)).rejects.toMatchObject({ code: 'E1006' });
      await expect(processed({ orders: { rows } }), String(rows)).rejects.toMatchObject({ code: 'E1006' });
    }
    for (const token of [null, undefined, 5, [], { orders: 5 }, { orders: null }, { orders: [] }])
      await expect(processed(token), JSON.stringify(token)).rejects.toMatchObject({ code: 'E1006' });
    await expect(processed('orders', '3')).rejects.toThrow(
      "the number of rows of 'orders' must be a whole number from 0 on, but is '3'",
    );
    pushed.end();
    await job.cancel();
  });

  it('is rejected when the job ends before it, and refused for what the job does not read', async () => {
    const pushed = new Pushed();
    const job = await run(pushedSource(pushed).to(collect()), { handleSignals: false });
    const never = job.processed({ orders: { rows: 1 } });
    const refused = expect(never).rejects.toThrow('the job ended (cancelled) before all that the token names');
    await expect(job.processed({ others: {} })).rejects.toThrow(
      "the token names 'others', which this job does not read",
    );
    await expect(job.processed({ orders: { x: 1 } })).rejects.toThrow("the token names 'orders/x'");
    pushed.end();
    await job.cancel();
    await refused;
  });
});
