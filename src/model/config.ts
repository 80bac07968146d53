/**
 * The shape of a model of the `llama` architecture.
 *
 * @module
 */

/** Sizes and constants of a model, read from its file. */
export interface ModelConfig {
  readonly name: string;
  readonly layers: number;
  /** Width of the residual stream. */
  readonly hidden: number;
  /** Query heads. */
  readonly heads: number;
  /** Key/value heads; `heads` is a multiple of it. */
  readonly kvHeads: number;
  readonly headDim: number;
  /** Width of the gated feed-forward. */
  readonly ffn: number;
  readonly vocab: number;
  /** Tokens seen at once in training. */
  readonly contextLength: number;
  readonly rmsEpsilon: number;
  /** Base of the rotary frequencies. */
  readonly ropeBase: number;
  /** How many leading values of a head are rotated; `headDim` in most models. */
  readonly ropeDim: number;
  /** Positions are divided by this (linear scaling); 1 is off. */
  readonly ropeScale: number;
}
