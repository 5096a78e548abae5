/** Kind `valve`: the watermark of several channels by the tracker that unions and split watermarks use. */
import type { Json } from '../../src/base/json.ts';
import { eventTimeMs } from '../../src/base/time.ts';
import { WatermarkTracker } from '../../src/runtime/progress/watermark-tracker.ts';
import { type Driver, objectOf, type Step, Unsupported } from './case.ts';
import { type Mismatch, sameValue, timeOf, Transcript } from './compare.ts';
import { type Actor, conduct } from './conduct.ts';

export const valve: Driver = async (one) => {
  const channels = one.operator['channels'];
  if (typeof channels !== 'number') throw new Unsupported('a valve without a number of channels');
  return conduct(one, new ValveActor(channels));
};

/** What a union does with its tracker: the watermark before the status when it becomes idle. */
class ValveActor implements Actor {
  readonly transcript = new Transcript('valve');
  readonly #tracker: WatermarkTracker;

  constructor(channels: number) {
    this.#tracker = new WatermarkTracker(channels);
  }

  act(step: Step): void {
    const channel = Number(step['channel']);
    if (step['watermark'] !== undefined) {
      if (this.#tracker.advance(channel, eventTimeMs(timeOf(step['watermark'])))) this.#send();
    } else if (step['status'] !== undefined) {
      const wasIdle = this.#tracker.idle;
      if (this.#tracker.setIdle(channel, step['status'] === 'idle')) this.#send();
      if (this.#tracker.idle !== wasIdle) this.transcript.status(this.#tracker.idle ? 'idle' : 'active');
    } else throw new Unsupported(`a step ${Object.keys(step).join(', ')}`);
  }

  ask(step: Step): Mismatch | undefined | 'not mine' {
    if (step['state'] === undefined) return 'not mine';
    const asked = objectOf(step['state'], 'state');
    const channel = Number(asked['channel']);
    const known: { readonly [name: string]: Json } = {
      channel,
      channelAligned: this.#tracker.counts(channel),
      channelActive: !this.#tracker.isIdle(channel),
      channelIdle: this.#tracker.isIdle(channel),
      channelWatermark: this.#tracker.of(channel),
    };
    for (const [name, value] of Object.entries(asked)) {
      if (!(name in known)) throw new Unsupported(`the state ${name}`);
      if (!sameValue(value, known[name])) return { expected: { [name]: value }, got: { [name]: known[name] } };
    }
    return undefined;
  }

  #send(): void {
    this.transcript.watermark(this.#tracker.watermark);
  }
}
