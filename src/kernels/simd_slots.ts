/**
 * The operations of {@link SlotKernels} in WebAssembly.
 *
 * @module
 */
import type { KeySearch } from "./key_search.ts";
import type { SlotKernels, TurnWay } from "./slot_kernels.ts";

/** What the compiled module exports for them; every argument is a number. */
export type SlotExports = Record<
  keyof SlotKernels,
  (...args: number[]) => void
>;

/** See {@link SlotKernels}. */
export class SimdSlotKernels implements SlotKernels {
  readonly #wasm: SlotExports;

  constructor(wasm: SlotExports) {
    this.#wasm = wasm;
  }

  encode(
    x: number,
    stride: number,
    bytes: number,
    scales: number,
    vectors: number,
    count: number,
  ): void {
    this.#wasm.encode(x, stride, bytes, scales, vectors, count);
  }

  decode(bytes: number, scale: number, x: number, count: number): void {
    this.#wasm.decode(bytes, scale, x, count);
  }

  encodeKey(
    x: number,
    stride: number,
    bytes: number,
    scales: number,
    vectors: number,
    count: number,
  ): void {
    this.#wasm.encodeKey(x, stride, bytes, scales, vectors, count);
  }

  turnKey(
    bytes: number,
    table: number,
    vectors: number,
    count: number,
    rotated: number,
    way: TurnWay,
  ): void {
    const back = way === "from" ? 1 : 0;
    this.#wasm.turnKey(bytes, table, vectors, count, rotated, back);
  }

  hadamard(x: number, count: number, size: number): void {
    this.#wasm.hadamard(x, count, size);
  }

  encodeNibbles(
    x: number,
    nibbles: number,
    scale: number,
    count: number,
  ): void {
    this.#wasm.encodeNibbles(x, nibbles, scale, count);
  }

  decodeNibbles(
    nibbles: number,
    scale: number,
    x: number,
    count: number,
  ): void {
    this.#wasm.decodeNibbles(nibbles, scale, x, count);
  }

  spreadNibbles(nibbles: number, bytes: number, count: number): void {
    this.#wasm.spreadNibbles(nibbles, bytes, count);
  }

  likestBytes(search: KeySearch): void {
    callSearch(this.#wasm.likestBytes, search);
  }

  gather(
    from: number,
    to: number,
    indices: number,
    count: number,
    bytes: number,
  ): void {
    this.#wasm.gather(from, to, indices, count, bytes);
  }

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
  ): void {
    this.#wasm.turnNibbles(
      nibbles,
      scales,
      rows,
      bytes,
      byteScales,
      scratch,
      slots,
      headDim,
      rotated,
      size,
    );
  }
}

/** Calls the compiled form of `likest` or `likestBytes`. */
export function callSearch(
  call: (...args: number[]) => void,
  s: KeySearch,
): void {
  call(s.keys, s.kept, s.seekers, s.count, s.headDim, s.targets, s.cosines);
}
