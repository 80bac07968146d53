/**
 * How far distributions of the next token are from reference ones.
 *
 * @module
 */
import type { TopLogprobs } from "./oracle.ts";

/** One position. */
export interface Divergence {
  /** At most KL(reference ‖ ours), in nats; see {@link divergence}. */
  readonly kl: number;
  /** Whether both have the same likeliest token. */
  readonly sameBest: boolean;
  /** How far the reference's two best logits lie apart: where it is small, the best token is a matter of rounding. */
  readonly gap: number;
}

/**
 * Compares `logits` [vocab] with one position of the reference.
 *
 * All tokens outside the reference's top share one bucket, so `kl` is a lower bound of the divergence over the whole
 * vocabulary: what the tail's tokens do among themselves is not seen. With 64 tokens the bucket is light.
 */
export function divergence(
  reference: TopLogprobs,
  position: number,
  logits: Float32Array,
): Divergence {
  const { top } = reference;
  const ids = reference.ids.subarray(position * top, (position + 1) * top);
  const logprobs = reference.logprobs.subarray(
    position * top,
    (position + 1) * top,
  );
  const best = argmax(logits);
  const max = logits[best];
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - max);
  const logTotal = max + Math.log(total);

  let kl = 0;
  let inTop = 0;
  ids.forEach((id, rank) => {
    inTop += Math.exp(logits[id] - max);
    kl += term(logprobs[rank], logits[id] - logTotal);
  });
  // What rounding leaves of an empty tail is lifted to the smallest share that a double can tell from none.
  const rest = Math.max(1 - inTop / total, Number.EPSILON);
  kl += term(reference.rest[position], Math.log(rest));
  return { kl, sameBest: best === ids[0], gap: logprobs[0] - logprobs[1] };
}

/** Gathers {@link Divergence} over positions. */
export class Agreement {
  #kl = 0;
  #same = 0;
  #worstKl = 0;
  #worstGap = 0;
  #positions = 0;

  /** @param logits [vocab] of ours at one position of the reference. */
  add(reference: TopLogprobs, position: number, logits: Float32Array): void {
    const { kl, sameBest, gap } = divergence(reference, position, logits);
    this.#positions++;
    this.#kl += kl;
    this.#worstKl = Math.max(this.#worstKl, kl);
    if (sameBest) this.#same++;
    else this.#worstGap = Math.max(this.#worstGap, gap);
  }

  get positions(): number {
    return this.#positions;
  }

  /** Mean divergence in nats; NaN before the first position. */
  get meanKl(): number {
    return this.#kl / this.#positions;
  }

  get worstKl(): number {
    return this.#worstKl;
  }

  /** Share of positions with the same likeliest token; NaN before the first position. */
  get sameBest(): number {
    return this.#same / this.#positions;
  }

  /** The reference's widest gap among the positions with another likeliest token. */
  get worstGap(): number {
    return this.#worstGap;
  }
}

/** Cuts full `logits` [position, vocab] to the likeliest `top` tokens of each position. */
export function topLogprobs(
  logits: Float32Array,
  vocab: number,
  top: number,
): TopLogprobs {
  const positions = logits.length / vocab;
  const ids = new Uint16Array(positions * top);
  const logprobs = new Float32Array(positions * top);
  const rest = new Float32Array(positions);
  for (let p = 0; p < positions; p++) {
    const row = logits.subarray(p * vocab, (p + 1) * vocab);
    const order = [...row.keys()].sort((a, b) => row[b] - row[a]);
    const max = row[order[0]];
    const mass = order.map((id) => Math.exp(row[id] - max));
    const logTotal = Math.log(sum(mass));
    order.slice(0, top).forEach((id, rank) => {
      ids[p * top + rank] = id;
      logprobs[p * top + rank] = row[id] - max - logTotal;
    });
    rest[p] = Math.log(sum(mass.slice(top))) - logTotal;
  }
  return { positions, top, ids, logprobs, rest };
}

/** p · log(p / q) from the logarithms; nothing where p is 0. */
function term(logP: number, logQ: number): number {
  return logP === -Infinity ? 0 : Math.exp(logP) * (logP - logQ);
}

function argmax(values: Float32Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
