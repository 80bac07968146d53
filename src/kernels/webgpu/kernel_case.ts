/**
 * Made-up input for the kernels.
 *
 * @module
 */
import { type GpuKernels, type HeadShape, NOTHING } from "./kernels.ts";

/** One step of a made-up dialogue, and a compaction after it. */
export interface KernelCase extends HeadShape {
  /** Slots of the second layer's units before the step; its units differ by one. */
  readonly live: number;
  /** Tokens since the last compaction. */
  readonly appended: number;
  readonly tokens: number;
  /** The first token whose attention is observed. */
  readonly observed: number;
  /** Position of the next token. */
  readonly position: number;
  /** Share of tokens that attention is corrected for. */
  readonly share: number;
}

/** What each operation writes: queries; keys and values; outputs; sums of attention; keys and values. */
export type Results = Record<keyof GpuKernels, Float32Array>;

/** Two layers, of which the second is computed. */
export const LAYER = 1;

/** What the kernels get. Arrays over slots hold both layers' units. */
export interface Given {
  readonly units: { offset: number; live: number; next: number }[];
  readonly slots: number;
  readonly liftFrom: number;
  readonly liftTo: number;
  readonly frequencies: Float64Array;
  readonly queries: Float32Array<ArrayBuffer>;
  readonly newKeys: Float32Array<ArrayBuffer>;
  readonly newValues: Float32Array<ArrayBuffer>;
  readonly keys: Float32Array<ArrayBuffer>;
  readonly values: Float32Array<ArrayBuffer>;
  readonly biases: Float32Array<ArrayBuffer>;
  readonly corrections: Float32Array<ArrayBuffer>;
  readonly plan: Int32Array<ArrayBuffer>;
}

/** Random numbers for all of it; the same case gives the same ones. */
export function makeUp(test: KernelCase): Given {
  const { headDim, heads, kvHeads, ropeDim, live, appended, tokens } = test;
  const room = live + kvHeads + appended + tokens + 3;
  const units = Array.from({ length: 2 * kvHeads }, (_, unit) => ({
    offset: unit * room,
    live: live + unit % kvHeads,
    next: test.position + unit,
  }));
  const slots = units.length * room;
  return {
    units,
    slots,
    liftFrom: 3,
    liftTo: live - 5,
    frequencies: Float64Array.from(
      { length: ropeDim / 2 },
      (_, i) => 10_000 ** (-2 * i / ropeDim),
    ),
    queries: noise(1, tokens * heads * headDim, 2),
    newKeys: noise(2, tokens * kvHeads * headDim),
    newValues: noise(3, tokens * kvHeads * headDim),
    keys: noise(4, slots * headDim),
    values: noise(5, slots * headDim),
    biases: noise(6, slots),
    corrections: noise(7, 2 * heads * (3 + 2 * headDim)),
    plan: somePlan(slots),
  };
}

/** Keeps, turns, mixes and drops. */
function somePlan(slots: number): Int32Array<ArrayBuffer> {
  const weights = new Int32Array(Float32Array.of(0.5, -0.25, 0.75).buffer);
  const entries = Array.from({ length: slots }, (_, slot) => {
    if (slot % 7 === 3) return [NOTHING, 0];
    if (slot === 5) return [~0, 0];
    if (slot === 6) return [~1, 0];
    return [slots - 1 - slot, slot % 2 ? (slot - 9) * 1000 : 0];
  });
  const members = [[0, -3, weights[0]], [2, 400, weights[1]], [
    slots - 1,
    0,
    weights[2],
  ]];
  return Int32Array.from([slots, 2, entries, 0, 2, 3, members].flat(2));
}

/** Reproducible numbers of the order of `size`. */
export function noise(
  seed: number,
  count: number,
  size = 1,
): Float32Array<ArrayBuffer> {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 31 - 1) * size * 1.7;
  });
}
