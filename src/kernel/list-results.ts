/**
 * Results that are lists: kernels give their values as bytes, here they become JSON, spelled as JSON.stringify would.
 *
 *   a list     values of 8 bytes, or of text length u32 and bytes                    [1,2]
 *   counted    each behind count u64 and error u64                                   [{"value":1,"count":7,"error":0}]
 *
 * Not here: which values (assembly/aggregate/list.ts, top-k.ts).
 */
import type { ColumnVector } from '../data/record-batch.ts';
import { type ColumnType, Physical, physicalOf } from '../data/types.ts';
import type { LinearMemory } from './memory.ts';

export interface ListResult {
  /** Type of the column whose values are in the list. */
  readonly of: ColumnType;
  /** Whether each value stands with its count. */
  readonly counted: boolean;
}

const UNIT_MS = { s: 1000, ms: 1, us: 0.001 } as const;

export class ListResults {
  readonly #memory: LinearMemory;
  readonly #list: ListResult;

  constructor(memory: LinearMemory, list: ListResult) {
    this.#memory = memory;
    this.#list = list;
  }

  /** The JSON of a result, from the bytes that a kernel gave. */
  textOf({ values }: ColumnVector, row: number): string {
    const { u8, u32 } = this.#memory;
    const ptr = u32[(values >>> 2) + row * 2] ?? 0;
    const view = new DataView(u8.buffer, ptr, u32[(values >>> 2) + row * 2 + 1] ?? 0);
    const items: string[] = [];
    for (let at = 0; at < view.byteLength; ) {
      const counted = this.#list.counted;
      const start = counted ? at + 16 : at;
      const { text, end } = this.#item(view, start);
      const count = counted
        ? `,"count":${view.getBigUint64(at, true)},"error":${view.getBigUint64(at + 8, true)}}`
        : '';
      items.push(counted ? `{"value":${text}${count}` : text);
      at = end;
    }
    return `[${items.join(',')}]`;
  }

  #item(view: DataView, at: number): { readonly text: string; readonly end: number } {
    const { of } = this.#list;
    if (physicalOf(of) === Physical.VIEW) {
      const length = view.getUint32(at, true);
      const text = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + 4, length));
      return { text: of.kind === 'json' ? text : JSON.stringify(text), end: at + 4 + length };
    }
    return { text: this.#spell(view, at), end: at + 8 };
  }

  #spell(view: DataView, at: number): string {
    const { kind, unit = 'ms' } = this.#list.of;
    if (kind === 'float32' || kind === 'float64') return JSON.stringify(view.getFloat64(at, true));
    const value = view.getBigInt64(at, true);
    if (kind === 'bool') return value === 0n ? 'false' : 'true';
    return kind === 'timestamp' ? JSON.stringify(new Date(Number(value) * UNIT_MS[unit])) : String(value);
  }
}
