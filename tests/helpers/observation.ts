/**
 * What a runtime would have observed, made up: for tests of the cache without a model.
 *
 * @module
 */
import type { SlotTable } from "../../src/cache/slots.ts";
import type { Observation } from "../../src/cache/unit_view.ts";
import { normal, uniform } from "./random.ts";

/** Attention and keys that depend only on a slot's token and unit, and so stay with it. */
export function madeUp(slots: SlotTable): Observation {
  const { offsets, live, pending, token, layout } = slots;
  const tokens = (unit: number) =>
    token.subarray(offsets[unit], offsets[unit] + live[unit]);
  const keys = (tokens: Int32Array, unit: number) =>
    Float32Array.from(
      [...tokens].flatMap((t) => [...normal(t * 17 + unit, layout.headDim)]),
    );
  return {
    attention: (unit) =>
      Float32Array.from(tokens(unit), (t) => uniform(t * 31 + unit)() ** 4),
    keys: (unit) => keys(tokens(unit), unit),
    freshKeys: (unit) => keys(tokens(unit).slice(live[unit] - pending), unit),
  };
}
