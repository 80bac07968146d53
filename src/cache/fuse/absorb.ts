/**
 * @module
 */
import { logAttention } from "../log_attention.ts";
import type { Fuse } from "../method.ts";
import type { Plan } from "../plan.ts";
import { largestNear } from "../pool.ts";
import type { UnitView } from "../unit_view.ts";

/** What is learned. */
export interface AbsorbWeights {
  /** [units, {@link GATE_FEATURES}] */
  readonly gate: Float32Array;
  /** Width of "nearby", odd. */
  readonly pool: number;
}

/** Numbers that a gate looks at. */
export const GATE_FEATURES = 6;

/** Slots on either side that one can join. */
const REACH = 10;
/** What cosine and log age are compared with. */
const COSINE = 0.7, AGE = 5;
/** Bounds of the logarithm of a gate. */
const LEAST = -12, MOST = 1;
/** Gates below it are closed. */
const CLOSED = 1 / 64;

/**
 * **Idea.** No slot is set aside for mixtures: every slot that stays comes to stand, by learned weights, for what left near
 * it. **Formula.** Slot i, which leaves, joins m: of the {@link REACH} slots that stay on either side, sinks apart, the one
 * whose key is most alike where both are seen (rotated). With a the mean attention that the block's queries paid, ln g = w ·
 * (1, ln a_i, ln a_m, ln of the largest a around i, cos − 0.7, ln age − 5): by g = a_i / a_m, m would weigh as both did. w_i =
 * min(s_m·g_i, s_i), with s the masses, so that no token ever counts for more than one; s' = s_m + Σ w_i; V' = (s_m·V_m + Σ
 * w_i·V_i) / s'; ln s' is added to m's logit. **Cost.** 2·{@link REACH} cosines for each slot that leaves. **Papers.** Cai et
 * al. 2024, LoCoCo, arXiv 2406.05317 (fusing by learned weights, over neighbours); Wan et al. 2024, D2O, arXiv 2406.13035
 * (joining what stays). **Departures.** Keys are not mixed: keys that are alike where they are seen are not, turned back, and
 * a mixture is like neither; with mixed keys it was worse than eviction. `training/` makes the weights. With all gates closed
 * it is eviction.
 */
export function absorb(weights: AbsorbWeights): Fuse {
  const joining = new Joining(weights);
  return {
    needs: { queries: "block", likest: true },
    biased: true,
    write(view, kept, plan) {
      if (kept.length === view.live) plan.keep(view.unit, 0, view.live);
      else joining.write(view, kept, plan);
    },
  };
}

/** What joins what in one unit; its arrays serve all units, one after the other. */
class Joining {
  readonly #weights: AbsorbWeights;
  /** [live, 3]: see {@link Observation.likest}. */
  #seekers = new Int32Array(0);
  /** [live]: for a slot that stays, the last that joins it; for one that joins, the one before it; or -1. */
  #last = new Int32Array(0);
  /** [live]: the mass that a slot brings along. */
  #gain = new Float32Array(0);
  /** Of one row. */
  #members = new Int32Array(0);
  #shares = new Float32Array(0);

  constructor(weights: AbsorbWeights) {
    this.#weights = weights;
  }

  write(view: UnitView, kept: Int32Array, plan: Plan): void {
    this.#begin(view);
    const seekers = this.#seek(view, kept);
    const { targets, cosines } = view.likest(kept, seekers);
    const { attention, token, mass } = view;
    for (let i = 0; i < targets.length; i++) {
      if (targets[i] < 0) continue;
      const slot = seekers[i * 3];
      const age = Math.max(1, view.seen - token[slot]);
      const gate = this.#open(
        view,
        attention,
        slot,
        targets[i],
        cosines[i],
        age,
      );
      if (gate < CLOSED) continue;
      this.#gain[slot] = Math.min(gate * mass[targets[i]], mass[slot]);
      this.#last[slot] = this.#last[targets[i]];
      this.#last[targets[i]] = slot;
    }
    for (const slot of kept) {
      if (this.#last[slot] < 0) plan.keep(view.unit, slot);
      else this.#join(view, slot, plan);
    }
  }

  #begin({ live }: UnitView): void {
    if (this.#last.length < live) {
      const room = live * 2;
      this.#seekers = new Int32Array(room * 3);
      this.#last = new Int32Array(room);
      this.#gain = new Float32Array(room);
      this.#members = new Int32Array(room);
      this.#shares = new Float32Array(room);
    }
    this.#last.fill(-1, 0, live);
  }

  /** All slots that leave, and which of those that stay each can join. */
  #seek({ live, start: sinks }: UnitView, kept: Int32Array): Int32Array {
    const seekers = this.#seekers;
    let count = 0;
    // Index in `kept` of the first slot that stays behind the one looked at.
    let next = 0;
    for (let slot = 0; slot < live; slot++) {
      if (kept[next] === slot) next++;
      else {
        seekers[count++] = slot;
        seekers[count++] = Math.max(sinks, next - REACH);
        seekers[count++] = Math.min(kept.length, next + REACH);
      }
    }
    return seekers.subarray(0, count);
  }

  /** How much of a slot another takes in. */
  #open(
    { unit, rows }: UnitView,
    attention: Float32Array,
    slot: number,
    target: number,
    cosine: number,
    age: number,
  ): number {
    const at = unit * GATE_FEATURES;
    const { gate: w, pool } = this.#weights;
    const nearby = largestNear(attention, slot, pool);
    const sum = w[at] + w[at + 1] * logAttention(attention[slot], rows) +
      w[at + 2] * logAttention(attention[target], rows) +
      w[at + 3] * logAttention(nearby, rows) +
      w[at + 4] * (cosine - COSINE) + w[at + 5] * (Math.log(age) - AGE);
    return Math.exp(Math.min(Math.max(sum, LEAST), MOST));
  }

  /** Writes a slot that stays with those that join it. */
  #join({ unit, mass }: UnitView, slot: number, plan: Plan): void {
    const members = this.#members, shares = this.#shares;
    let count = 1, total = mass[slot];
    members[0] = slot;
    shares[0] = total;
    for (let at = this.#last[slot]; at >= 0; at = this.#last[at]) {
      members[count] = at;
      total += shares[count++] = this.#gain[at];
    }
    for (let i = 0; i < count; i++) shares[i] /= total;
    plan.join(
      unit,
      slot,
      members.subarray(0, count),
      shares.subarray(0, count),
      total,
    );
  }
}
