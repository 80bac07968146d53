/**
 * What attention is corrected by when tokens are missing from it.
 *
 * @module
 */
import type { Protection } from "./protection.ts";

/**
 * Attention over a part of the tokens is too sure of what is left and misses what is not. These numbers, trained once for a
 * model, lean against that in proportion to the share ρ of a dialogue's tokens that a head has no slot for
 * (`SlotTable.evictedShare`), and so are exactly off while nothing is evicted. Within a layer, for a query head h: its
 * logits are multiplied by 1 + ρ · `stretch`, then ρ · `sink` is added to that of the first slot and ρ · `chosen` to those
 * of slots that are neither sinks nor in the window that the last compaction kept; the attention's output o becomes
 * o · (1 + ρ · `gain`) + ρ · `offset` before it is projected.
 */
export interface Corrections {
  /** [layers, heads] */
  readonly stretch: Float32Array;
  /** [layers, heads] */
  readonly sink: Float32Array;
  /** [layers, heads] */
  readonly chosen: Float32Array;
  /** [layers, heads · headDim] */
  readonly gain: Float32Array;
  /** [layers, heads · headDim] */
  readonly offset: Float32Array;
}

/** A dialogue's corrections, with the slots that are not lifted as chosen ones. */
export interface CorrectedAttention extends Protection {
  readonly corrections: Corrections;
}
