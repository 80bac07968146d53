/**
 * What a cache method is made of.
 *
 * @module
 */
import type { PositionRule } from "./positions.ts";
import type { SlotTable } from "./slots.ts";

/** How much each slot matters. An instance belongs to one dialogue. */
export interface Score {
  /**
   * Ranks the slots of a unit.
   *
   * @param out [live slots of the unit] receives what each is worth; higher stays.
   */
  rank(slots: SlotTable, unit: number, out: Float32Array): void;
}

/** A cache method: one choice from each plane, under a name. */
export interface Method {
  /** One sentence on what it does. */
  readonly summary: string;
  /** Where it comes from. */
  readonly paper: string | null;
  /** Makes the score of a new dialogue; null where nothing is ever evicted and a dialogue ends with its slots. */
  readonly score: (() => Score) | null;
  readonly positions: PositionRule;
}
