/**
 * What a cache method is made of: one choice from each plane.
 *
 * @module
 */
import type { ModelConfig } from "../model/config.ts";
import type { SlotConvolution } from "./convolution.ts";
import type { Corrections } from "./corrections.ts";
import type { LearnedParts } from "./learned_parts.ts";
import type { OptionTable, OptionValues } from "./options.ts";
import type { Plan } from "./plan.ts";
import type { PositionRule } from "./positions.ts";
import type { UnitView } from "./unit_view.ts";

/** What a method wants of a runtime; nothing else is computed. */
export interface Needs {
  /**
   * Attention that the last so many queries of a block paid to each slot, as a number of queries; "block" for all of them.
   */
  readonly queries?: number | "block";
  /** The keys, dequantised and not rotated: of all slots, or of those alone that the last block added. */
  readonly keys?: boolean | "fresh";
  /** Comparisons of keys where they are seen. */
  readonly likest?: boolean;
  /** Convolutions over slots. */
  readonly convolutions?: boolean;
  /** Attention that can be corrected. */
  readonly corrections?: boolean;
}

/**
 * How much does each slot matter? An instance belongs to one dialogue. What it remembers of slots it keeps in
 * `UnitView.carried` alone, so that a dialogue can be saved, restored and gone on with twice.
 */
export interface Score {
  readonly needs: Needs;
  /** Numbers that it remembers of each slot (`UnitView.carried`); they move and are saved with the slot. */
  readonly carried: number;
  /** Takes in what a block of tokens paid attention to. Called for every unit after every block. */
  update?(unit: UnitView): void;
  /**
   * Ranks the slots of a unit that has too many. Called after `update`.
   *
   * @param out [live] receives what each is worth; higher stays.
   */
  rank(unit: UnitView, out: Float32Array): void;
}

/** How many slots has each layer and head? */
export interface Budget {
  /**
   * Shares out `mean` slots per unit.
   *
   * @param least What every unit must have.
   * @returns [unit] whole numbers whose sum is `mean` times their number.
   * @throws {RangeError} If that is impossible, or made for another model.
   */
  divide(config: ModelConfig, mean: number, least: number): Int32Array;
  /**
   * Where heads of a layer compete for its slots anew at every compaction: the share of its even part that every head
   * keeps in any case.
   */
  readonly floor?: number;
}

/** What becomes of the slots that do not stay? */
export interface Fuse {
  readonly needs: Needs;
  /** Whether its slots can stand for several tokens, and so need a bias on their attention. */
  readonly biased: boolean;
  /** The convolution that `write` will look at, if any: a device computes those of all units together. */
  readonly convolution?: (
    unit: UnitView,
    kept: Int32Array,
  ) => SlotConvolution | null;
  /**
   * Writes a unit's new slots into the plan.
   *
   * @param kept The slots that were chosen, ascending.
   */
  write(unit: UnitView, kept: Int32Array, plan: Plan): void;
}

/** A cache method: one choice from each plane, under a name. */
export interface Method {
  /** One sentence on what it does. */
  readonly summary: string;
  /** Where it comes from. */
  readonly paper: string | null;
  /** Makes the score of a new dialogue; null where nothing is ever evicted and a dialogue ends with its slots. */
  readonly score: ((values: OptionValues) => Score) | null;
  /** What of it can be adjusted. */
  readonly options?: OptionTable;
  readonly budget: Budget;
  readonly fuse: Fuse;
  readonly positions: PositionRule;
  /** Whether all heads of a layer keep the same slots, chosen by the mean of their ranks. */
  readonly share?: "head" | "layer";
  /** What attention is corrected by as tokens are evicted. */
  readonly corrections?: Corrections | null;
  /**
   * What changes where the model has learned parts: everything else here is the form that needs none. Null where those that
   * it wants are missing.
   */
  readonly learned?: (
    parts: LearnedParts,
    values: OptionValues,
  ) => LearnedForm | null;
}

/** The choices of a method that learned parts can make. */
export type LearnedForm = Partial<
  Pick<Method, "score" | "budget" | "fuse" | "positions" | "corrections">
>;

/** The method with the learned parts of the model, or without where it knows or finds none. */
export function withLearned(
  method: Method,
  parts: LearnedParts | null,
  values: OptionValues,
): Method {
  return { ...method, ...parts && method.learned?.(parts, values) };
}
