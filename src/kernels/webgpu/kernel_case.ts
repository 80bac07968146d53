/**
 * Made-up input for the kernels.
 *
 * @module
 */
import type { GpuStoreName } from "./gpu_stores.ts";
import {
  type Arithmetic,
  type GpuKernels,
  type HeadShape,
  NOTHING,
} from "./kernels.ts";
import type { Outcome } from "./outcome.ts";

/** One step of a made-up dialogue, and a compaction after it. */
export interface KernelCase extends HeadShape {
  readonly store: GpuStoreName;
  readonly arithmetic: Arithmetic;
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

/** By operation: queries; keys and values; outputs; sums of attention; keys and values; keys, twice; values. */
export type Results = Record<Operation, Outcome>;

/** Operations that are tested; `spread` is with `attend`. */
export type Operation = Exclude<keyof GpuKernels, "spread">;

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
  /** [slot] where each is seen, new ones too. */
  readonly positions: Int32Array;
  /** [slot, headDim] keys, not turned, and values that the slots hold. */
  readonly keys: Float32Array<ArrayBuffer>;
  readonly values: Float32Array<ArrayBuffer>;
  readonly biases: Float32Array<ArrayBuffer>;
  readonly corrections: Float32Array<ArrayBuffer>;
  /** For `gather`. */
  readonly plan: Int32Array<ArrayBuffer>;
  /** For `unpack`, as many as there are slots. */
  readonly wanted: Int32Array<ArrayBuffer>;
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
  const positions = Int32Array.from({ length: slots }, (_, slot) => {
    const { offset, live, next } = units[Math.floor(slot / room)];
    const index = slot - offset - live;
    return index < 0 ? next + slot * 977 % 5000 - 4000 : next + index;
  });
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
    positions,
    keys: noise(4, slots * headDim),
    values: noise(5, slots * headDim),
    biases: noise(6, slots),
    corrections: noise(7, 2 * heads * (3 + 2 * headDim)),
    plan: somePlan(positions),
    wanted: someSlots(positions),
  };
}

/** Where the rows of a made-up plan begin, and their members. */
const ROW_STARTS = [0, 2, 3, 6, 7];
const MEMBERS = [0, 2, -1, 1, 4, 3, -2];
const WEIGHTS = [0.5, -0.25, 0.75, 0.6, 0.3, 0.1, 1.25];

/** Keeps, turns, mixes, lets join and drops; -1 is the last slot. */
function somePlan(positions: Int32Array): Int32Array<ArrayBuffer> {
  const slots = positions.length;
  const weights = new Int32Array(Float32Array.from(WEIGHTS).buffer);
  const entries = Array.from(positions, (_, slot) => {
    if (slot % 7 === 3) return [NOTHING, 0, 0, -1];
    if (slot === 5) return [~0, 0, 40_000, 0];
    if (slot === 6) return [~1, 0, -7, 1];
    const old = slots - 1 - slot;
    const turn = slot % 2 ? (slot - 9) * 1000 : 0;
    // Of those whose values are mixed, the first is turned as well.
    const row = slot === 7 ? 2 : slot === 8 ? 3 : -1;
    return [old, positions[old], positions[old] + turn, row];
  });
  const members = MEMBERS.map((member, i) => {
    const old = (member + slots) % slots;
    return [old, positions[old], weights[i]];
  });
  const rows = ROW_STARTS.length - 1;
  const all = [slots, rows, entries, ROW_STARTS, members];
  return Int32Array.from(all.flat(2));
}

/** Most slots, last ones first. */
function someSlots(positions: Int32Array): Int32Array<ArrayBuffer> {
  const count = positions.length;
  const wanted = Array.from(positions, (_, i) => {
    const slot = count - 1 - i;
    return i % 5 === 2 ? [NOTHING, 0] : [slot, positions[slot]];
  });
  return Int32Array.from([count, wanted].flat(2));
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
