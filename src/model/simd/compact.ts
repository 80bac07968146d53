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
  const { headDim, layers, kvHeads } = cache.slots.layout;
  // [2, headDim], where a key is turned back; then [rows, 2, headDim], the mixed keys and values.
  const scratch = plan.rows
    ? tools.memory.allocate((plan.rows + 1) * headDim * 8)
    : 0;
  const rows = scratch + headDim * 8;
  for (let unit = 0; unit < layers * kvHeads; unit++) {
    mixRows(tools, cache, plan, unit, scratch, rows);
  }
  for (let layer = 0; layer < layers; layer++) {
    moveLayer(tools.memory, cache, plan, layer * kvHeads, rows);
  }
  for (let unit = 0; unit < layers * kvHeads; unit++) {
    turnKeys(tools, cache, plan, unit);
  }
  if (cache.biases) updateBiases(tools.memory, cache, plan);
  if (scratch) tools.memory.free(scratch);
  cache.slots.apply(plan);
  cache.forgetAttention();
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
  const { headDim } = cache.slots.layout;
  const { offsets, position } = cache.slots;
  const bytes = cache.slotBytes;
  const start = plan.offsets[unit];
  for (let i = start; i < start + plan.count[unit]; i++) {
    const row = ~plan.source[i];
    if (row < 0) continue;
    const key = rows + row * bytes * 2;
    memory.u8.fill(0, key, key + bytes * 2);
    for (let m = plan.rowStart[row]; m < plan.rowStart[row + 1]; m++) {
      const slot = offsets[unit] + plan.member[m];
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

/** Puts the new slots of a layer, whose first unit is `first`, in their places. */
function moveLayer(
  memory: LinearMemory,
  cache: SimdKvCache,
  plan: Plan,
  first: number,
  rows: number,
): void {
  const { offsets, layout } = cache.slots;
  const last = first + layout.kvHeads;
  const bytes = cache.slotBytes;
  const isMoved = plan.offsets.subarray(first, last)
    .some((offset, head) => offset !== offsets[first + head]);
  if (!isMoved) {
    for (let unit = first; unit < last; unit++) {
      moveUnit(memory, cache, plan, unit, rows, cache.keys, cache.values);
    }
    return;
  }
  // The heads' ranges overlap the old ones of their neighbours, so the layer is put together elsewhere first.
  const begin = plan.offsets[first] * bytes;
  const size = (offsets[last] - offsets[first]) * bytes;
  const stage = memory.allocate(size * 2);
  for (let unit = first; unit < last; unit++) {
    const keys = stage - begin;
    moveUnit(memory, cache, plan, unit, rows, keys, keys + size);
  }
  memory.u8.copyWithin(cache.keys + begin, stage, stage + size);
  memory.u8.copyWithin(cache.values + begin, stage + size, stage + size * 2);
  memory.free(stage);
}

/**
 * Writes the unit's new slots to `keys` and `values`, which may be where the old ones are if the unit does not move: a slot
 * never moves up and a row sits no later than its anchor, so going upwards nothing is overwritten that is still needed.
 */
function moveUnit(
  memory: LinearMemory,
  cache: SimdKvCache,
  plan: Plan,
  unit: number,
  rows: number,
  keys: number,
  values: number,
): void {
  const bytes = cache.slotBytes;
  const start = plan.offsets[unit];
  for (let i = start; i < start + plan.count[unit]; i++) {
    const source = plan.source[i];
    const old = (cache.slots.offsets[unit] + source) * bytes;
    const row = rows + ~source * bytes * 2;
    const key = source >= 0 ? cache.keys + old : row;
    const value = source >= 0 ? cache.values + old : row + bytes;
    if (key === keys + i * bytes) continue;
    memory.u8.copyWithin(keys + i * bytes, key, key + bytes);
    memory.u8.copyWithin(values + i * bytes, value, value + bytes);
  }
}

/** Turns the unit's keys from where they were seen, or from no rotation, to their new positions. */
function turnKeys(
  { kernels, rope, config }: CompactionTools,
  cache: SimdKvCache,
  plan: Plan,
  unit: number,
): void {
  const { offsets, position, layout } = cache.slots;
  const start = plan.offsets[unit];
  for (let i = start; i < start + plan.count[unit]; i++) {
    const source = plan.source[i];
    const before = source >= 0 ? position[offsets[unit] + source] : 0;
    const turn = plan.position[i] - before;
    if (turn === 0) continue;
    const key = cache.keys + i * cache.slotBytes;
    kernels.rotate(key, rope.row(turn), 1, layout.headDim, config.ropeDim);
  }
}

/** A slot that stands for several tokens counts as often in attention: its logit gains the logarithm of its mass. */
function updateBiases(
  memory: LinearMemory,
  cache: SimdKvCache,
  plan: Plan,
): void {
  const { offsets, mass } = cache.slots;
  for (let unit = 0; unit < plan.count.length; unit++) {
    const start = plan.offsets[unit];
    for (let i = start; i < start + plan.count[unit]; i++) {
      const source = plan.source[i];
      const tokens = source >= 0
        ? mass[offsets[unit] + source]
        : plan.mass[~source];
      memory.f32[cache.biases / 4 + i] = Math.log(tokens);
    }
  }
}
