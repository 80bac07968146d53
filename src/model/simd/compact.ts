/**
 * Carries out a plan on the keys and values of one dialogue.
 *
 * @module
 */
import type { Plan } from "../../cache/plan.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import type { SlotTools } from "./slot_store.ts";

/** Scratch space that rows are mixed in, one layer after the other. */
interface Mixing {
  /** Pointer to [most, 2, headDim] f32: mixed keys, not rotated, and values. */
  readonly rows: number;
  /** The most rows of a layer. */
  readonly most: number;
  /** Pointer to [live, 2, headDim] f32: a unit's slots on their way into mixtures. */
  readonly members: number;
  /** Of a key or a value. */
  readonly bytes: number;
}

/** Moves, mixes and turns keys and values as `plan` says, then updates the table of slots. */
export function compact(
  tools: SlotTools,
  cache: SimdKvCache,
  plan: Plan,
): void {
  const { memory } = tools;
  const { headDim, layers, kvHeads } = cache.slots.layout;
  const bytes = headDim * 4;
  const most = mostRows(plan, kvHeads);
  const live = cache.slots.live.reduce((a, b) => Math.max(a, b), 0);
  const rows = most ? memory.allocate((most + live) * bytes * 2) : 0;
  const mixing = { rows, most, members: rows + most * bytes * 2, bytes };
  for (let layer = 0; layer < layers; layer++) {
    const first = layer * kvHeads;
    for (let unit = first; unit < first + kvHeads; unit++) {
      mixRows(tools, cache, plan, unit, mixing);
    }
    moveLayer(memory, cache, plan, first);
    for (let unit = first; unit < first + kvHeads; unit++) {
      settle(cache, plan, unit, mixing);
    }
  }
  if (cache.biases) updateBiases(memory, cache, plan);
  if (rows) memory.free(rows);
  cache.slots.apply(plan);
  cache.forgetAttention();
}

/** The most rows of a layer. */
function mostRows(plan: Plan, kvHeads: number): number {
  if (plan.rows === 0) return 0;
  let most = 0, rows = 0;
  for (let unit = 0; unit < plan.count.length; unit++) {
    if (unit % kvHeads === 0) rows = 0;
    const start = plan.offsets[unit];
    for (let i = start; i < start + plan.count[unit]; i++) {
      if (plan.valueRow[i] >= 0) rows++;
    }
    most = Math.max(most, rows);
  }
  return most;
}

/**
 * Pointer to a row's mixed key, behind which its value lies. A plan counts rows on from layer to layer; those of one layer
 * are consecutive and at most `most`, so no two of them meet.
 */
function mixedRow({ rows, most, bytes }: Mixing, row: number): number {
  return rows + (row % most) * bytes * 2;
}

/** Computes the unit's rows before anything is moved. */
function mixRows(
  { memory, kernels, config }: SlotTools,
  { slots, store }: SimdKvCache,
  plan: Plan,
  unit: number,
  mixing: Mixing,
): void {
  const { headDim } = config;
  const { members, bytes } = mixing;
  const start = plan.offsets[unit], end = start + plan.count[unit];
  // A slot may go into many rows: each half of it is read once.
  const hasKey = new Uint8Array(slots.live[unit]);
  const hasValue = new Uint8Array(slots.live[unit]);
  for (let i = start; i < end; i++) {
    const row = plan.valueRow[i];
    if (row < 0) continue;
    const isWhole = plan.source[i] < 0;
    const mixed = mixedRow(mixing, row);
    memory.u8.fill(0, mixed, mixed + bytes * 2);
    for (let m = plan.rowStart[row]; m < plan.rowStart[row + 1]; m++) {
      const member = plan.member[m], weight = plan.weight[m];
      const slot = slots.offsets[unit] + member;
      const at = members + member * bytes * 2;
      if (isWhole) {
        if (!hasKey[member]) store.readKey(slot, slots.position[slot], at);
        hasKey[member] = 1;
        kernels.addScaled(mixed, at, weight, headDim);
      }
      if (!hasValue[member]) store.readValue(slot, at + bytes);
      hasValue[member] = 1;
      kernels.addScaled(mixed + bytes, at + bytes, weight, headDim);
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
  mixing: Mixing,
): void {
  const start = plan.offsets[unit];
  for (let i = start; i < start + plan.count[unit]; i++) {
    const source = plan.source[i], row = plan.valueRow[i];
    if (source < 0) {
      const key = mixedRow(mixing, row);
      store.write(i, key, key + mixing.bytes, plan.position[i]);
      continue;
    }
    const before = slots.position[slots.offsets[unit] + source];
    const after = plan.position[i];
    if (after !== before) store.turn(i, before, after);
    if (row >= 0) store.writeValue(i, mixedRow(mixing, row) + mixing.bytes);
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
      const row = plan.valueRow[i];
      const tokens = row >= 0
        ? plan.mass[row]
        : mass[offsets[unit] + plan.source[i]];
      memory.f32[cache.biases / 4 + i] = Math.log(tokens);
    }
  }
}
