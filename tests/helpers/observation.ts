/**
 * What a runtime would have observed, made up: for tests of the cache without a model.
 *
 * @module
 */
import type { Convolution } from "../../src/cache/convolution.ts";
import type { SlotTable } from "../../src/cache/slots.ts";
import type { Observation } from "../../src/cache/unit_view.ts";
import { normal, uniform } from "./random.ts";

/** A convolution by its definition: vectors [slots, width], zeros past both ends. */
export function convolved(
  vectors: readonly (readonly number[])[],
  { rows, taps, weight, bias }: Convolution,
): Float32Array<ArrayBuffer> {
  const width = weight.length / rows / taps;
  const out = new Float32Array(rows * vectors.length);
  for (let row = 0; row < rows; row++) {
    for (let at = 0; at < vectors.length; at++) {
      let sum = bias[row];
      for (let tap = 0; tap < taps; tap++) {
        const vector = vectors[at + tap - (taps - 1) / 2] ?? [];
        vector.forEach((x, i) =>
          sum += x * weight[(row * taps + tap) * width + i]
        );
      }
      out[row * vectors.length + at] = Math.max(0, sum);
    }
  }
  return out;
}

/** Attention and keys that depend only on a slot's token and unit, and so stay with it. */
export function madeUp(slots: SlotTable): Observation {
  const { offsets, live, pending, token, layout } = slots;
  const tokens = (unit: number) =>
    token.subarray(offsets[unit], offsets[unit] + live[unit]);
  const keys = (tokens: Int32Array, unit: number) =>
    Float32Array.from(
      [...tokens].flatMap((t) => [...normal(t * 17 + unit, layout.headDim)]),
    );
  const outcomes = new Map<number, Float32Array>();
  return {
    attention: (unit) =>
      Float32Array.from(tokens(unit), (t) => uniform(t * 31 + unit)() ** 4),
    keys: (unit) => keys(tokens(unit), unit),
    convolve: (wanted) => {
      for (const { unit, slots, convolution } of wanted) {
        const of = tokens(unit);
        const vectors = Array.from(slots, (slot) => [
          ...normal(of[slot] * 17 + unit, layout.headDim),
          ...normal(of[slot] * 19 + unit, layout.headDim),
        ]);
        outcomes.set(unit, convolved(vectors, convolution));
      }
      return Promise.resolve();
    },
    convolved: (unit) => outcomes.get(unit)!,
    freshKeys: (unit) => keys(tokens(unit).slice(live[unit] - pending), unit),
  };
}
