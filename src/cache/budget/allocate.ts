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

/** Losses below this are noise of rounding, in nats. */
const NOISE = 1e-5;

/** Between which powers of its slots a loss falls off; what is steeper or flatter was measured too coarsely. */
const POWERS = { least: 0.25, most: 4 };

/**
 * Shares out `mean` · losses.length slots: a step at a time, to the group whose loss it lowers most. Between the measured
 * sizes a loss is a power of the slots; beyond them, the power of the nearest two.
 *
 * @param sizes Two or more, ascending.
 * @param losses [group][size] positive.
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
  /** Logarithms. */
  readonly #losses: readonly number[];

  constructor(sizes: readonly number[], losses: readonly number[]) {
    this.#sizes = sizes;
    let lowest = Infinity;
    // More slots never hurt, whatever a measurement says.
    this.#losses = losses.map((loss) => {
      lowest = Math.min(lowest, Math.max(loss, NOISE));
      return Math.log(lowest);
    });
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
    const sizes = this.#sizes;
    const last = sizes.length - 1;
    const above = sizes.findIndex((size) => size > slots);
    const to = Math.max(above < 0 ? last : above, 1);
    const from = to - 1;
    const power = (this.#losses[from] - this.#losses[to]) /
      Math.log(sizes[to] / sizes[from]);
    const isOutside = slots < sizes[0] || slots > sizes[last];
    const used = isOutside
      ? Math.min(Math.max(power, POWERS.least), POWERS.most)
      : power;
    const anchor = slots > sizes[last] ? to : from;
    const distance = Math.log(slots / sizes[anchor]);
    return Math.exp(this.#losses[anchor] - used * distance);
  }
}
