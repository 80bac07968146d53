/**
 * How far distributions of the next token are from those under the full cache.
 *
 * @module
 */

/** Likeliest tokens of a position that are told apart; all others share one bucket. */
const TOP = 64;

/** Distributions at some positions of a text, each cut to its likeliest tokens. */
export class Distributions {
  /** [position, TOP] */
  readonly #ids: Uint32Array[] = [];
  /** [position, TOP + 1]: log-probabilities, the last of all other tokens together. */
  readonly #logprobs: Float64Array[] = [];

  /** Adds the distribution of a position, in ascending order of positions. */
  add(logits: Float32Array): void {
    const ids = likeliest(logits, Math.min(TOP, logits.length));
    this.#ids.push(ids);
    this.#logprobs.push(logprobs(logits, ids));
  }

  /**
   * KL(what was added `index`-th ‖ `logits`) in nats. It is a lower bound of the divergence over the whole vocabulary:
   * what happens within the bucket is not seen.
   */
  divergence(index: number, logits: Float32Array): number {
    const ours = logprobs(logits, this.#ids[index]);
    let nats = 0;
    this.#logprobs[index].forEach((logprob, i) => {
      nats += Math.exp(logprob) * (logprob - ours[i]);
    });
    return nats;
  }
}

/** The ids of the `count` largest logits, in no order. */
function likeliest(logits: Float32Array, count: number): Uint32Array {
  const bar = logits.toSorted()[logits.length - count];
  const ids = new Uint32Array(count);
  let found = 0;
  // First what is above the bar: of those at it, there may be too many.
  for (const isWanted of [(x: number) => x > bar, (x: number) => x === bar]) {
    for (let id = 0; id < logits.length && found < count; id++) {
      if (isWanted(logits[id])) ids[found++] = id;
    }
  }
  return ids;
}

/** [ids + 1] log-probabilities of `ids`, and of all others together. */
function logprobs(logits: Float32Array, ids: Uint32Array): Float64Array {
  let most = -Infinity;
  for (const logit of logits) if (logit > most) most = logit;
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - most);
  const out = new Float64Array(ids.length + 1);
  let inTop = 0;
  ids.forEach((id, i) => {
    const share = Math.exp(logits[id] - most) / total;
    out[i] = logits[id] - most - Math.log(total);
    inTop += share;
  });
  // What rounding leaves of an empty bucket is lifted to the least share that a double can tell from none.
  out[ids.length] = Math.log(Math.max(1 - inTop, Number.EPSILON));
  return out;
}
