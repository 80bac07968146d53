/**
 * What a device must be able to do. TypeScript decides what happens to a cache; a runtime executes it, next to the
 * weights.
 *
 * @module
 */
import type { CorrectedAttention } from "../cache/corrections.ts";
import type { CacheLayout } from "../cache/layout.ts";
import type { Plan } from "../cache/plan.ts";
import type { SlotTable } from "../cache/slots.ts";
import type { Needs } from "../cache/method.ts";
import type { Observation } from "../cache/unit_view.ts";
import type { ModelConfig } from "./config.ts";

/** The keys and values of one dialogue on a device, with the table of its slots. */
export interface KvCache {
  readonly slots: SlotTable;
  /** Whether its device is gone, and with it all that it held. */
  readonly isLost: boolean;
  /** Frees its memory. It must not be used afterwards. */
  dispose(): void;
}

/** New tokens of one dialogue. */
export interface Sequence {
  readonly cache: KvCache;
  readonly tokens: ArrayLike<number>;
  /** Of which tokens the logits are wanted. */
  readonly logits: "none" | "last" | "all";
  /**
   * How many of the highest logits are enough: a runtime may spare itself the others and give {@link LOWEST_LOGIT} instead.
   * Missing: all.
   */
  readonly top?: number;
}

/** Stands for a logit that is not among the highest: the lowest number in f32. */
export const LOWEST_LOGIT = -3.4028234663852886e38;

/**
 * Receives logits, in order of sequence and token.
 *
 * @param logits [vocab] f32. Valid during the call only, and the callee's to change.
 */
export type LogitsSink = (
  logits: Float32Array,
  token: number,
  sequence: number,
) => void;

/** A model on a device. */
export interface Runtime {
  readonly kind: "simd" | "webgpu";
  readonly config: ModelConfig;
  /** The most tokens of one forward step, over all its sequences. */
  readonly maxTokens: number;

  /**
   * Whether this device can hold such caches and observe what their method needs. Asked when a model is loaded.
   *
   * @throws {RangeError} If not; the message names what is missing.
   */
  check(layout: CacheLayout, needs: Needs): void;

  /**
   * Room for a dialogue.
   *
   * @param corrected What its attention is corrected by as tokens are evicted, if by anything.
   * @throws {RangeError} If the device has not enough memory.
   */
  createCache(
    layout: CacheLayout,
    corrected?: CorrectedAttention | null,
  ): KvCache;

  /**
   * Runs the model over new tokens and appends their keys and values to the free room of each cache. Each token sees the
   * live slots of its cache and the tokens before it.
   *
   * @throws {RangeError} If there are more than `maxTokens`, a token is not in the vocabulary, or a cache has too little
   * room; no cache has changed then.
   */
  forward(batch: readonly Sequence[], sink: LogitsSink): Promise<void>;

  /**
   * What a cache method wants to know of the slots at the end of a block; what it does not need may be missing.
   *
   * @returns Valid until the next `forward` or `apply`.
   */
  observe(cache: KvCache, needs: Needs): Promise<Observation>;

  /** Carries out a compaction: moves and mixes keys and values, turns keys to their new positions, updates the table. */
  apply(cache: KvCache, plan: Plan): Promise<void>;

  /**
   * A copy of a dialogue, to go on from later or twice.
   *
   * @param spent A state that nobody wants any more, whose memory may be used again.
   */
  exportState(
    cache: KvCache,
    spent?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>>;

  /**
   * Makes a cache what it was when `state` was exported.
   *
   * @throws {SyntaxError} If `state` is damaged or comes from another layout; the cache has not changed then.
   */
  importState(cache: KvCache, state: Uint8Array<ArrayBuffer>): Promise<void>;

  /** Frees the device. */
  dispose(): void;
}
