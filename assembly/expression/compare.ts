/**
 * Comparisons over whole columns, to BOOL values (u8, 0 or 1). Operands are (pointer, step) as in arithmetic.ts.
 *
 * Invariants
 *  1. Only eq, ne, lt and le exist: the caller swaps the operands of gt and ge.
 *  2. F64 follows IEEE 754: NaN equals nothing, also not itself; -0 equals 0.
 *  3. Values of null rows are compared too and mean nothing; the result's validity is the caller's.
 * Not here: text (text.ts).
 */

export const EQ: u32 = 0;
export const NE: u32 = 1;
export const LT: u32 = 2;
export const LE: u32 = 3;

function holds<T>(op: u32, x: T, y: T): bool {
  if (op == EQ) return x == y;
  if (op == NE) return x != y;
  return op == LT ? x < y : x <= y;
}

/** One row at a time: the ends of columns, and the twin that the vector loops are tested against. */
function scalar<T>(op: u32, a: u32, aStep: u32, b: u32, bStep: u32, out: u32, rows: u32): void {
  for (let i: u32 = 0; i < rows; i++, a += aStep, b += bStep) {
    store<u8>(out + i, u8(holds<T>(op, load<T>(a), load<T>(b))));
  }
}

/** All ones in each lane where the comparison holds. */
function mask<T>(op: u32, x: v128, y: v128): v128 {
  if (op == EQ) return v128.eq<T>(x, y);
  if (op == NE) return v128.ne<T>(x, y);
  return op == LT ? v128.lt<T>(x, y) : v128.le<T>(x, y);
}

/** 16 bytes of 0 or 1 from four vectors of 32-bit lanes that are all ones or all zeros. */
function boolsOf(first: v128, second: v128, third: v128, fourth: v128): v128 {
  const low = i16x8.narrow_i32x4_s(first, second);
  const high = i16x8.narrow_i32x4_s(third, fourth);
  return v128.and(i8x16.narrow_i16x8_s(low, high), i8x16.splat(1));
}

/** Four rows of 64-bit lanes as one vector of 32-bit lanes. */
function four<T>(op: u32, a: u32, aStep: u32, b: u32, bStep: u32): v128 {
  const first = inline.always(mask<T>(op, v128.load(a), v128.load(b)));
  const second = inline.always(mask<T>(op, v128.load(a + (aStep << 1)), v128.load(b + (bStep << 1))));
  return v128.shuffle<i32>(first, second, 0, 2, 4, 6);
}

function vector64<T>(op: u32, a: u32, aStep: u32, b: u32, bStep: u32, out: u32, rows: u32): void {
  const whole = rows & ~15;
  const aFour = aStep << 2;
  const bFour = bStep << 2;
  for (let end = out + whole; out < end; out += 16, a += aFour << 2, b += bFour << 2) {
    v128.store(
      out,
      boolsOf(
        inline.always(four<T>(op, a, aStep, b, bStep)),
        inline.always(four<T>(op, a + aFour, aStep, b + bFour, bStep)),
        inline.always(four<T>(op, a + aFour * 2, aStep, b + bFour * 2, bStep)),
        inline.always(four<T>(op, a + aFour * 3, aStep, b + bFour * 3, bStep)),
      ),
    );
  }
  scalar<T>(op, a, aStep, b, bStep, out, rows - whole);
}

function vector32(op: u32, a: u32, aStep: u32, b: u32, bStep: u32, out: u32, rows: u32): void {
  const whole = rows & ~15;
  const aFour = aStep << 2;
  const bFour = bStep << 2;
  for (let end = out + whole; out < end; out += 16, a += aFour << 2, b += bFour << 2) {
    v128.store(
      out,
      boolsOf(
        inline.always(mask<i32>(op, v128.load(a), v128.load(b))),
        inline.always(mask<i32>(op, v128.load(a + aFour), v128.load(b + bFour))),
        inline.always(mask<i32>(op, v128.load(a + aFour * 2), v128.load(b + bFour * 2))),
        inline.always(mask<i32>(op, v128.load(a + aFour * 3), v128.load(b + bFour * 3))),
      ),
    );
  }
  scalar<i32>(op, a, aStep, b, bStep, out, rows - whole);
}

export function compareI32(op: u32, aPtr: u32, aStep: u32, bPtr: u32, bStep: u32, outPtr: u32, rows: u32): void {
  switch (op) {
    case EQ:
      return inline.always(vector32(EQ, aPtr, aStep, bPtr, bStep, outPtr, rows));
    case NE:
      return inline.always(vector32(NE, aPtr, aStep, bPtr, bStep, outPtr, rows));
    case LT:
      return inline.always(vector32(LT, aPtr, aStep, bPtr, bStep, outPtr, rows));
    default:
      inline.always(vector32(LE, aPtr, aStep, bPtr, bStep, outPtr, rows));
  }
}

function compare64<T>(op: u32, aPtr: u32, aStep: u32, bPtr: u32, bStep: u32, outPtr: u32, rows: u32): void {
  switch (op) {
    case EQ:
      return inline.always(vector64<T>(EQ, aPtr, aStep, bPtr, bStep, outPtr, rows));
    case NE:
      return inline.always(vector64<T>(NE, aPtr, aStep, bPtr, bStep, outPtr, rows));
    case LT:
      return inline.always(vector64<T>(LT, aPtr, aStep, bPtr, bStep, outPtr, rows));
    default:
      inline.always(vector64<T>(LE, aPtr, aStep, bPtr, bStep, outPtr, rows));
  }
}

export function compareI64(op: u32, aPtr: u32, aStep: u32, bPtr: u32, bStep: u32, outPtr: u32, rows: u32): void {
  compare64<i64>(op, aPtr, aStep, bPtr, bStep, outPtr, rows);
}

export function compareF64(op: u32, aPtr: u32, aStep: u32, bPtr: u32, bStep: u32, outPtr: u32, rows: u32): void {
  compare64<f64>(op, aPtr, aStep, bPtr, bStep, outPtr, rows);
}

/** false is below true. */
export function compareBool(op: u32, aPtr: u32, aStep: u32, bPtr: u32, bStep: u32, outPtr: u32, rows: u32): void {
  scalar<u8>(op, aPtr, aStep, bPtr, bStep, outPtr, rows);
}
