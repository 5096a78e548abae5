/** What the general operator says about the windows of a key: from its keyed state, which it leaves as it was. */
import type { Row } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { WindowAggregateNode } from '../../plan/logical.ts';
import type { KeyedState, StateKey } from '../../state/keyed-state.ts';
import { AskedKey } from './asked-key.ts';
import type { Assigner } from './assigner.ts';
import type { Contents } from './contents.ts';
import { type HeldWindow, openOf, requireStarts, windowFrom } from './held-window.ts';
import { MergingWindows } from './merging-windows.ts';
import { WindowRows } from './window-rows.ts';
import { decodeWindow, type Window } from './window.ts';

export interface WindowQuestionsOptions {
  readonly uid: string;
  readonly kernels: KernelInstance;
  readonly state: KeyedState;
  readonly node: WindowAggregateNode;
  readonly assigner: Assigner;
  readonly contents: Contents;
}

export class WindowQuestions {
  readonly #options: WindowQuestionsOptions;
  #asked: { readonly key: AskedKey; readonly rows: WindowRows } | undefined;

  constructor(options: WindowQuestionsOptions) {
    this.#options = options;
  }

  /** The window of a key that starts at an instant, of sessions the one that has it. */
  held(key: Row, at: number, passed: number): HeldWindow {
    const { uid, state, node } = this.#options;
    requireStarts(uid, node.window, at);
    const asked = this.#stateKey(key);
    const before = { bytes: state.key.bytes.slice(), hash: state.key.hash };
    state.select(asked);
    try {
      return this.#options.assigner.isMerging ? this.#session(at) : this.#aligned(key, at, passed);
    } finally {
      state.select(before);
    }
  }

  #stateKey(key: Row): StateKey {
    if (this.#asked === undefined) {
      const { uid, kernels, node } = this.#options;
      const asked = new AskedKey(kernels, uid, node);
      this.#asked = { key: asked, rows: new WindowRows(kernels, asked.schema, node.keys, (ms) => ms) };
    }
    this.#asked.rows.bind(this.#asked.key.batch(key));
    return this.#asked.rows.key;
  }

  /** Windows with contents that start at an instant, when rows decide on their borders. */
  #kept(at: number): readonly Window[] {
    if (!this.#options.assigner.readsRows) return [];
    const kept = [...this.#options.state.open('contents').entries()].map(({ sub }) => decodeWindow(sub));
    return kept.filter(({ start }) => start === at);
  }

  #session(at: number): HeldWindow {
    const { state, node, contents } = this.#options;
    const sessions = new MergingWindows(state.open('sessions')).sessions();
    const found = sessions.find(({ window: { start, end } }) => start <= at && at < end);
    if (found !== undefined) return { ...found.window, rows: contents.count(found.place) };
    return { start: at, end: at + (node.window.kind === 'session' ? node.window.gapMs : 0), rows: 0 };
  }

  #aligned(key: Row, at: number, passed: number): HeldWindow {
    const { uid, assigner, contents } = this.#options;
    const window = openOf(this.#kept(at), passed) ?? windowFrom(uid, assigner, at, passed, key);
    return { ...window, rows: contents.count(window) };
  }
}
