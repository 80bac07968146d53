/**
 * @module
 */

/**
 * A convolution over slots, in the order in which they stand: what a runtime computes of a slot's key and value and those
 * of its neighbours, with zeros past both ends, cut off below 0.
 */
export interface Convolution {
  /** Numbers that are computed of each slot. */
  readonly rows: number;
  /** Slots that each of them looks at, odd. */
  readonly taps: number;
  /** [rows, taps, 2 · headDim], for keys (not rotated) and values */
  readonly weight: Float32Array;
  /** [rows] */
  readonly bias: Float32Array;
}

/** A convolution over slots of one unit. */
export interface SlotConvolution {
  readonly unit: number;
  /** Ascending. */
  readonly slots: Int32Array;
  readonly convolution: Convolution;
}
