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

/** The slots of one unit on their way into a plan. */
interface Mixing {
  /** Slots that stay as they are and slots that a mixture takes the place of, in order. */
  readonly kept: Int32Array;
  /** Of those, the latter. */
  readonly anchors: readonly number[];
  /** All slots that do not stay as they are, in order. */
  readonly rest: Int32Array;
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
  return {
    needs: { queries: "block", convolutions: true },
    biased: true,
    write(view, kept, plan) {
      const { unit, live, free, layer } = view;
      const convolution = convolutions[layer];
      const share = options.blend ?? blend[layer];
      const count = Math.min(Math.floor(free * ratio), convolution.rows);
      if (kept.length === live || share === 0 || count <= 0) {
        for (const slot of kept) plan.keep(unit, slot);
      } else {
        const anchors = findAnchors(view, kept, count, ranking);
        writeMixtures(view, mix(view, kept, anchors, convolution, share), plan);
      }
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

function mix(
  view: UnitView,
  kept: Int32Array,
  anchors: readonly number[],
  convolution: Convolution,
  blend: number,
): Mixing {
  const stays = new Uint8Array(view.live);
  for (const slot of kept) stays[slot] = 1;
  for (const slot of anchors) stays[slot] = 0;
  const all = Int32Array.from({ length: view.live }, (_, slot) => slot);
  const rest = all.filter((slot) => !stays[slot]);
  const count = anchors.length, width = rest.length;
  const first = (convolution.rows - count) * width;
  const weights = view.convolve(rest, convolution)
    .slice(first, first + count * width);
  const placeOf = new Map(Array.from(rest, (slot, place) => [slot, place]));
  anchors.forEach((anchor, i) => {
    const row = weights.subarray(i * width, (i + 1) * width);
    softmax(row, blend);
    row[placeOf.get(anchor)!] += 1 - blend;
  });
  const tokens = Float32Array.from(rest, (slot) => view.mass[slot]);
  const masses = massesOf(weights, tokens);
  return { kept, anchors, rest, weights, masses };
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
  { kept, anchors, rest, weights, masses }: Mixing,
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
