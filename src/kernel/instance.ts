/**
 * One instance of the kernels over one private memory. Instances are never shared between tasks; `reset` makes one as new.
 *
 * `exports` is typed by the doors of this folder: each declares the functions that it calls.
 */
import { assert } from '../base/assert.ts';
import { InternalError } from '../base/errors.ts';
import { ABI_VERSION } from './abi.ts';
import { FRAME_BYTES, LinearMemory } from './memory.ts';

type KernelFunction = (...args: number[]) => number;

/** What a memory needs at least: static data, block statuses and one frame of each kind. */
const INITIAL_FRAMES = 1;
const WASM_PAGE_BYTES = 65536;

export class KernelInstance {
  readonly memory: LinearMemory;
  readonly #functions: ReadonlyMap<string, KernelFunction>;
  readonly #maxFrames: number;

  /**
   * `maxBytes` bounds all of memory: state, chunks, batches. At most 4 GiB, rounded up to whole MiB. `reserved`: it never
   * has to grow, if the system allows that; pages that were not used take address space alone.
   */
  constructor(
    module: WebAssembly.Module,
    maxBytes: number,
    { reserved = false }: { readonly reserved?: boolean } = {},
  ) {
    this.#maxFrames = Math.ceil(maxBytes / FRAME_BYTES);
    assert(this.#maxFrames > 0 && this.#maxFrames <= 4096, `memory of ${maxBytes} bytes`);
    const memory =
      (reserved ? tryMemory(this.#maxFrames, this.#maxFrames) : undefined)
      ?? newMemory(INITIAL_FRAMES, this.#maxFrames);
    const instance = new WebAssembly.Instance(module, { env: { memory, abort } });
    const functions = new Map<string, KernelFunction>();
    for (const [name, value] of Object.entries(instance.exports)) {
      // WebAssembly exports are untyped; the doors check arity and meaning.
      if (typeof value === 'function') functions.set(name, value as KernelFunction);
    }
    this.#functions = functions;
    assert(this.function('abiVersion')() === ABI_VERSION, 'kernels of another build: run npm run build:kernels');
    this.memory = new LinearMemory(memory, this.function('transientAlloc'));
    this.reset();
  }

  /** An exported kernel; throws when the build has none of this name. Look up once, call often. */
  function(name: string): KernelFunction {
    const found = this.#functions.get(name);
    if (found === undefined) throw new InternalError(`no kernel named ${name}`);
    return found;
  }

  /** Forgets everything in memory; every pointer into it is dead. */
  reset(): void {
    const frames = this.function('memoryInit')(this.#maxFrames);
    assert(frames > 0, `${this.#maxFrames} MiB are too little memory for the kernels`);
  }

  /** What bounds all of this memory. */
  get maxBytes(): number {
    return this.#maxFrames * FRAME_BYTES;
  }

  /** Bytes of memory handed out so far, the system's own included. */
  takenBytes(): number {
    return (this.function('framesTaken')() >>> 0) * FRAME_BYTES;
  }
}

function newMemory(initialFrames: number, maximumFrames: number): WebAssembly.Memory {
  const pages = FRAME_BYTES / WASM_PAGE_BYTES;
  return new WebAssembly.Memory({ initial: initialFrames * pages, maximum: maximumFrames * pages });
}

/** Undefined where the system does not promise so much at once. */
function tryMemory(initialFrames: number, maximumFrames: number): WebAssembly.Memory | undefined {
  try {
    return newMemory(initialFrames, maximumFrames);
  } catch {
    return undefined;
  }
}

/** Only a debug build of the kernels calls this: a failed assertion. */
function abort(_message: number, _file: number, line: number, column: number): never {
  throw new InternalError(`kernel assertion failed at ${line}:${column}`);
}
