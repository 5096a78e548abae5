/** The windows of one row as the kernels have them: those that a window aggregate fires for it. */
import type { TableSchema } from '../../src/data/schema.ts';
import type { WindowAggregateNode, WindowSpec } from '../../src/plan/logical.ts';
import { WindowAggregate } from '../../src/runtime/operators/window-aggregate.ts';
import type { Window } from '../../src/runtime/windows/window.ts';
import { Harness } from './harness.ts';

export interface AlignedWindows {
  readonly sizeMs: number;
  readonly slideMs: number;
  readonly offsetMs: number;
  readonly isCumulating: boolean;
}

const input: TableSchema = { fields: [{ name: 'value', type: { kind: 'int64', nullable: false } }] };
const instant = { kind: 'timestamp', nullable: false } as const;
const results: TableSchema = {
  fields: [
    { name: 'windowStart', type: instant },
    { name: 'windowEnd', type: instant },
    { name: 'rows', type: { kind: 'int64', nullable: false } },
  ],
};

function specOf({ sizeMs, slideMs, offsetMs, isCumulating }: AlignedWindows): WindowSpec {
  const aligned = { clock: 'event time', sizeMs, offsetMs, zone: undefined } as const;
  return isCumulating ? { ...aligned, kind: 'cumulating', stepMs: slideMs } : { ...aligned, kind: 'hopping', slideMs };
}

export async function kernelWindows(windows: AlignedWindows, time: number): Promise<readonly Window[]> {
  const node: WindowAggregateNode = {
    kind: 'windowAggregate',
    uid: 'windows',
    input: { kind: 'union', schema: input, inputs: [] },
    schema: results,
    keys: [],
    window: specOf(windows),
    aggregates: [{ name: 'rows', fn: 'count', column: undefined, where: undefined }],
    allowedLatenessMs: 0,
    results: 'accumulating',
  };
  const harness = await Harness.open({
    kind: 'assigner',
    inputs: [input],
    ports: ['main', 'late'],
    make: ({ kernels, arena, outputs: [output, late], deadLetter }) => {
      if (output === undefined || late === undefined) throw new TypeError('two outputs');
      return new WindowAggregate({ uid: 'windows', kernels, arena, output, late, node, deadLetter });
    },
  });
  harness.row([1], { timestamp: time });
  harness.end();
  return harness.transcript.unseen.flatMap((seen) => {
    if (!('element' in seen) || !Array.isArray(seen.element)) return [];
    return [{ start: Number(seen.element[0]), end: Number(seen.element[1]) }];
  });
}
