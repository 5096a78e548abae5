import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { instrument, PortController, SimulatedCrash } from '../../../src/testing/crash-points.ts';
import { MemoryMedium, MemoryStore } from '../../../src/testing/memory-store.ts';
import { microtasks } from '../../../src/testing/virtual-clock.ts';

/** A port with a private field, a getter, a synchronous and two asynchronous methods. */
class Counter {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(n: number): number {
    if (n < 0) throw new RangeError('negative');
    this.#count += n;
    return this.#count;
  }

  async addLater(n: number): Promise<number> {
    return this.add(n);
  }

  async fail(): Promise<never> {
    throw new Error('as planned');
  }
}

test('each call is two points, before and after its effect, in the order reached', async () => {
  const controller = new PortController({ keepTrace: true });
  const counter = instrument(new Counter(), 'counter', controller);
  expect(counter.add(1)).toBe(1);
  expect(await counter.addLater(2)).toBe(3);
  await expect(counter.fail()).rejects.toThrow('as planned');
  expect(() => counter.add(-1)).toThrow(RangeError);
  expect(counter.count).toBe(3);
  expect(controller.points).toBe(8);
  expect(controller.trace).toEqual([
    'counter.add(1), before',
    'counter.add(1), after',
    'counter.addLater(2), before',
    'counter.addLater(2), after',
    'counter.fail(), before',
    'counter.fail(), after failing',
    'counter.add(-1), before',
    'counter.add(-1), after failing',
  ]);
});

test('a crash before a call leaves no effect, a crash after it leaves all of it', () => {
  for (const [crashAt, count] of [
    [0, 0],
    [1, 1],
    [2, 1],
    [3, 3],
  ] as const) {
    const target = new Counter();
    const counter = instrument(target, 'counter', new PortController({ crashAt }));
    expect(() => {
      counter.add(1);
      counter.add(2);
    }).toThrow(SimulatedCrash);
    expect(target.count, `crash at ${crashAt}`).toBe(count);
  }
});

test('after the crash nothing reaches a port: synchronous calls throw, asynchronous ones never answer', async () => {
  const controller = new PortController({ crashAt: 3 });
  const target = new Counter();
  const counter = instrument(target, 'counter', controller);
  const heard: string[] = [];
  await counter.addLater(1);
  const job = counter
    .addLater(2)
    .then(
      () => heard.push('answered'),
      () => heard.push('failed'),
    )
    .finally(() => heard.push('finally'));
  void counter.addLater(4).then(() => heard.push('later'));
  await microtasks();
  expect(() => counter.add(8)).toThrow(SimulatedCrash);
  void job;
  expect(heard).toEqual([]);
  expect(target.count).toBe(3);
  expect(controller.crash?.label).toBe('counter.addLater(4), before');
  void counter.addLater(16).then(() => heard.push('from the dead'));
  await microtasks();
  expect(target.count).toBe(3);
  expect(heard).toEqual([]);
});

test('segments that a store makes are ports too', async () => {
  const controller = new PortController({ keepTrace: true });
  const store = instrument(new MemoryStore(new MemoryMedium()), 'store', controller);
  await store.acquire();
  const segment = await store.createSegment('s');
  await segment.append(Uint8Array.of(1, 2));
  await segment.seal();
  expect(controller.trace).toContain('store/segment.append(2 bytes), after');
  expect(controller.trace).toContain('store/segment.seal(), before');
  expect(segment.name).toBe('s');
});

async function traceHash(values: readonly number[]): Promise<string> {
  const controller = new PortController();
  const store = instrument(new MemoryStore(), 'store', controller);
  await store.acquire();
  for (const value of values) await store.publish('m', Uint8Array.of(value));
  return controller.traceHash;
}

test('the trace hash is the same for the same calls and tells arguments and order apart', async () => {
  expect(await traceHash([1, 2])).toBe(await traceHash([1, 2]));
  const hashes = await Promise.all([[1, 2], [2, 1], [1, 3], [1], [1, 2, 2]].map(traceHash));
  expect(new Set(hashes).size).toBe(5);
});

/** Two workers take turns on two counters; the order of their answers is the interleaving. */
async function interleaving(seed: number): Promise<{ readonly order: string; readonly hash: string }> {
  const asyncMethods = new Set(['a.addLater', 'b.addLater']);
  const controller = new PortController({ interleave: seededRandom(seed), asyncMethods });
  const order: string[] = [];
  const work = async (name: string): Promise<void> => {
    const counter = instrument(new Counter(), name, controller);
    for (let i = 1; i <= 3; i++) order.push(`${name}${await counter.addLater(1)}`);
  };
  const done = Promise.all([work('a'), work('b')]);
  do await microtasks();
  while (controller.releaseOne());
  await done;
  return { order: order.join(' '), hash: controller.traceHash };
}

test('interleavings come from the seed: many of them, each repeatable, calls to one object in order', async () => {
  const orders = new Set<string>();
  const hashes = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const first = await interleaving(seed);
    expect(await interleaving(seed), `seed ${seed}`).toEqual(first);
    expect(first.order.replaceAll(/b\d ?/g, '').trim(), `seed ${seed}`).toBe('a1 a2 a3');
    orders.add(first.order);
    hashes.add(first.hash);
  }
  expect(orders.size).toBe(20);
  expect(hashes.size).toBeGreaterThanOrEqual(20);
});

test('effects on different objects may come in another order than their calls, those on one object never', async () => {
  const orders = new Set<string>();
  for (let seed = 0; seed < 100; seed++) {
    const effects: string[] = [];
    const port = (name: string): { put(text: string): Promise<void> } => ({
      put: async (text) => {
        effects.push(name + text);
      },
    });
    const controller = new PortController({
      interleave: seededRandom(seed),
      asyncMethods: new Set(['a.put', 'b.put']),
    });
    const [a, b] = [instrument(port('a'), 'a', controller), instrument(port('b'), 'b', controller)];
    void a.put('1');
    void a.put('2');
    void b.put('1');
    do await microtasks();
    while (controller.releaseOne());
    orders.add(effects.join());
  }
  expect([...orders].sort()).toEqual(['a1,a2,b1', 'a1,b1,a2', 'b1,a1,a2']);
});

test('a synchronous call comes behind every earlier call to its object, however those are delayed', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const effects: string[] = [];
    const port = {
      prepare: async () => void effects.push('prepare'),
      write: (row: string) => void effects.push(row),
    };
    const asyncMethods = new Set(['sink.prepare']);
    const controller = new PortController({ interleave: seededRandom(seed), asyncMethods });
    const sink = instrument(port, 'sink', controller);
    sink.write('row 1');
    const prepared = sink.prepare();
    sink.write('row 2');
    do await microtasks();
    while (controller.releaseOne());
    await prepared;
    expect(effects, `seed ${seed}`).toEqual(['row 1', 'prepare', 'row 2']);
  }
});
