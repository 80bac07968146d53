/**
 * The operations of which a step of the model consists. Every implementation works on the same linear memory and must
 * agree with {@link ReferenceKernels}, which defines them.
 *
 * @module
 */
import type { KeySearch } from "./key_search.ts";
import type { Matrix, MatrixType } from "./matrix.ts";
import type { SlotKernels } from "./slot_kernels.ts";

/** Rows of activations and the forms in which they are multiplied. Pointers into linear memory. */
export interface Activations {
  /** [tokens, columns] f32: what matrices of 16 and 32 bits multiply. */
  readonly values: number;
  /** What matrices of 4 bits multiply: 8 bits a value. */
  readonly narrow: QuantizedActivations;
  /** What matrices of 8 bits multiply: 16 bits a value. */
  readonly wide: QuantizedActivations;
}

/** See `simd/quantize.ts` for the layouts. */
export interface QuantizedActivations {
  readonly bytes: number;
  readonly scales: number;
}

/** The query heads that share one key/value head, for some tokens of one dialogue. Pointers into linear memory. */
export interface Attention {
  /** [tokens, stride] f32, of which the group's heads are the first `heads`·`headDim` values. */
  query: number;
  /** As `query`. */
  output: number;
  /** Bytes from one token to the next in `query` and `output`. */
  stride: number;
  /** [slots, headDim] f32 or, for `attendInt8`, int8; rotated */
  keys: number;
  /** [slots] f32, for `attendInt8`: each key's scale */
  keyScales: number;
  /** As `keys`, not rotated. */
  values: number;
  /** As `keyScales`. */
  valueScales: number;
  /** [slots] f32 added to the logits, or 0 */
  bias: number;
  /**
   * [heads, 3] f32, or 0: what a query head's logits are multiplied by before any bias, what is then added to that of slot
   * 0, and to those of slots `liftFrom` … `liftTo` - 1
   */
  lift: number;
  liftFrom: number;
  liftTo: number;
  /** Scratch of {@link scoreBytes}. */
  scores: number;
  /** Scratch of {@link wordBytes}, for `attendInt8`. */
  scratch: number;
  /** Scratch of stores that spread their slots out before attention reads them, or 0. */
  spread: number;
  /** [slots] f32 to which each slot's attention is added over tokens and heads, or 0 */
  mass: number;
  heads: number;
  headDim: number;
  /** Slots that every token sees; token t sees `base` + t + 1. */
  base: number;
  tokens: number;
  scale: number;
}

/** Queries that attention handles together. */
const TILE = 3;

/** Bytes of scratch space for attention over at most `slots` slots: a row of floats for each query of a tile. */
export function scoreBytes(slots: number): number {
  return TILE * (slots + 8) * 4;
}

/** Bytes of scratch space that `attendInt8` takes besides: for each query of a tile, itself and its attention as words. */
export function wordBytes(slots: number, headDim: number): number {
  return TILE * (slots + 8 + headDim) * 2;
}

/** See {@link ReferenceKernels} for what each operation computes. Lengths are multiples of 4. */
export interface Kernels {
  /**
   * Waits for all calls before it, which may otherwise still be under way when they have returned: whoever reads or changes
   * what they work on, other than by another call, settles before.
   */
  settle(): void;
  /**
   * Says that the calls from here to the next `task`, or to a call on whole tokens or matrices, need nothing of those of other
   * tasks since such a call.
   */
  task(): void;
  /** Sends threads home. */
  dispose(): void;
  /** What is done to keys and values in few bits. */
  readonly slots: SlotKernels;
  /** Fills the form of `x` that matrices of `type` multiply, if that is not `x.values` itself. */
  quantize(
    type: MatrixType,
    x: Activations,
    tokens: number,
    columns: number,
  ): void;
  /** Products that follow one another need nothing of each other. */
  matmul(matrix: Matrix, x: Activations, y: number, tokens: number): void;
  rmsNorm(
    x: number,
    weight: number,
    y: number,
    tokens: number,
    columns: number,
    epsilon: number,
  ): void;
  add(x: number, y: number, tokens: number, columns: number): void;
  copy(
    from: number,
    stride: number,
    to: number,
    vectors: number,
    count: number,
  ): void;
  convolve(
    weight: number,
    bias: number,
    x: number,
    out: number,
    rows: number,
    width: number,
    step: number,
    count: number,
  ): void;
  correct(
    x: number,
    gain: number,
    offset: number,
    share: number,
    width: number,
    stride: number,
    tokens: number,
  ): void;
  addScaled(out: number, x: number, weight: number, count: number): void;
  likest(search: KeySearch): void;
  swiglu(gate: number, up: number, tokens: number, columns: number): void;
  rotate(
    x: number,
    stride: number,
    table: number,
    tokens: number,
    heads: number,
    headDim: number,
    rotated: number,
  ): void;
  attend(a: Readonly<Attention>): void;
  attendInt8(a: Readonly<Attention>): void;
}
