/**
 * Which slots stay, given what each is worth: the one place that knows of sinks and the recent window.
 *
 * @module
 */
import type { Plan } from "./plan.ts";

/** Slots that no score can evict. */
export interface Protection {
  /** The first tokens of a dialogue, on which attention rests when it has nothing to look at. */
  readonly sinks: number;
  /** The last tokens. */
  readonly window: number;
}

/** Keeps a unit's best slots; one instance serves all units of a dialogue. */
export class Selector {
  readonly #protection: Protection;
  readonly #candidates: Int32Array;

  /** @param most The most slots that a unit has before a compaction. */
  constructor(protection: Protection, most: number) {
    this.#protection = protection;
    this.#candidates = new Int32Array(most);
  }

  /**
   * Adds to the plan the sinks, the window, and between them the slots with the highest scores, so that `budget` slots
   * stay; of equal scores the newer one. With no more than `budget` slots alive, all of them.
   *
   * @param scores [live] what each slot is worth.
   */
  select(
    plan: Plan,
    unit: number,
    scores: Float32Array,
    live: number,
    budget: number,
  ): void {
    if (live <= budget) return plan.keep(unit, 0, live);
    const { sinks, window } = this.#protection;
    const end = live - window;
    const wanted = budget - sinks - window;
    const candidates = this.#candidates.subarray(0, end - sinks);
    for (let i = 0; i < candidates.length; i++) candidates[i] = sinks + i;
    partition(candidates, wanted, scores);
    const chosen = candidates.subarray(0, wanted).sort();
    plan.keep(unit, 0, sinks);
    for (let i = 0; i < wanted; i++) plan.keep(unit, chosen[i]);
    plan.keep(unit, end, live);
  }
}

/** Reorders `slots` so that the first `count` are the best (Hoare's quickselect). */
function partition(
  slots: Int32Array,
  count: number,
  scores: Float32Array,
): void {
  let low = 0, high = slots.length - 1;
  while (low < high) {
    const pivot = slots[(low + high) >> 1];
    let i = low, j = high;
    while (i <= j) {
      while (isBetter(slots[i], pivot, scores)) i++;
      while (isBetter(pivot, slots[j], scores)) j--;
      if (i > j) break;
      const swapped = slots[i];
      slots[i++] = slots[j];
      slots[j--] = swapped;
    }
    if (count <= j) high = j;
    else if (count >= i) low = i;
    else return;
  }
}

function isBetter(a: number, b: number, scores: Float32Array): boolean {
  return scores[a] > scores[b] || (scores[a] === scores[b] && a > b);
}
