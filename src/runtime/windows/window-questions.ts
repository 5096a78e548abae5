/** What the general operator says about the windows of a key: from its keyed state, which it leaves as it was. */
import type { Row } from '../../format/row-view.ts';
import type { KernelInstance } from '../../kernel/instance.ts';
import type { WindowAggregateNode } from '../../plan/logical.ts';
import type { KeyedState } from '../../state/keyed-state.ts';
import { AskedKey } from './asked-key.ts';
import type { Assigner } from './assigner.ts';
import type { Contents } from './contents.ts';
import { type HeldWindow, requireStarts, windowFrom } from './held-window.ts';
import { MergingWindows } from './merging-windows.ts';

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
  #asked: AskedKey | undefined;

  constructor(options: WindowQuestionsOptions) {
    this.#options = options;
  }

  /** The window of a key that starts at an instant, of sessions the one that has it. */
  held(key: Row, at: number, passed: number): HeldWindow {
    const { uid, kernels, state, node } = this.#options;
    requireStarts(uid, node.window, at);
    this.#asked ??= new AskedKey(kernels, uid, node);
    const asked = this.#asked.state(key);
    const before = { bytes: state.key.bytes.slice(), hash: state.key.hash };
    state.select(asked);
    try {
      return this.#options.assigner.isMerging ? this.#session(at) : this.#aligned(at, passed);
    } finally {
      state.select(before);
    }
  }

  #session(at: number): HeldWindow {
    const { state, node, contents } = this.#options;
    const sessions = new MergingWindows(state.open('sessions')).sessions();
    const found = sessions.find(({ window: { start, end } }) => start <= at && at < end);
    if (found !== undefined) return { ...found.window, rows: contents.count(found.place) };
    return { start: at, end: at + (node.window.kind === 'session' ? node.window.gapMs : 0), rows: 0 };
  }

  #aligned(at: number, passed: number): HeldWindow {
    const { uid, assigner, contents } = this.#options;
    const window = windowFrom(uid, assigner, at, passed);
    return { ...window, rows: contents.count(window) };
  }
}
