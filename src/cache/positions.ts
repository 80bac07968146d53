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
export const cacheIndex: PositionRule = (slots, unit, plan) => {
  const start = slots.layout.offsets[unit];
  for (let i = 0; i < plan.count[unit]; i++) plan.position[start + i] = i;
  plan.next[unit] = plan.count[unit];
};

/** Every slot stays at its token's place in the dialogue, however far that is. */
export const original: PositionRule = (slots, unit, plan) => {
  const start = slots.layout.offsets[unit];
  for (let i = 0; i < plan.count[unit]; i++) {
    const source = plan.source[start + i];
    const from = source >= 0 ? source : plan.anchor[~source];
    plan.position[start + i] = slots.position[start + from];
  }
  plan.next[unit] = slots.next[unit];
};
