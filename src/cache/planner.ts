/**
 * Decides what becomes of a dialogue's slots when they are full. The runtime carries it out.
 *
 * @module
 */
import type { Method, Score } from "./method.ts";
import { Plan } from "./plan.ts";
import { type Protection, Selector } from "./select.ts";
import type { SlotTable } from "./slots.ts";

/** Makes the plans of one dialogue. */
export class Planner {
  readonly #slots: SlotTable;
  readonly #method: Method;
  readonly #score: Score;
  readonly #selector: Selector;
  readonly #plan: Plan;
  readonly #scores: Float32Array;

  /**
   * @throws {TypeError} If the method never evicts.
   * @throws {RangeError} If a unit has fewer slots than are protected.
   */
  constructor(slots: SlotTable, method: Method, protection: Protection) {
    if (!method.score) {
      throw new TypeError("Cannot plan a compaction: the method never evicts");
    }
    const { layout } = slots;
    const least = Math.min(...layout.slots);
    const { sinks, window } = protection;
    if (least < sinks + window) {
      throw new RangeError(
        `Cannot keep ${sinks} sinks and a window of ${window} tokens in ${least} slots`,
      );
    }
    this.#slots = slots;
    this.#method = method;
    this.#score = method.score();
    const most = Math.max(...layout.slots) + layout.block;
    this.#selector = new Selector(protection, most);
    this.#plan = new Plan(layout);
    this.#scores = new Float32Array(most);
  }

  /** A plan that leaves each unit with at most its slots; valid until the next call. */
  plan(): Plan {
    const plan = this.#plan;
    const slots = this.#slots;
    plan.clear();
    for (let unit = 0; unit < slots.live.length; unit++) {
      const live = slots.live[unit];
      this.#score.rank(slots, unit, this.#scores);
      const budget = slots.layout.slots[unit];
      this.#selector.select(plan, unit, this.#scores, live, budget);
      this.#method.positions(slots, unit, plan);
    }
    return plan;
  }
}
