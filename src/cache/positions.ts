/**
 * Where a slot is seen after a compaction. Rotary attention knows only the distance between a query and a key, so each
 * rule is a choice of distances.
 *
 * @module
 */
import type { Plan } from "./plan.ts";
import type { SlotTable } from "./slots.ts";

/** Fills `plan.position` and `plan.next` of one unit, whose new slots the plan lists already. */
export type PositionRule = (
  slots: SlotTable,
  unit: number,
  plan: Plan,
) => void;

/**
 * A slot's position is its index in the cache, so that distances never exceed the slots however long the dialogue
 * (StreamingLLM, arXiv 2309.17453, section 3.2).
 */
export const cacheIndex: PositionRule = (_slots, unit, plan) => {
  const start = plan.offsets[unit];
  for (let i = 0; i < plan.count[unit]; i++) plan.position[start + i] = i;
  plan.next[unit] = plan.count[unit];
};

/** Every slot stays at its token's place in the dialogue, however far that is. */
export const original: PositionRule = (slots, unit, plan) => {
  const start = plan.offsets[unit];
  for (let i = start; i < start + plan.count[unit]; i++) {
    plan.position[i] = slots.position[oldSlot(slots, unit, plan, i)];
  }
  plan.next[unit] = slots.next[unit];
};

/**
 * The true distance of a slot's token, but never more than `most` beyond the slot's rank, counted from the newest: close
 * slots are seen where they stand, and an endless dialogue stays within distances that the model knows.
 *
 * @param most What a distance may exceed a rank by.
 */
export function cappedTrue(most: number): PositionRule {
  return (slots, unit, plan) => {
    const start = plan.offsets[unit];
    const count = plan.count[unit];
    const next = slots.next[unit];
    for (let i = 0; i < count; i++) {
      const old = oldSlot(slots, unit, plan, start + i);
      const distance = slots.seen - slots.token[old];
      plan.position[start + i] = next - Math.min(distance, count - i + most);
    }
    plan.next[unit] = next;
  };
}

/** Index in the arrays over slots of the old slot that the new one at index `i` was, or is anchored at. */
function oldSlot(
  slots: SlotTable,
  unit: number,
  plan: Plan,
  i: number,
): number {
  const source = plan.source[i];
  return slots.offsets[unit] + (source >= 0 ? source : plan.anchor[~source]);
}
