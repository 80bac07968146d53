/**
 * Carries out a plan on the keys and values of one dialogue.
 *
 * @module
 */
import type { Plan } from "../../cache/plan.ts";
import type { Kernels } from "../../kernels/kernels.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { ModelConfig } from "../config.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import type { RopeTable } from "./rope_table.ts";

/** What a compaction works with. */
export interface CompactionTools {
  readonly memory: LinearMemory;
  readonly kernels: Kernels;
  readonly rope: RopeTable;
  readonly config: ModelConfig;
}

/** Moves, mixes and turns keys and values as `plan` says, then updates the table of slots. */
export function compact(
  tools: CompactionTools,
  cache: SimdKvCache,
  plan: Plan,
): void {
  const { headDim } = cache.slots.layout;
  // [2, headDim]: a mixed key, not rotated, and a key on its way into it; then [rows, 2, headDim], the mixed slots.
  const scratch = plan.rows
    ? tools.memory.allocate((plan.rows + 1) * headDim * 8)
    : 0;
  const rows = scratch + headDim * 8;
  for (let unit = 0; unit < plan.count.length; unit++) {
    mixRows(tools, cache, plan, unit, scratch, rows);
    moveSlots(tools, cache, plan, unit, rows);
  }
  if (cache.biases) updateBiases(tools.memory, cache, plan);
  if (scratch) tools.memory.free(scratch);
  cache.slots.apply(plan);
}

/** Computes the unit's rows, keys not rotated, before anything is moved. */
function mixRows(
  { memory, kernels, rope, config }: CompactionTools,
  cache: SimdKvCache,
  plan: Plan,
  unit: number,
  turned: number,
  rows: number,
): void {
  const { layout, position } = cache.slots;
  const { headDim } = layout;
  const bytes = cache.slotBytes;
  const start = layout.offsets[unit];
  for (let i = 0; i < plan.count[unit]; i++) {
    const row = ~plan.source[start + i];
    if (row < 0) continue;
    const key = rows + row * bytes * 2;
    memory.u8.fill(0, key, key + bytes * 2);
    for (let m = plan.start[row]; m < plan.start[row + 1]; m++) {
      const slot = start + plan.member[m];
      const from = cache.keys + slot * bytes;
      memory.u8.copyWithin(turned, from, from + bytes);
      const back = rope.row(-position[slot]);
      kernels.rotate(turned, back, 1, headDim, config.ropeDim);
      kernels.addScaled(key, turned, plan.weight[m], headDim);
      const value = cache.values + slot * bytes;
      kernels.addScaled(key + bytes, value, plan.weight[m], headDim);
    }
  }
}

/**
 * Puts the unit's new slots in their places. A slot never moves up and a row sits no later than its anchor, so going
 * upwards nothing is overwritten that is still needed.
 */
function moveSlots(
  { memory, kernels, rope, config }: CompactionTools,
  cache: SimdKvCache,
  plan: Plan,
  unit: number,
  rows: number,
): void {
  const { layout, position } = cache.slots;
  const bytes = cache.slotBytes;
  const start = layout.offsets[unit];
  for (let i = 0; i < plan.count[unit]; i++) {
    const source = plan.source[start + i];
    const kept = source >= 0;
    const key = cache.keys + (start + i) * bytes;
    const value = cache.values + (start + i) * bytes;
    const fromKey = kept
      ? cache.keys + (start + source) * bytes
      : rows + ~source * bytes * 2;
    const fromValue = kept
      ? cache.values + (start + source) * bytes
      : fromKey + bytes;
    if (fromKey !== key) {
      memory.u8.copyWithin(key, fromKey, fromKey + bytes);
      memory.u8.copyWithin(value, fromValue, fromValue + bytes);
    }
    const before = kept ? position[start + source] : 0;
    const turn = plan.position[start + i] - before;
    if (turn === 0) continue;
    kernels.rotate(key, rope.row(turn), 1, layout.headDim, config.ropeDim);
  }
}

/** A slot that stands for several tokens counts as often in attention: its logit gains the logarithm of its mass. */
function updateBiases(
  memory: LinearMemory,
  cache: SimdKvCache,
  plan: Plan,
): void {
  const { layout, mass } = cache.slots;
  for (let unit = 0; unit < plan.count.length; unit++) {
    const start = layout.offsets[unit];
    const biases = memory.f32.subarray(cache.biases / 4 + start);
    for (let i = 0; i < plan.count[unit]; i++) {
      const source = plan.source[start + i];
      const tokens = source >= 0 ? mass[start + source] : plan.mass[~source];
      biases[i] = Math.log(tokens);
    }
  }
}
