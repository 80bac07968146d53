/**
 * Slots where they save most.
 *
 * @module
 */

/** Fewest and most slots of a group. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** Slots that are given at once. */
const STEP = 8;

/**
 * Shares out `mean` · losses.length slots: a step at a time, to the group whose loss it lowers most. Between measured
 * sizes, and beyond them, a loss is linear in 1 / slots: what all losses have in common (rounding, at any number of
 * slots) then cancels.
 *
 * @param sizes Two or more, ascending.
 * @param losses [group][size].
 * @returns [group] whole numbers whose sum is `mean` times their number.
 * @throws {RangeError} If the bounds do not allow that, or there are fewer than two sizes.
 */
export function allocate(
  sizes: readonly number[],
  losses: readonly (readonly number[])[],
  mean: number,
  { least, most }: Bounds,
): Int32Array {
  if (mean < least || mean > most) {
    throw new RangeError(
      `Cannot share out ${mean} slots: every head needs ${least}, at most ${most}`,
    );
  }
  if (sizes.length < 2) {
    throw new RangeError(
      `Cannot share out slots by losses at ${sizes.length} sizes: 2 are needed`,
    );
  }
  const curves = losses.map((row) => new Curve(sizes, row));
  const slots = new Int32Array(losses.length).fill(least);
  let left = (mean - least) * losses.length;
  while (left > 0) {
    let best = -1, saved = -1;
    for (const [group, curve] of curves.entries()) {
      if (slots[group] >= most) continue;
      const gain = curve.gain(slots[group]);
      if (gain > saved) [best, saved] = [group, gain];
    }
    const given = Math.min(STEP, left, most - slots[best]);
    slots[best] += given;
    left -= given;
  }
  return slots;
}

/** Loss by slots. */
class Curve {
  readonly #sizes: readonly number[];
  readonly #losses: readonly number[];

  constructor(sizes: readonly number[], losses: readonly number[]) {
    this.#sizes = sizes;
    let lowest = Infinity;
    // More slots never hurt, whatever a measurement says.
    this.#losses = losses.map((loss) => lowest = Math.min(lowest, loss));
  }

  /** What a slot saves from `slots` on: on the way to the size where the loss has fallen most for its price. */
  gain(slots: number): number {
    const now = this.#loss(slots);
    let best = 0;
    for (const to of [slots + STEP, ...this.#sizes]) {
      if (to <= slots) continue;
      best = Math.max(best, (now - this.#loss(to)) / (to - slots));
    }
    return best;
  }

  #loss(slots: number): number {
    const sizes = this.#sizes, losses = this.#losses;
    const last = sizes.length - 1;
    const above = sizes.findIndex((size) => size > slots);
    const to = Math.max(above < 0 ? last : above, 1);
    const slope = (losses[to - 1] - losses[to]) /
      (1 / sizes[to - 1] - 1 / sizes[to]);
    return losses[to] + slope * (1 / slots - 1 / sizes[to]);
  }
}
