/**
 * @module
 */
import type { Convolution } from "../convolution.ts";
import type { Fuse } from "../method.ts";
import type { Plan } from "../plan.ts";
import { Ranking } from "../ranking.ts";
import type { UnitView } from "../unit_view.ts";

/** What is learned. */
export interface LococoWeights {
  /** Of each layer; all have as many rows. */
  readonly convolutions: readonly Convolution[];
  /** [layers] λ, from 0 to 1: how much of a mixture the convolution makes. */
  readonly blend: Float32Array;
}

/** Choices of {@link lococo}. */
export interface LococoOptions {
  /** Share of the slots that hold mixtures, as far as there are rows. */
  readonly ratio?: number;
  /** Instead of the learned λ, in all layers. */
  readonly blend?: number;
}

/** What is to become of one unit's slots. */
interface Choice {
  /** Slots that stay as they are and slots that a mixture takes the place of, in order. */
  readonly kept: Int32Array;
  /** Of those, the latter. */
  readonly anchors: readonly number[];
  /** All slots that do not stay as they are, in order. */
  readonly rest: Int32Array;
}

/** Mixtures of the rest. */
interface Mixtures {
  /** [anchors, rest], each row summing up to 1. */
  readonly weights: Float32Array;
  /** [anchors] */
  readonly masses: Float32Array;
}

/**
 * **Idea.** Half of the slots keep what the newest tokens look at; the others do not drop the rest but mix it, by weights
 * that a convolution over the sequence of its keys and values gives. **Formula.** X = [K; V] of the s slots that do not stay
 * as they are; P = softmax over s of relu(conv1d(X)), a row for each of m mixtures; R the one-hot rows of the m best of them
 * by the attention of the newest block; W = (1 − λ) · R + λ · P; K' = W · K, V' = W · V. With λ = 0 it is eviction. **Cost.**
 * m · s · 2 · headDim · taps products for each head at each compaction: at the paper's sizes, 128 rows and 21 taps, as much
 * as a block of tokens. **Paper.** Cai et al. 2024, LoCoCo, arXiv 2406.05317, section 3.2, and its released code.
 * **Options.** `ratio` (0.5): more mixtures, fewer tokens as they came. `blend`: the learned λ; 0 is eviction.
 * **Departures.** Attention is summed over the query heads that share a key. Keys are mixed before rotation. A mixture sits
 * where its one-hot token sat, so that time keeps its order. Sinks and window always stay. The logarithm of the tokens that
 * a mixture stands for is added to its logit ({@link massesOf}); the paper adds nothing. With fewer mixtures than the
 * weights have rows, the last rows are used.
 */
export function lococo(
  { convolutions, blend }: LococoWeights,
  options: LococoOptions = {},
): Fuse {
  const { ratio = 0.5 } = options;
  const ranking = new Ranking();
  const blendOf = (layer: number) => options.blend ?? blend[layer];
  const choose = (view: UnitView, kept: Int32Array): Choice | null => {
    const { layer, live, free } = view;
    const { rows } = convolutions[layer];
    const count = Math.min(Math.floor(free * ratio), rows);
    if (kept.length === live || blendOf(layer) === 0 || count <= 0) return null;
    const anchors = findAnchors(view, kept, count, ranking);
    return { kept, anchors, rest: restOf(live, kept, anchors) };
  };
  return {
    needs: { queries: "block", convolutions: true },
    biased: true,
    convolution(view, kept) {
      const choice = choose(view, kept);
      const { unit, layer } = view;
      const convolution = convolutions[layer];
      return choice && { unit, slots: choice.rest, convolution };
    },
    write(view, kept, plan) {
      const choice = choose(view, kept);
      if (!choice) {
        for (const slot of kept) plan.keep(view.unit, slot);
        return;
      }
      const mixtures = mix(view, choice, blendOf(view.layer));
      writeMixtures(view, choice, mixtures, plan);
    },
  };
}

/** The `count` slots among `kept` that get the least attention and are not protected, in order. */
function findAnchors(
  { attention, live, start, end, free }: UnitView,
  kept: Int32Array,
  count: number,
  ranking: Ranking,
): number[] {
  const scores = new Float32Array(live).fill(-Infinity);
  for (const slot of kept) scores[slot] = attention[slot];
  const stay = new Set(ranking.best(scores, start, end, free - count));
  return [...kept].filter((slot) =>
    slot >= start && slot < end && !stay.has(slot)
  );
}

function restOf(
  live: number,
  kept: Int32Array,
  anchors: readonly number[],
): Int32Array {
  const stays = new Uint8Array(live);
  for (const slot of kept) stays[slot] = 1;
  for (const slot of anchors) stays[slot] = 0;
  const all = Int32Array.from(stays, (_, slot) => slot);
  return all.filter((slot) => !stays[slot]);
}

function mix(
  view: UnitView,
  { anchors, rest }: Choice,
  blend: number,
): Mixtures {
  const count = anchors.length, width = rest.length;
  const weights = view.convolved.slice(-count * width);
  const placeOf = new Map(Array.from(rest, (slot, place) => [slot, place]));
  anchors.forEach((anchor, i) => {
    const row = weights.subarray(i * width, (i + 1) * width);
    softmax(row, blend);
    row[placeOf.get(anchor)!] += 1 - blend;
  });
  const tokens = Float32Array.from(rest, (slot) => view.mass[slot]);
  return { weights, masses: massesOf(weights, tokens) };
}

/** In place; the sum is `total`. */
function softmax(values: Float32Array, total: number): void {
  const largest = values.reduce((a, b) => Math.max(a, b), -Infinity);
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i] = Math.exp(values[i] - largest);
  }
  for (let i = 0; i < values.length; i++) values[i] *= total / sum;
}

/**
 * How many tokens stand behind each mixture. Rows of weights sum up to 1, columns do not: a slot of which less than half
 * goes into mixtures counts as evicted, any other shares out its tokens in proportion. No mixture stands for less than one
 * token, and all of them together for no more than went in.
 *
 * @param weights [rows, slots]
 * @param masses [slots] tokens behind each slot, at least 1; there are at least as many slots as rows.
 */
export function massesOf(
  weights: Float32Array,
  masses: Float32Array,
): Float32Array {
  const width = masses.length, rows = weights.length / width;
  const sums = new Float32Array(width);
  for (let i = 0; i < weights.length; i++) sums[i % width] += weights[i];
  const out = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < width; j++) {
      if (sums[j] < 0.5) continue;
      out[row] += masses[j] * weights[row * width + j] / sums[j];
    }
    out[row] = Math.max(out[row], 1);
  }
  const most = masses.reduce((a, b) => a + b, 0);
  const total = out.reduce((a, b) => a + b, 0);
  if (total <= most) return out;
  return out.map((mass) => 1 + (mass - 1) * (most - rows) / (total - rows));
}

function writeMixtures(
  { unit }: UnitView,
  { kept, anchors, rest }: Choice,
  { weights, masses }: Mixtures,
  plan: Plan,
): void {
  let row = 0;
  for (const slot of kept) {
    if (slot !== anchors[row]) plan.keep(unit, slot);
    else {
      const own = weights.subarray(row * rest.length, (row + 1) * rest.length);
      plan.fuse(unit, slot, rest, own, masses[row++]);
    }
  }
}
