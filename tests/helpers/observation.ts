/**
 * What a runtime would have observed, made up: for tests of the cache without a model.
 *
 * @module
 */
import type { Convolution } from "../../src/cache/convolution.ts";
import type { SlotTable } from "../../src/cache/slots.ts";
import type { Likest, Observation } from "../../src/cache/unit_view.ts";
import { normal, uniform } from "./random.ts";

function refuse(): never {
  throw new TypeError("Cannot observe that: nobody should ask for it");
}

/** Nothing at all: what a test does not make up must not be asked for. */
export const NOTHING_SEEN: Observation = {
  attention: refuse,
  keys: refuse,
  freshKeys: refuse,
  likest: refuse,
  convolve: refuse,
  convolved: refuse,
};

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

/** Which of some keys makes the smallest angle with each seeker's; see `Observation.likest`. */
export function likestOf(
  keyOf: (slot: number) => ArrayLike<number>,
  kept: Int32Array,
  seekers: Int32Array,
): Likest {
  const dot = (a: number, b: number) => {
    const other = keyOf(b);
    return Array.from(keyOf(a)).reduce((sum, x, i) => sum + x * other[i], 0);
  };
  const cosine = (a: number, b: number) =>
    dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  const count = seekers.length / 3;
  const found = Array.from({ length: count }, (_, i) => {
    const [slot, from, end] = seekers.subarray(i * 3);
    const among = [...kept.subarray(from, end)];
    const cosines = among.map((other) => cosine(slot, other));
    const most = Math.max(...cosines);
    return { target: among[cosines.indexOf(most)] ?? -1, most };
  });
  return {
    targets: Int32Array.from(found, ({ target }) => target),
    cosines: Float32Array.from(found, ({ most }) => most),
  };
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
    likest: (unit, kept, seekers) => {
      const of = tokens(unit);
      const keyOf = (slot: number) =>
        normal(of[slot] * 17 + unit, layout.headDim);
      return likestOf(keyOf, kept, seekers);
    },
  };
}
