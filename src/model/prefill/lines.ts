/**
 * Which lines of a chunk's attention are computed (LoopServe, arXiv 2507.13681, online prefill sparsification): from the
 * attention of a sample of the newest queries, greedily the lines with the most of it for each cell, until they cover a
 * share of it.
 *
 * The lines here are columns, each the slot that it stands for, which all cost the same. Diagonals are taken as a band of
 * the newest slots, which the caller always computes: further away, eviction has cut what stood on one diagonal.
 *
 * @module
 */

/** Share of the attention that lines cover unless somebody asks for another: α, 0.955 in the paper. */
export const COVERAGE = 0.99;

/**
 * How many times what lines may leave out of their own sample's attention they may leave out of other queries'. Where the
 * two halves of a sample choose lines for one another and miss more, all is computed: heads that copy text look with each
 * query at a place of its own, of which no sample tells, and the model needs just that.
 */
export const UNFORESEEN = 3;

/** Numbers of up to 12.5 % apart fall together: sign, exponent and three bits of the mantissa. */
const SHIFT = 20;
const BUCKETS = 2048;

/** Chooses columns, in buffers of its own. */
export class ColumnChooser {
  readonly #sums = new Float64Array(BUCKETS);

  /**
   * Takes the columns `from` … `until` - 1 with the most attention, down to a sum of `wanted`, in one pass instead of by
   * sorting: by buckets, so that a column left out has at most 12.5 % more than the least that is taken.
   *
   * @param attention [slots] f32, none of them negative.
   * @param chosen Receives the columns, ascending, from index `count` on.
   * @returns The number of columns in `chosen`, and the attention of those that were taken.
   */
  choose(
    attention: Float32Array<ArrayBuffer>,
    from: number,
    until: number,
    wanted: number,
    chosen: Int32Array,
    count: number,
  ): { readonly count: number; readonly covered: number } {
    if (wanted <= 0) return { count, covered: 0 };
    const { buffer, byteOffset, length } = attention;
    const bits = new Uint32Array(buffer, byteOffset, length);
    const { bucket, above } = this.#last(attention, bits, from, until, wanted);
    let covered = above;
    for (let i = from; i < until; i++) {
      const own = bits[i] >>> SHIFT;
      if (own < bucket || (own === bucket && covered >= wanted)) continue;
      if (own === bucket) covered += attention[i];
      chosen[count++] = i;
    }
    return { count, covered };
  }

  /** The bucket in which the sum is reached, and the attention of all above it. */
  #last(
    attention: Float32Array,
    bits: Uint32Array,
    from: number,
    until: number,
    wanted: number,
  ): { bucket: number; above: number } {
    const sums = this.#sums.fill(0);
    for (let i = from; i < until; i++) sums[bits[i] >>> SHIFT] += attention[i];
    let above = 0;
    let bucket = BUCKETS - 1;
    for (; bucket > 0 && above + sums[bucket] < wanted; bucket--) {
      above += sums[bucket];
    }
    return { bucket, above };
  }
}
