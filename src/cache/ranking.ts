/**
 * The best of many, without sorting them.
 *
 * @module
 */

/** Finds best slots in buffers of its own, which grow to the most it was ever asked about. */
export class Ranking {
  #slots = new Int32Array(0);

  /**
   * The `count` slots of `start` … `end` − 1 with the highest scores, in no order; of equal scores the newer ones. Valid
   * until the next call.
   */
  best(
    scores: Float32Array,
    start: number,
    end: number,
    count: number,
  ): Int32Array {
    const length = Math.max(end - start, 0);
    if (this.#slots.length < length) this.#slots = new Int32Array(length * 2);
    const slots = this.#slots.subarray(0, length);
    for (let i = 0; i < length; i++) slots[i] = start + i;
    partition(slots, count, scores);
    return slots.subarray(0, count);
  }
}

/** Reorders `slots` so that the first `count` are the best (Hoare's quickselect). */
function partition(
  slots: Int32Array,
  count: number,
  scores: Float32Array,
): void {
  let low = 0, high = slots.length - 1;
  while (low < high) {
    const pivot = slots[(low + high) >> 1];
    let i = low, j = high;
    while (i <= j) {
      while (isBetter(slots[i], pivot, scores)) i++;
      while (isBetter(pivot, slots[j], scores)) j--;
      if (i > j) break;
      const swapped = slots[i];
      slots[i++] = slots[j];
      slots[j--] = swapped;
    }
    if (count <= j) high = j;
    else if (count >= i) low = i;
    else return;
  }
}

function isBetter(a: number, b: number, scores: Float32Array): boolean {
  return scores[a] > scores[b] || (scores[a] === scores[b] && a > b);
}
