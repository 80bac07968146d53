/**
 * @module
 */
import type { Budget } from "../method.ts";

/** What every unit loses with few slots. */
export interface ErrorCurves {
  /** Slots at which errors were measured, ascending. */
  readonly sizes: readonly number[];
  /** [unit][sizes] errors above 0, none larger than the one before it. */
  readonly errors: readonly (readonly number[])[];
}

/** Slots that are given at once, and how many such steps a unit looks ahead: errors fall neither evenly nor convexly. */
const STEP = 16;
const AHEAD = [1, 2, 4, 8, 16] as const;

/** Slots beyond the protected ones that every unit has. */
const SPARE = 12;

/** Most slots of a unit, as a multiple of the mean. */
const MOST = 3;

/**
 * **Idea.** As {@link profile}, by the loss-weighted error of each head's attention output instead of a divergence at the
 * end, which can be measured for all heads and sizes in one go. **Formula.** Every unit begins with `least` + 12 slots;
 * then, 16 at a time, to the unit whose error falls most per step over the next 1, 2, 4, 8 or 16 steps, up to 3 times the
 * mean and the largest size that was measured; errors are linear between logarithms. What is left in the end goes to the
 * best. **Cost.** None. **Source.** Our own; `training/` measures the curves.
 */
export function curveBudget({ sizes, errors }: ErrorCurves): Budget {
  return {
    divide({ layers, kvHeads }, mean, least) {
      const units = layers * kvHeads;
      if (mean < least) {
        throw new RangeError(
          `Cannot share out ${mean} slots: every head needs ${least}`,
        );
      }
      if (errors.length !== units) {
        throw new RangeError(
          `Cannot share out slots by ${errors.length} curves: the model has ${units} heads`,
        );
      }
      const measured = sizes[sizes.length - 1];
      const most = Math.max(mean, Math.min(Math.floor(MOST * mean), measured));
      const curves = errors.map((row) => new Curve(sizes, row, most));
      const slots = new Int32Array(units).fill(Math.min(mean, least + SPARE));
      giveOut(slots, curves, mean * units, most);
      return slots;
    },
  };
}

/** Raises `slots` [unit] to a sum of `total`, none above `most`, which is at least their mean. */
function giveOut(
  slots: Int32Array,
  curves: readonly Curve[],
  total: number,
  most: number,
): void {
  const gains = curves.map((curve, unit) => curve.gain(slots[unit]));
  let left = total - slots.reduce((a, b) => a + b, 0);
  while (left > 0) {
    let best = -1;
    for (let unit = 0; unit < slots.length; unit++) {
      if (slots[unit] === most) continue;
      if (best < 0 || gains[unit].gain > gains[best].gain) best = unit;
    }
    const whole = left < STEP ? left : left - left % STEP;
    const wanted = gains[best].steps * STEP;
    const given = Math.min(wanted, whole, most - slots[best]);
    slots[best] += given;
    left -= given;
    gains[best] = curves[best].gain(slots[best]);
  }
}

/** Error by slots, of a unit that may have `most`. */
class Curve {
  readonly #sizes: readonly number[];
  readonly #errors: readonly number[];
  readonly #most: number;

  constructor(
    sizes: readonly number[],
    errors: readonly number[],
    most: number,
  ) {
    this.#sizes = sizes.map(Math.log);
    this.#errors = errors.map(Math.log);
    this.#most = most;
  }

  /** What a step saves from `slots` on, and over how many steps that holds; -Infinity where there is no room for one. */
  gain(slots: number): { gain: number; steps: number } {
    const now = this.#error(slots);
    let best = { gain: -Infinity, steps: 1 };
    for (const steps of AHEAD) {
      const to = slots + steps * STEP;
      if (to > this.#most) break;
      const gain = (now - this.#error(to)) / steps;
      if (gain > best.gain) best = { gain, steps };
    }
    return best;
  }

  #error(slots: number): number {
    const x = Math.log(slots), xs = this.#sizes, ys = this.#errors;
    const above = xs.findIndex((size) => size > x);
    if (above === 0) return Math.exp(ys[0]);
    if (above < 0) return Math.exp(ys[ys.length - 1]);
    const slope = (ys[above] - ys[above - 1]) / (xs[above] - xs[above - 1]);
    return Math.exp(ys[above - 1] + slope * (x - xs[above - 1]));
  }
}
