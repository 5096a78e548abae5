/**
 * Kind `deduplicate`. A mini-batch of n rows is an input batch of n rows; it ends early before a watermark and at the end.
 */
import { MAX_TIME } from '../../src/base/time.ts';
import type { Field, TableSchema } from '../../src/data/schema.ts';
import type { DeduplicateNode } from '../../src/plan/logical.ts';
import type { Expression } from '../../src/plan/expression.ts';
import type { Json } from '../../src/base/json.ts';
import { Deduplicate } from '../../src/runtime/operators/deduplicate.ts';
import { ArenaKeyedState } from '../../src/state/arena-keyed-state.ts';
import { type ConformanceCase, type Driver, type JsonObject, listOf, type Step, Unsupported } from './case.ts';
import { timeOf, type Transcript } from './compare.ts';
import { type Actor, conduct } from './conduct.ts';
import { Harness } from './harness.ts';

/** Columns by the values of the first row; all may be null. */
function schemaOf({ operator, steps }: ConformanceCase): TableSchema {
  const first = steps.find((step) => step['element'] !== undefined)?.['element'];
  const names = operator['input'] === undefined ? [] : listOf(operator['input'], 'input');
  const fields = listOf(first, 'the first row').map((value, i): Field => {
    const kind = typeof value === 'number' ? 'int64' : 'utf8';
    return { name: String(names[i] ?? `field${i}`), type: { kind, nullable: true } };
  });
  return { fields };
}

/** 'field2 > 10' */
function conditionOf(filter: Json | undefined, schema: TableSchema): Expression | undefined {
  if (filter === undefined) return undefined;
  const [, name = '', limit = ''] = /^(\w+) > (\d+)$/.exec(String(filter)) ?? [];
  const type = schema.fields.find((field) => field.name === name)?.type;
  if (type === undefined) throw new Unsupported(`the filter ${String(filter)}`);
  return {
    op: 'gt',
    left: { op: 'column', name, type },
    right: { op: 'literal', value: limit, type: { kind: 'int64', nullable: false } },
    type: { kind: 'bool', nullable: true },
  };
}

function nodeOf(one: ConformanceCase, schema: TableSchema): DeduplicateNode {
  const { operator } = one;
  const { keep, order, stateTtlMs, emitUpdateBefore, emitInsert, miniBatch, perBatch, keyFields } = operator;
  if (keep !== 'first' && keep !== 'last') throw new Unsupported(`keep ${String(keep)}`);
  if (order !== 'event time' && order !== 'processing time') throw new Unsupported(`order ${String(order)}`);
  const ttlMs = stateTtlMs === undefined ? 0 : timeOf(stateTtlMs);
  const isFinal = keep === 'first' && (order === 'processing time' || operator['insertOnly'] !== undefined);
  const everyChange = miniBatch === undefined || perBatch === 'every change';
  return {
    kind: 'deduplicate',
    uid: 'd',
    schema,
    input: { kind: 'union', schema, inputs: [] },
    keys: listOf(keyFields, 'keyFields').map((field) => schema.fields[Number(field)]?.name ?? ''),
    keep,
    order,
    within: ttlMs === 0 ? undefined : { ms: ttlMs, clock: 'processing time' },
    emits: isFinal ? 'final' : everyChange ? 'every change' : 'of a batch',
    updateBefore: emitUpdateBefore === true,
    // Rows of a changelog always have their first told apart.
    insert: emitInsert === true || operator['inputInsertOnly'] === false,
    where: conditionOf(operator['filter'], schema),
  };
}

class MiniBatches implements Actor {
  readonly #harness: Harness;
  readonly #size: number;
  #rows: Step[] = [];

  constructor(harness: Harness, size: number) {
    this.#harness = harness;
    this.#size = size;
  }

  get transcript(): Transcript {
    return this.#harness.transcript;
  }

  metric(name: string): number | undefined {
    return this.#harness.metric(name);
  }

  act(step: Step): void {
    if (step['element'] !== undefined) {
      this.#rows.push(step);
      if (this.#rows.length >= this.#size) this.#flush();
      return;
    }
    if (step['ttlTime'] !== undefined) {
      this.#harness.time(timeOf(step['ttlTime']));
      return;
    }
    this.#flush();
    if (step['finish'] === undefined) this.#harness.act(step);
  }

  #flush(): void {
    if (this.#rows.length > 0) this.#harness.rows(this.#rows.map((step) => this.#harness.rowOf(step)));
    this.#rows = [];
  }
}

/** Rows carry their event time in a field. */
function timed(step: Step, { rowtimeField }: JsonObject): Step {
  if (step['element'] === undefined || rowtimeField === undefined) return step;
  const time = listOf(step['element'], 'element')[Number(rowtimeField)];
  return { ...step, timestamp: time ?? MAX_TIME };
}

export const deduplicate: Driver = async (one) => {
  const { operator, steps } = one;
  const schema = schemaOf(one);
  const node = nodeOf(one, schema);
  const harness = await Harness.open({
    kind: 'deduplicate',
    inputs: [schema],
    ports: ['main', 'late'],
    make: ({ kernels, arena, outputs: [output, late], now, deadLetter }) => {
      if (output === undefined || late === undefined) throw new TypeError('two outputs');
      const state = new ArenaKeyedState({ kernels, arena, uid: 'd' });
      return new Deduplicate({ uid: 'd', kernels, state, output, late, node, now, deadLetter });
    },
  });
  const size = operator['miniBatch'] === undefined ? 1 : Number(operator['miniBatch']);
  return conduct({ ...one, steps: steps.map((step) => timed(step, operator)) }, new MiniBatches(harness, size));
};
