/**
 * Compiles an expression tree into a list of kernel calls over registers: columns in transient memory that hold one
 * batch.
 *
 * Invariants
 *  1. Memory is taken while compiling only; evaluating allocates nothing.
 *  2. A register's values go back to the pool when the call that reads them is compiled, after its output was taken, so
 *     no kernel writes over what it reads. Validity and errors belong to their node and are never shared, so that a
 *     result may point at those of its operands.
 *  3. Nodes compute in the widest type of their operands and their own type, then narrow with a check.
 *  4. Validity and errors stay 0 at run time where a batch has none; their kernels are then not called.
 * Long because every operator is one method here, and all share steps, registers and the rules for nulls and errors.
 * Not here: memory (expression-registers.ts), evaluating and selecting (expression.ts).
 */
import { didYouMean, UserError } from '../base/errors.ts';
import { CALENDAR_MS_MAX } from '../base/time.ts';
import type { Ptr, RecordBatch } from '../data/record-batch.ts';
import { requireColumn, type TableSchema } from '../data/schema.ts';
import { type ColumnType, describeType, INTEGER_RANGE, Physical, physicalOf, widthOf } from '../data/types.ts';
import {
  Arithmetic,
  Comparison,
  type ExpressionKernels,
  LikeForm,
  Logic,
  type Operand,
  type Range,
} from '../kernel/expression.ts';
import type { LinearMemory } from '../kernel/memory.ts';
import { type Expression, formatExpression } from '../plan/expression.ts';
import { type Constant, type Register, Registers } from './expression-registers.ts';

export type Step = (batch: RecordBatch) => void;

/** An expression in the making: where its value will stand, and the registers to give back once it was read. */
export interface Compiled {
  readonly physical: Physical;
  readonly operand: Operand;
  readonly held: readonly Register[];
  readonly mayFail: boolean;
  /** Set on literals, so that a cast can write them anew. */
  readonly literal?: Expression & { readonly op: 'literal' };
}

type Binary = Expression & { readonly left: Expression; readonly right: Expression };
type Call = Expression & { readonly op: 'call' };

const FUNCTIONS = ['in', 'length', 'like', 'since'];

export class ExpressionCompiler {
  readonly steps: Step[] = [];
  readonly #kernels: ExpressionKernels;
  readonly #registers: Registers;
  readonly #schema: TableSchema;
  readonly #where: string;

  /** `where` says in errors what the expression belongs to: "the condition of where". */
  constructor(kernels: ExpressionKernels, memory: LinearMemory, schema: TableSchema, where: string) {
    this.#kernels = kernels;
    this.#registers = new Registers(memory);
    this.#schema = schema;
    this.#where = where;
  }

  /** As `compile`, but the result is a column also when the expression is a constant. */
  compileColumn(expression: Expression): Compiled {
    return this.#materialised(this.compile(expression));
  }

  compile(expression: Expression): Compiled {
    switch (expression.op) {
      case 'column':
        return this.#column(expression);
      case 'literal':
        return this.#literal(expression, literalPhysical(expression));
      case 'plus':
      case 'minus':
      case 'times':
      case 'div':
      case 'mod':
        return this.#arithmetic(expression);
      case 'eq':
      case 'ne':
      case 'lt':
      case 'le':
      case 'gt':
      case 'ge':
        return this.#comparison(expression);
      case 'and':
      case 'or':
        return this.#logic(expression);
      case 'not':
        return this.#not(expression);
      case 'isNull':
        return this.#isNull(expression);
      case 'orElse':
        return this.#orElse(expression);
      case 'call':
        return this.#function(expression);
    }
  }

  #column(expression: Expression & { readonly op: 'column' }): Compiled {
    const index = requireColumn(this.#schema, expression.name, this.#where);
    const field = this.#schema.fields[index];
    const physical = physicalOf(expression.type);
    if (field === undefined || physicalOf(field.type) !== physical) {
      this.#refuse(expression, `column '${expression.name}' is not ${describeType(expression.type)}`);
    }
    const operand: Operand = { values: 0, step: widthOf(physical), validity: 0, errors: 0 };
    this.steps.push((batch) => {
      const column = batch.columns[index];
      operand.values = column?.values ?? 0;
      operand.validity = column?.validity ?? 0;
    });
    return { physical, operand, held: [], mayFail: false };
  }

  #literal(literal: Expression & { readonly op: 'literal' }, physical: Physical): Compiled {
    const isNull = literal.value === null;
    const values = isNull
      ? this.#registers.noValue()
      : this.#registers.constant(physical, this.#valueOf(literal, physical));
    const operand = { values, step: 0, validity: isNull ? this.#registers.noValidity() : 0, errors: 0 };
    return { physical, operand, held: [], mayFail: false, literal };
  }

  #valueOf(literal: Expression & { readonly op: 'literal' }, physical: Physical): Constant {
    if (physical === Physical.I32) return Number(this.#integer(literal, 32));
    if (physical === Physical.I64) return this.#integer(literal, 64);
    if (physical === Physical.F64) return Number(literal.value);
    return physical === Physical.BOOL ? literal.value === true : String(literal.value);
  }

  #integer(literal: Expression & { readonly op: 'literal' }, bits: 32 | 64): bigint {
    const text = String(literal.value);
    if (!/^-?\d+$/.test(text)) this.#refuse(literal, `${text} is not an integer`);
    const integer = BigInt(text);
    if (BigInt.asIntN(bits, integer) !== integer) this.#refuse(literal, `${text} does not fit ${bits} bits`);
    return integer;
  }

  #arithmetic(expression: Binary & { readonly op: keyof typeof Arithmetic }): Compiled {
    const left = this.compile(expression.left);
    const right =
      expression.left.type.kind === 'timestamp' ? this.#duration(expression) : this.compile(expression.right);
    const own = physicalOf(expression.type);
    const physical = Math.max(left.physical, right.physical, own) as Physical; // of three physical types
    if (
      !isNumeric(left.physical)
      || !isNumeric(right.physical)
      || (physical === Physical.F64 && own !== Physical.F64)
    ) {
      this.#refuse(
        expression,
        `${describe(expression.left)} and ${describe(expression.right)} do not make ${describeType(expression.type)}`,
      );
    }
    const whole = left.physical !== Physical.F64 && right.physical !== Physical.F64;
    const made = this.#calculate(expression, this.#cast(left, physical), this.#cast(right, physical), whole);
    if (expression.type.kind === 'timestamp') this.#stayInCalendar(made, expression.type);
    return physical === own ? made : this.#narrow(made, rangeOf(expression.type));
  }

  /** Instants are as far from 1970 as a Date can be, as those that are read. */
  #stayInCalendar({ operand }: Compiled, { unit }: ColumnType): void {
    const errors = this.#registers.errors();
    const most = unit === 'us' ? 1000 * CALENDAR_MS_MAX : CALENDAR_MS_MAX;
    const k = this.#kernels;
    this.steps.push(({ rows }) => {
      const count = k.rangeErrors(operand.values, operand.validity, errors, rows, most);
      operand.errors = this.#allErrors(operand, operand, count > 0, errors, rows);
    });
  }

  #calculate(
    expression: Binary & { readonly op: keyof typeof Arithmetic },
    a: Compiled,
    b: Compiled,
    whole: boolean,
  ): Compiled {
    const { physical } = a;
    const op = Arithmetic[expression.op];
    const out = this.#registers.take(widthOf(physical));
    const validity = this.#registers.validity();
    // Float arithmetic fails only as a quotient or remainder of integers.
    const fails = physical !== Physical.F64 || (whole && (op === Arithmetic.div || op === Arithmetic.mod));
    const errors = fails || (a.mayFail && b.mayFail) ? this.#registers.errors() : 0;
    const range = rangeOf(expression.type);
    const rounds = expression.type.kind === 'float32';
    const k = this.#kernels;
    const operand = registerOperand(out);
    this.steps.push(({ rows }) => {
      operand.validity = this.#bothValid(a.operand, b.operand, validity, rows);
      const failed = k.arithmetic(physical, op, a.operand, b.operand, out.values, rows, range);
      if (rounds) k.roundToF32(out.values, out.values, rows);
      let count = 0;
      if (failed) count = k.arithmeticErrors(physical, op, a.operand, b.operand, operand.validity, errors, rows, range);
      else if (fails && physical === Physical.F64) count = k.zeroDivisors(b.operand, operand.validity, errors, rows);
      operand.errors = this.#allErrors(a.operand, b.operand, count > 0, errors, rows);
    });
    return this.#result(physical, operand, out, [a, b], fails);
  }

  /** The right side of timestamp arithmetic, in units of the timestamp: a duration in ms, or another timestamp. */
  #duration(expression: Binary): Compiled {
    const { left, right } = expression;
    // What is read in seconds is kept in ms.
    const inMicros = left.type.unit === 'us';
    if (right.type.kind === 'timestamp') {
      // A difference is in ms, so both must be.
      if (inMicros || right.type.unit === 'us')
        this.#refuse(expression, 'the difference of timestamps that are not in ms');
      return this.compile(right);
    }
    if (!inMicros) return this.compile(right);
    if (right.op !== 'literal' || right.value === null)
      this.#refuse(expression, 'a timestamp in us and a computed duration');
    const value = String(this.#integer(right, 64) * 1000n);
    return this.#literal({ ...right, value }, Physical.I64);
  }

  #comparison(expression: Binary & { readonly op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' }): Compiled {
    const swaps = expression.op === 'gt' || expression.op === 'ge';
    const [first, second] = this.#alike(expression);
    const [a, b] = swaps ? [second, first] : [first, second];
    const op = Comparison[expression.op === 'gt' ? 'lt' : expression.op === 'ge' ? 'le' : expression.op];
    const out = this.#registers.take(1);
    const validity = this.#registers.validity();
    const errors = a.mayFail && b.mayFail ? this.#registers.errors() : 0;
    const operand = registerOperand(out);
    this.steps.push((batch) => {
      operand.validity = this.#bothValid(a.operand, b.operand, validity, batch.rows);
      this.#kernels.compare(a.physical, op, a.operand, b.operand, operand.validity, out.values, batch);
      operand.errors = this.#allErrors(first.operand, second.operand, false, errors, batch.rows);
    });
    return this.#result(Physical.BOOL, operand, out, [a, b], false);
  }

  /** Both sides, cast to one type in which they can be compared or stand for each other. */
  #alike(expression: Binary): [Compiled, Compiled] {
    const a = this.compile(expression.left);
    const b = this.compile(expression.right);
    const units = [expression.left, expression.right].map(({ type, op }) =>
      type.kind === 'timestamp' && op !== 'literal' ? (type.unit ?? 'ms') : undefined,
    );
    const mixes = units[0] !== undefined && units[1] !== undefined && units[0] !== units[1];
    if (mixes || (a.physical !== b.physical && !(isNumeric(a.physical) && isNumeric(b.physical)))) {
      this.#refuse(expression, `${describe(expression.left)} is not comparable with ${describe(expression.right)}`);
    }
    const physical = Math.max(a.physical, b.physical) as Physical; // of two physical types
    return [this.#cast(a, physical), this.#cast(b, physical)];
  }

  #logic(expression: Binary & { readonly op: 'and' | 'or' }): Compiled {
    const a = this.#condition(expression.left);
    const b = this.#condition(expression.right);
    const op = Logic[expression.op];
    const out = this.#registers.take(1);
    const validity = this.#registers.validity();
    const errors = a.mayFail || b.mayFail ? this.#registers.errors() : 0;
    const k = this.#kernels;
    const operand = registerOperand(out);
    this.steps.push(({ rows }) => {
      k.logic(op, a.operand, b.operand, out.values, rows);
      const nullable = a.operand.validity !== 0 || b.operand.validity !== 0;
      operand.validity = nullable && k.logicValidity(op, a.operand, b.operand, validity, rows) > 0 ? validity : 0;
      const failed = a.operand.errors !== 0 || b.operand.errors !== 0;
      operand.errors = failed && k.logicErrors(op, a.operand, b.operand, operand, errors, rows) > 0 ? errors : 0;
    });
    return this.#result(Physical.BOOL, operand, out, [a, b], false);
  }

  #condition(expression: Expression): Compiled {
    const compiled = this.compile(expression);
    if (compiled.physical !== Physical.BOOL)
      this.#refuse(expression, `${describeType(expression.type)} is not a condition`);
    return compiled;
  }

  #not(expression: Expression & { readonly op: 'not' | 'isNull' }): Compiled {
    const a = this.#materialised(this.#condition(expression.of));
    const out = this.#registers.take(1);
    const operand = registerOperand(out);
    this.steps.push(({ rows }) => {
      this.#kernels.not(a.operand.values, out.values, rows);
      operand.validity = a.operand.validity;
      operand.errors = a.operand.errors;
    });
    return this.#result(Physical.BOOL, operand, out, [a], false);
  }

  #isNull(expression: Expression & { readonly op: 'not' | 'isNull' }): Compiled {
    const a = this.compile(expression.of);
    const out = this.#registers.take(1);
    const operand = registerOperand(out);
    this.steps.push(({ rows }) => {
      this.#kernels.isNull(a.operand.validity, out.values, rows);
      operand.errors = a.operand.errors;
    });
    return this.#result(Physical.BOOL, operand, out, [a], false);
  }

  #orElse(expression: Binary): Compiled {
    const [first, second] = this.#alike(expression);
    const own = physicalOf(expression.type);
    if (first.physical > own)
      this.#refuse(expression, `${describe(expression.right)} does not fit ${describeType(expression.type)}`);
    const [a, b] = [this.#cast(first, own), this.#cast(second, own)];
    if (a.literal !== undefined && a.literal.value !== null) return a;
    const out = this.#registers.take(widthOf(own));
    const validity = this.#registers.validity();
    const errors = a.mayFail || b.mayFail ? this.#registers.errors() : 0;
    const k = this.#kernels;
    const operand = registerOperand(out);
    this.steps.push(({ rows }) => {
      if (a.operand.validity === 0) {
        Object.assign(operand, a.operand);
        return;
      }
      k.coalesce(own, a.operand, b.operand, out.values, validity, rows);
      operand.values = out.values;
      operand.step = out.width;
      operand.validity = b.operand.validity === 0 ? 0 : validity;
      const failed = a.operand.errors !== 0 || b.operand.errors !== 0;
      operand.errors = failed && k.coalesceErrors(a.operand, b.operand, errors, rows) > 0 ? errors : 0;
    });
    this.#registers.give(b.held);
    // The result may be the left operand itself, whose registers therefore stay taken.
    return { physical: own, operand, held: [out, ...a.held], mayFail: a.mayFail || b.mayFail };
  }

  #function(call: Call): Compiled {
    switch (call.name) {
      case 'in':
        return this.#in(call);
      case 'like':
        return this.#like(call);
      case 'length':
        return this.#text(call, Physical.I32, (a, out, batch) => {
          this.#kernels.length(a, call.arguments[0]?.type.kind === 'bytes' ? 'bytes' : 'code points', out, batch);
        });
      case 'since': {
        const [left, right] = call.arguments;
        if (left === undefined || right === undefined || call.arguments.length !== 2)
          this.#refuse(call, 'since takes two timestamps');
        return this.#arithmetic({ op: 'minus', left, right, type: call.type });
      }
      default: {
        const meant = didYouMean(call.name, FUNCTIONS);
        this.#refuse(
          call,
          `there is no function '${call.name}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`,
        );
      }
    }
  }

  #in(call: Call): Compiled {
    const [sought, ...list] = call.arguments;
    if (sought === undefined || list.length === 0) this.#refuse(call, 'in needs at least one value');
    const texts = list.flatMap((item) =>
      item.op === 'literal' && typeof item.value === 'string' && item.type.kind === 'utf8' ? [item.value] : [],
    );
    if (physicalOf(sought.type) !== Physical.VIEW || texts.length < list.length) {
      const equal = list.map((right): Expression => ({ op: 'eq', left: sought, right, type: call.type }));
      return this.compile(equal.reduce((left, right) => ({ op: 'or', left, right, type: call.type })));
    }
    const views = this.#registers.views(texts);
    return this.#text(call, Physical.BOOL, (a, out, batch) => this.#kernels.isIn(a, views, texts.length, out, batch));
  }

  #like(call: Call): Compiled {
    const pattern = call.arguments[1];
    if (pattern?.op !== 'literal' || typeof pattern.value !== 'string')
      this.#refuse(call, 'the pattern of like must be a literal text');
    const { form, text } = likeForm(pattern.value);
    const { at, bytes } = this.#registers.text(text);
    return this.#text(call, Physical.BOOL, (a, out, batch) => this.#kernels.like(form, a, at, bytes, out, batch));
  }

  /** A function of the first argument, a text, that keeps nulls. */
  #text(call: Call, physical: Physical, run: (a: Operand, out: Ptr, batch: RecordBatch) => void): Compiled {
    const of = call.arguments[0];
    if (of === undefined || physicalOf(of.type) !== Physical.VIEW) this.#refuse(call, `${call.name} needs a text`);
    const a = this.#materialised(this.compile(of));
    const out = this.#registers.take(widthOf(physical));
    const operand = registerOperand(out);
    this.steps.push((batch) => {
      operand.validity = a.operand.validity;
      operand.errors = a.operand.errors;
      run(a.operand, out.values, batch);
    });
    return this.#result(physical, operand, out, [a], false);
  }

  #cast(from: Compiled, to: Physical): Compiled {
    if (from.physical === to) return from;
    if (from.literal !== undefined) return this.#literal(from.literal, to);
    const out = this.#registers.take(widthOf(to));
    const operand = registerOperand(out);
    this.steps.push(({ rows }) => {
      this.#kernels.widen(from.physical, to, from.operand.values, out.values, rows);
      operand.validity = from.operand.validity;
      operand.errors = from.operand.errors;
    });
    return this.#result(to, operand, out, [from], false);
  }

  #narrow(from: Compiled, range: Range): Compiled {
    const out = this.#registers.take(widthOf(Physical.I32));
    const errors = this.#registers.errors();
    const operand = registerOperand(out);
    const k = this.#kernels;
    this.steps.push(({ rows }) => {
      const { values, validity } = from.operand;
      operand.validity = validity;
      const count = k.narrow(values, out.values, rows, range)
        ? k.narrowErrors(values, validity, errors, rows, range)
        : 0;
      operand.errors = this.#allErrors(from.operand, from.operand, count > 0, errors, rows);
    });
    return this.#result(Physical.I32, operand, out, [from], true);
  }

  /** A column in any case: a constant is written out once. */
  #materialised(from: Compiled): Compiled {
    if (from.literal === undefined) return from;
    return {
      ...from,
      operand: {
        ...from.operand,
        values: this.#registers.writeOut(from.operand.values, widthOf(from.physical)),
        step: widthOf(from.physical),
      },
    };
  }

  #bothValid(a: Operand, b: Operand, own: Ptr, rows: number): Ptr {
    if (a.validity === 0 || a.validity === b.validity) return b.validity;
    if (b.validity === 0) return a.validity;
    this.#kernels.validityAnd(a.validity, b.validity, own, rows);
    return own;
  }

  /** Errors of the operands and, when `failed`, those already in `own`; an operand's error comes first. */
  #allErrors(a: Operand, b: Operand, failed: boolean, own: Ptr, rows: number): Ptr {
    if (!failed && (a.errors === 0 || a.errors === b.errors)) return b.errors;
    if (!failed && b.errors === 0) return a.errors;
    if (!failed) this.#kernels.mergeErrors(a.errors, b.errors, own, rows);
    else for (const { errors } of [b, a]) if (errors !== 0) this.#kernels.mergeErrors(errors, own, own, rows);
    return own;
  }

  #result(physical: Physical, operand: Operand, out: Register, read: readonly Compiled[], fails: boolean): Compiled {
    for (const { held } of read) this.#registers.give(held);
    return { physical, operand, held: [out], mayFail: fails || read.some(({ mayFail }) => mayFail) };
  }

  #refuse(expression: Expression, problem: string): never {
    throw new UserError('E1220', { expression: formatExpression(expression), where: this.#where, problem });
  }
}

const registerOperand = (out: Register): Operand => ({ values: out.values, step: out.width, validity: 0, errors: 0 });

const isNumeric = (physical: Physical): boolean =>
  physical === Physical.I32 || physical === Physical.I64 || physical === Physical.F64;

/** Integers beyond 32 bits widen their literal, whatever it was declared as. */
function literalPhysical({ value, type }: Expression & { readonly op: 'literal' }): Physical {
  const physical = physicalOf(type);
  const [lo, hi] = INTEGER_RANGE.int32;
  return physical === Physical.I32 && value !== null && (Number(value) < lo || Number(value) > hi)
    ? Physical.I64
    : physical;
}

const describe = (expression: Expression): string => describeType(expression.type);

function rangeOf(type: ColumnType): Range {
  return type.kind === 'int8' || type.kind === 'int16' ? INTEGER_RANGE[type.kind] : INTEGER_RANGE.int32;
}

/** The cheapest form of a LIKE pattern, and what of it is compared. */
function likeForm(pattern: string): { form: (typeof LikeForm)[keyof typeof LikeForm]; text: string } {
  const inner = pattern.replace(/^%+/, '').replace(/%+$/, '');
  if (/[%_]/.test(inner)) return { form: LikeForm.general, text: pattern };
  const [leads, trails] = [pattern.startsWith('%'), pattern.endsWith('%')];
  const form = leads ? (trails ? LikeForm.contains : LikeForm.ends) : trails ? LikeForm.starts : LikeForm.exact;
  return { form, text: inner };
}
