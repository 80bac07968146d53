/**
 * Carries out a plan on the keys and values of one dialogue.
 *
 * @module
 */
import type { Plan } from "../../cache/plan.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import type { SlotTools } from "./slot_store.ts";

/** Moves, mixes and turns keys and values as `plan` says, then updates the table of slots. */
export function compact(
  tools: SlotTools,
  cache: SimdKvCache,
  plan: Plan,
): void {
  const { headDim, layers, kvHeads } = cache.slots.layout;
  // [rows, 2, headDim], the mixed keys, not rotated, and values; then [live, 2, headDim], slots on their way into mixtures.
  const most = cache.slots.live.reduce((a, b) => Math.max(a, b), 0);
  const rows = plan.rows
    ? tools.memory.allocate((plan.rows + most) * headDim * 8)
    : 0;
  const members = rows + plan.rows * headDim * 8;
  if (rows) {
    for (let unit = 0; unit < layers * kvHeads; unit++) {
      mixRows(tools, cache, plan, unit, members, rows);
    }
  }
  for (let layer = 0; layer < layers; layer++) {
    moveLayer(tools.memory, cache, plan, layer * kvHeads);
  }
  for (let unit = 0; unit < layers * kvHeads; unit++) {
    settle(cache, plan, unit, rows, headDim * 4);
  }
  if (cache.biases) updateBiases(tools.memory, cache, plan);
  if (rows) tools.memory.free(rows);
  cache.slots.apply(plan);
  cache.forgetAttention();
}

/** Computes the unit's rows before anything is moved. */
function mixRows(
  { memory, kernels, config }: SlotTools,
  { slots, store }: SimdKvCache,
  plan: Plan,
  unit: number,
  members: number,
  rows: number,
): void {
  const { headDim } = config;
  const bytes = headDim * 4;
  const start = plan.offsets[unit];
  // A slot may go into many rows: it is read once.
  const isRead = new Uint8Array(slots.live[unit]);
  for (let i = start; i < start + plan.count[unit]; i++) {
    const row = ~plan.source[i];
    if (row < 0) continue;
    const mixed = rows + row * bytes * 2;
    memory.u8.fill(0, mixed, mixed + bytes * 2);
    for (let m = plan.rowStart[row]; m < plan.rowStart[row + 1]; m++) {
      const member = plan.member[m];
      const at = members + member * bytes * 2;
      if (!isRead[member]) {
        const slot = slots.offsets[unit] + member;
        store.readKey(slot, slots.position[slot], at);
        store.readValue(slot, at + bytes);
        isRead[member] = 1;
      }
      kernels.addScaled(mixed, at, plan.weight[m], headDim * 2);
    }
  }
}

/** Puts the slots of a layer that stay, and whose first unit is `first`, in their places. */
function moveLayer(
  memory: LinearMemory,
  cache: SimdKvCache,
  plan: Plan,
  first: number,
): void {
  const { offsets, layout } = cache.slots;
  const last = first + layout.kvHeads;
  const isMoved = plan.offsets.subarray(first, last)
    .some((offset, head) => offset !== offsets[first + head]);
  for (const { pointer, bytes } of cache.store.planes) {
    if (!isMoved) {
      for (let unit = first; unit < last; unit++) {
        moveUnit(memory, cache, plan, unit, pointer, pointer, bytes);
      }
      continue;
    }
    // The heads' ranges overlap the old ones of their neighbours, so the layer is put together elsewhere first.
    const begin = offsets[first] * bytes;
    const size = (offsets[last] - offsets[first]) * bytes;
    const stage = memory.allocate(size);
    for (let unit = first; unit < last; unit++) {
      moveUnit(memory, cache, plan, unit, pointer, stage - begin, bytes);
    }
    memory.u8.copyWithin(pointer + begin, stage, stage + size);
    memory.free(stage);
  }
}

/**
 * Copies one plane of the unit's slots that stay from array `from` to array `to`, which may be the same if the unit does not
 * move: a slot never moves up, so going upwards nothing is overwritten that is still needed.
 */
function moveUnit(
  memory: LinearMemory,
  { slots }: SimdKvCache,
  plan: Plan,
  unit: number,
  from: number,
  to: number,
  bytes: number,
): void {
  const { u8 } = memory;
  const start = plan.offsets[unit];
  for (let i = start; i < start + plan.count[unit]; i++) {
    if (plan.source[i] < 0) continue;
    const old = from + (slots.offsets[unit] + plan.source[i]) * bytes;
    const at = to + i * bytes;
    if (old !== at) u8.copyWithin(at, old, old + bytes);
  }
}

/** Writes the unit's mixtures into their slots, and turns the other keys to their new positions. */
function settle(
  { slots, store }: SimdKvCache,
  plan: Plan,
  unit: number,
  rows: number,
  bytes: number,
): void {
  const start = plan.offsets[unit];
  for (let i = start; i < start + plan.count[unit]; i++) {
    const source = plan.source[i];
    if (source < 0) {
      const mixed = rows + ~source * bytes * 2;
      store.write(i, mixed, mixed + bytes, plan.position[i]);
    } else {
      const before = slots.position[slots.offsets[unit] + source];
      const after = plan.position[i];
      if (after !== before) store.turn(i, before, after);
    }
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
