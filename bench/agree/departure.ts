/**
 * Where two greedy answers part.
 *
 * @module
 */
import { argmax } from "../../tests/helpers/stream.ts";

/** Where one runtime took another token than the other. */
export interface Departure {
  readonly step: number;
  /** By how much each runtime's logit of its own token is above that of the other's: no less than the gap of its two best. */
  readonly leads: readonly [number, number];
}

/**
 * The first step at which the likeliest tokens differ; null if there is none.
 *
 * @param a [step][vocab] logits of one runtime; those behind the step where both part are not looked at.
 * @param b As `a`, of the other.
 */
export function findDeparture(
  a: readonly Float32Array[],
  b: readonly Float32Array[],
): Departure | null {
  for (let step = 0; step < Math.min(a.length, b.length); step++) {
    const first = argmax(a[step]), second = argmax(b[step]);
    if (first === second) continue;
    const leads = [
      a[step][first] - a[step][second],
      b[step][second] - b[step][first],
    ] as const;
    return { step, leads };
  }
  return null;
}
