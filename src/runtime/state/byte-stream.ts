/** Bytes that are written and read one value after the other, little-endian, with presence bits before them. */
import { InternalError } from '../../base/errors.ts';
import type { TextReader } from '../../format/text-reader.ts';

const FIRST_BYTES = 256;
/** A varint of 32 bits takes at most so many bytes. */
const VARINT_BYTES_MAX = 5;

export class ByteWriter {
  #u8 = new Uint8Array(FIRST_BYTES);
  #view: DataView = new DataView(this.#u8.buffer);
  #at = 0;
  readonly #encoder = new TextEncoder();

  /** Begins anew, behind `bitBytes` of presence bits that are all 0. */
  reset(bitBytes: number): void {
    this.#u8.fill(0, 0, bitBytes);
    this.#at = bitBytes;
  }

  setBit(index: number): void {
    this.#u8[index >> 3] = (this.#u8[index >> 3] ?? 0) | (1 << (index & 7));
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#u8[this.#at++] = value;
  }

  int32(value: number): void {
    this.#reserve(4);
    this.#view.setInt32(this.#at, value, true);
    this.#at += 4;
  }

  /** A safe integer as 64 bits. */
  integer(value: number): void {
    this.int32(value | 0);
    this.int32(Math.floor(value / 2 ** 32));
  }

  int64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigInt64(this.#at, value, true);
    this.#at += 8;
  }

  float64(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value, true);
    this.#at += 8;
  }

  bytesOf(value: Uint8Array): void {
    this.#reserve(VARINT_BYTES_MAX + value.length);
    this.#varint(value.length);
    this.#u8.set(value, this.#at);
    this.#at += value.length;
  }

  text(value: string): void {
    // A UTF-16 unit takes at most three bytes of UTF-8.
    this.#reserve(VARINT_BYTES_MAX + value.length * 3);
    if (value.length < 128 && this.#shortAscii(value)) return;
    this.bytesOf(this.#encoder.encode(value));
  }

  /** What was written; valid until the next reset. */
  bytes(): Uint8Array {
    return this.#u8.subarray(0, this.#at);
  }

  #shortAscii(value: string): boolean {
    const start = this.#at + 1;
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 127) return false;
      this.#u8[start + i] = unit;
    }
    this.#u8[this.#at] = value.length;
    this.#at = start + value.length;
    return true;
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest >>>= 7) this.#u8[this.#at++] = (rest & 127) | 128;
    this.#u8[this.#at++] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#u8.length) return;
    const larger = new Uint8Array(Math.max(this.#u8.length * 2, this.#at + bytes));
    larger.set(this.#u8);
    this.#u8 = larger;
    this.#view = new DataView(larger.buffer);
  }
}

export class ByteReader {
  readonly #text: TextReader;
  #u8: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(this.#u8.buffer);
  #at = 0;

  constructor(text: TextReader) {
    this.#text = text;
  }

  /** Reads `bytes` from behind `bitBytes` of presence bits. */
  bind(bytes: Uint8Array, bitBytes: number): void {
    this.#u8 = bytes;
    if (this.#view.buffer !== bytes.buffer || this.#view.byteOffset !== bytes.byteOffset) {
      this.#view = new DataView(bytes.buffer, bytes.byteOffset);
    }
    this.#at = bitBytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#u8.length;
  }

  bit(index: number): boolean {
    return (((this.#u8[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
  }

  byte(): number {
    return this.#u8[this.#take(1)] ?? 0;
  }

  int32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  int64(): bigint {
    return this.#view.getBigInt64(this.#take(8), true);
  }

  /** 64 bits that were a safe integer; undefined when they are not. */
  integer(): number | undefined {
    const at = this.#take(8);
    const value = this.#view.getInt32(at + 4, true) * 2 ** 32 + this.#view.getUint32(at, true);
    return Number.isSafeInteger(value) ? value : undefined;
  }

  float64(): number {
    return this.#view.getFloat64(this.#take(8), true);
  }

  bytesOf(): Uint8Array {
    const length = this.#varint();
    const start = this.#take(length);
    return this.#u8.slice(start, start + length);
  }

  text(): string {
    const length = this.#varint();
    const start = this.#take(length);
    return this.#text.read(this.#u8, start, start + length);
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }

  #take(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    if (this.#at > this.#u8.length) throw new InternalError(`a value in state ends after ${this.#u8.length} bytes`);
    return at;
  }
}
