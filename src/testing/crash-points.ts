/**
 * Every call of every port is a crash point, twice: before it takes effect, and after, when its caller has not yet
 * heard.
 *
 *   job ---- instrument(port, name, controller) ---- port
 *                        |
 *                   controller: counts points, hashes the trace, dies at one of them, delays effects and answers
 *
 * Invariants
 *  1. Points are numbered in the order in which they are reached, from 0. The same run reaches the same points: the
 *     trace hash covers names, arguments (texts, numbers, bytes), outcomes and the order of it all.
 *  2. After the crash no call reaches a port: asynchronous ones never resolve, so that no `finally` or `catch` of the
 *     dead process goes on; synchronous ones throw SimulatedCrash.
 *  3. With `interleave`, effects of calls to one object keep their order; calls to different objects may take effect,
 *     and calls of any may be answered, in any order that the random chooses.
 *  4. Objects that a port's methods make (segments, files, readers, writers) are ports as well.
 * Not here: choosing points, restarting, comparing (simulator.ts). Properties and getters are read through, uncounted.
 */
import { below, type Random } from '../base/random.ts';

/** Methods that answer with a port, and what it is called in traces. */
const PORTS_MADE: Readonly<Record<string, string>> = { createSegment: 'segment', create: 'file', open: 'opened' };

/** Thrown by the call at which the process dies, and by every synchronous call after it. Never caught to go on. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash';
  readonly point: number;
  /** The call, and on which side of its effect: "store.publish('manifest', 12 bytes), after". */
  readonly label: string;

  constructor(point: number, label: string) {
    super(`simulated crash at point ${point}: ${label}`);
    this.point = point;
    this.label = label;
  }
}

export interface ControllerOptions {
  /** Dies at this point; without it, never. */
  readonly crashAt?: number;
  /** Delays effects and answers of asynchronous calls by this random; without it they come as the ports give them. */
  readonly interleave?: Random;
  /** Methods known to be asynchronous, from an earlier run; only these can be delayed before they are first seen. */
  readonly asyncMethods?: ReadonlySet<string>;
  /** Keeps the texts of the trace, not only its hash. */
  readonly keepTrace?: boolean;
}

/** Counts the calls of wrapped ports, and crashes or delays them. */
export class PortController {
  readonly asyncMethods: Set<string>;
  /** Texts of the points reached, when asked for. */
  readonly trace: string[] = [];
  readonly #options: ControllerOptions;
  readonly #hash = new TraceHash();
  #points = 0;
  #crash: SimulatedCrash | undefined;
  #delayed: (() => void)[] = [];

  constructor(options: ControllerOptions = {}) {
    this.#options = options;
    this.asyncMethods = new Set(options.asyncMethods);
  }

  /** Points reached so far. */
  get points(): number {
    return this.#points;
  }

  get crash(): SimulatedCrash | undefined {
    return this.#crash;
  }

  /** 16 hexadecimal digits over all points reached so far. */
  get traceHash(): string {
    return this.#hash.text();
  }

  /** Lets one delayed effect or answer through, chosen by the random. False when none waits. */
  releaseOne(): boolean {
    const { interleave } = this.#options;
    if (interleave === undefined || this.#delayed.length === 0) return false;
    const [release] = this.#delayed.splice(below(interleave, this.#delayed.length), 1);
    release?.();
    return true;
  }

  /** One call through a wrapped port. */
  call(call: PortCall): unknown {
    if (this.#crash !== undefined) return this.#afterlife(call.method);
    this.#hash.arguments(call.args);
    if (this.#reach(call, 'before')) return this.#afterlife(call.method);
    const isDelayed = this.#options.interleave !== undefined && this.asyncMethods.has(call.method);
    return isDelayed ? this.#delayedCall(call) : this.#directCall(call);
  }

  #directCall(call: PortCall): unknown {
    // What was called before on this object comes first: a port may rely on it (rows written after `prepare`'s call).
    for (const begin of call.object.waiting.splice(0)) begin();
    let result: unknown;
    try {
      result = call.invoke();
    } catch (error) {
      if (this.#reach(call, 'after failing')) return this.#afterlife(call.method);
      throw error;
    }
    if (result instanceof Promise) {
      this.asyncMethods.add(call.method);
      return this.#answer(call, result);
    }
    return this.#reach(call, 'after') ? this.#afterlife(call.method) : call.wrap(result);
  }

  /** An effect that comes when the random says so, but behind those of earlier calls to the same object. */
  #delayedCall(call: PortCall): Promise<unknown> {
    const { waiting } = call.object;
    const effect = new Promise<unknown>((resolve, reject) => {
      waiting.push(() => {
        if (this.#crash !== undefined) return;
        try {
          resolve(call.invoke());
        } catch (error) {
          reject(error);
        }
      });
    });
    void this.#delay().then(() => waiting.shift()?.());
    return this.#answer(call, effect);
  }

  async #answer(call: PortCall, effect: Promise<unknown>): Promise<unknown> {
    let answer: () => unknown;
    let side: string;
    try {
      const value = await effect;
      answer = () => call.wrap(value);
      side = 'after';
    } catch (error) {
      answer = () => {
        throw error;
      };
      side = 'after failing';
    }
    if (this.#crash !== undefined || this.#reach(call, side)) return never();
    if (this.#options.interleave !== undefined) await this.#delay();
    return this.#crash === undefined ? answer() : never();
  }

  #delay(): Promise<void> {
    return this.#crash === undefined ? new Promise((resolve) => this.#delayed.push(resolve)) : never();
  }

  /** Counts a point; true when the process dies here. */
  #reach(call: PortCall, side: string): boolean {
    const point = this.#points++;
    this.#hash.text16(`${call.method} ${side}`);
    const isLast = point === this.#options.crashAt;
    if (this.#options.keepTrace === true) this.trace.push(describe(call, side));
    if (isLast) {
      this.#crash = new SimulatedCrash(point, describe(call, side));
      this.#delayed = [];
    }
    return isLast;
  }

  #afterlife(method: string): Promise<never> {
    if (this.asyncMethods.has(method) || this.#crash === undefined) return never();
    throw this.#crash;
  }
}

/** One call on its way: what is called, how, and on which object. */
interface PortCall {
  /** Name of the port and the method: the same for all objects of a kind. */
  readonly method: string;
  readonly args: readonly unknown[];
  /** The object that is called, and the effects on it that have not begun, in the order of their calls. */
  readonly object: { readonly waiting: (() => void)[] };
  readonly invoke: () => unknown;
  /** Wraps what the call answers with, when it is a port. */
  readonly wrap: (value: unknown) => unknown;
}

/** `port` with every method call going through the controller. Calls that the port makes to itself do not. */
export function instrument<P extends object>(port: P, name: string, controller: PortController): P {
  const object = { waiting: [] };
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(port, {
    get(target, key) {
      // The target is the receiver too: private fields are reachable on it alone.
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || typeof key === 'symbol') return value;
      const known = methods.get(key);
      if (known !== undefined) return known;
      const made = PORTS_MADE[key];
      const wrap = (result: unknown): unknown =>
        made !== undefined && typeof result === 'object' && result !== null
          ? instrument(result, `${name}/${made}`, controller)
          : result;
      const method = `${name}.${key}`;
      const wrapped = (...args: unknown[]): unknown =>
        controller.call({ method, args, object, wrap, invoke: () => Reflect.apply(value, target, args) });
      methods.set(key, wrapped);
      return wrapped;
    },
  });
}

const noop = (): void => {};
const never = (): Promise<never> => new Promise(noop);

function describe(call: PortCall, side: string): string {
  const args = call.args.map((arg) => {
    if (arg instanceof Uint8Array) return `${arg.length} bytes`;
    if (typeof arg === 'string') return `'${arg}'`;
    return typeof arg === 'object' || typeof arg === 'function' ? '…' : String(arg);
  });
  return `${call.method}(${args.join(', ')}), ${side}`;
}

/** FNV-1a in two lanes of 32 bits: enough to tell traces apart, and the same on every host. */
class TraceHash {
  #a = 0x811c9dc5;
  #b = 0x9747b28c;

  #byte(byte: number): void {
    this.#a = Math.imul(this.#a ^ byte, 0x01000193);
    this.#b = Math.imul(this.#b ^ byte ^ (this.#a >>> 24), 0x01000193);
  }

  /** As #byte for each, and for how many there are; in locals, because most of what is hashed is this. */
  #bytes(bytes: Uint8Array): void {
    let [a, b] = [this.#a, this.#b];
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i] ?? 0;
      a = Math.imul(a ^ byte, 0x01000193);
      b = Math.imul(b ^ byte ^ (a >>> 24), 0x01000193);
    }
    [this.#a, this.#b] = [a, b];
    this.#byte(bytes.length & 0xff);
  }

  text16(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      this.#byte(unit & 0xff);
      this.#byte(unit >>> 8);
    }
    this.#byte(0xff);
  }

  /** Texts, numbers and bytes count, in lists too; other objects only by being there. */
  arguments(args: readonly unknown[]): void {
    for (const arg of args) {
      if (arg instanceof Uint8Array) {
        this.#bytes(arg);
      } else if (Array.isArray(arg)) {
        this.arguments(arg);
      } else {
        this.text16(typeof arg === 'object' ? 'object' : `${typeof arg} ${String(arg)}`);
      }
    }
  }

  text(): string {
    return [this.#a, this.#b].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
  }
}
