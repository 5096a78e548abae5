/**
 * All states of a function: what it sees under their names, their caches, their clocks.
 *
 * Invariants
 *  1. `writeBack` leaves nothing that is not in the port.
 *  2. States that expire by processing time lie in a port of their own, whose clock that is.
 */
import { assert } from '../../base/assert.ts';
import type { Clocks, StateSpec } from '../../plan/process.ts';
import type { Expiry, KeyedState } from '../../state/keyed-state.ts';
import { FoldState, ListState, MapState } from './collections.ts';
import type { KeyScope } from './key-scope.ts';
import { keptOf } from './kept.ts';
import { columnSchema } from './row-bytes.ts';
import { ValueState } from './value-state.ts';

export type StateHandle = ValueState | MapState | ListState | FoldState;

/** What is told of an entry that has expired. */
export interface ExpiredEntry {
  readonly value: unknown;
  /** Of a map: the key of the entry. */
  readonly entry?: unknown;
}

/** The states of a function, by name. */
export class States {
  /** What functions see. */
  readonly handles: { readonly [name: string]: StateHandle };
  readonly #values: ValueState[] = [];

  constructor(scope: KeyScope, state: KeyedState, specs: readonly StateSpec[], clocks: Clocks) {
    this.handles = Object.fromEntries(
      specs.map((spec) => [spec.name, this.#handle(scope, state, spec, clocks)] as const),
    );
  }

  /** What each holds for the key at hand, by name; nothing lives longer for it. After `writeBack`. */
  peek(): { readonly [name: string]: unknown } {
    return Object.fromEntries(Object.entries(this.handles).map(([name, handle]) => [name, handle.peek()]));
  }

  /** What an entry of the state `name` held, which has expired; undefined when functions know of no such entry. */
  expired(name: string, sub: Uint8Array, value: Uint8Array): ExpiredEntry | undefined {
    return this.handles[name]?.expired(sub, value);
  }

  writeBack(): void {
    for (const value of this.#values) value.writeBack();
  }

  #handle(scope: KeyScope, state: KeyedState, spec: StateSpec, { eventTime }: Clocks): StateHandle {
    const table = state.open(spec.name, expiryOf(spec));
    const kept = keptOf(spec.type, spec.isColumn, eventTime);
    const refreshes = spec.expiry?.refresh === 'access';
    switch (spec.kind) {
      case 'value':
        return this.#value(new ValueState(scope, table, spec, kept));
      case 'list':
        return new ListState(scope, table, kept, { refreshes });
      case 'map':
        assert(spec.key !== undefined, `the map '${spec.name}' has no key type`);
        return new MapState(scope, table, {
          keys: keptOf(columnSchema(spec.key), true, eventTime),
          values: kept,
          refreshes,
        });
      case 'fold':
        assert(spec.fold !== undefined, `'${spec.name}' does not say how it folds`);
        return new FoldState(this.#value(new ValueState(scope, table, spec, kept)), spec.fold);
    }
  }

  #value(value: ValueState): ValueState {
    this.#values.push(value);
    return value;
  }
}

const expiryOf = ({ expiry }: StateSpec): Expiry | undefined =>
  expiry === undefined ? undefined : { ttlMs: expiry.ttlMs, refresh: expiry.refresh };
