/**
 * The operations on keys and values that are held in few bits. Pointers into linear memory; `count` and `headDim` are
 * multiples of 16, of 32 where there are nibbles.
 *
 * A vector in 8 bits is [count] int8 with a scale, f32: value = byte · scale. One in 4 bits is [count / 2] bytes with a
 * scale: value = (2 · nibble − 15) · scale; the low nibbles of 16 bytes are 16 values, the high ones the 16 behind them.
 *
 * @module
 */
import type { KeySearch } from "./key_search.ts";

/** See {@link ReferenceSlotKernels} for what each operation computes. */
export interface SlotKernels {
  encode(
    x: number,
    stride: number,
    bytes: number,
    scales: number,
    vectors: number,
    count: number,
  ): void;
  decode(bytes: number, scale: number, x: number, count: number): void;
  encodeKey(
    x: number,
    stride: number,
    bytes: number,
    scales: number,
    vectors: number,
    count: number,
  ): void;
  turnKey(
    bytes: number,
    table: number,
    vectors: number,
    count: number,
    rotated: number,
    way: TurnWay,
  ): void;
  hadamard(x: number, count: number, size: number): void;
  encodeNibbles(x: number, nibbles: number, scale: number, count: number): void;
  decodeNibbles(nibbles: number, scale: number, x: number, count: number): void;
  spreadNibbles(nibbles: number, bytes: number, count: number): void;
  likestBytes(search: KeySearch): void;
  gather(
    from: number,
    to: number,
    indices: number,
    count: number,
    bytes: number,
  ): void;
  turnNibbles(
    nibbles: number,
    scales: number,
    rows: number,
    bytes: number,
    byteScales: number,
    scratch: number,
    slots: number,
    headDim: number,
    rotated: number,
    size: number,
  ): void;
}

/** To a position, or back from it. */
export type TurnWay = "to" | "from";
