/**
 * @module
 */
import { HORIZON } from "../horizon.ts";
import { logAttention } from "../log_attention.ts";
import type { Fuse } from "../method.ts";
import type { Plan } from "../plan.ts";
import { largestNear } from "../pool.ts";
import type { Likest, UnitView } from "../unit_view.ts";

/** What is learned. */
export interface AbsorbWeights {
  /** [units, {@link GATE_FEATURES}]: w of the formula of {@link absorb}. */
  readonly gate: Float32Array;
  /** Width of "nearby", odd. */
  readonly pool: number;
}

/** Numbers that a gate looks at: a constant, three logarithms of attention, cosine, and log age. */
export const GATE_FEATURES = 6;

/** Slots on either side that one can join. */
const REACH = 10;
/** Where cosine and log age lie in the middle, so that the constant means something. */
const COSINE = 0.7, AGE = 5;
/** The most that the logarithm of a gate can be. */
const MOST = 1;
/** Gates below it are closed. */
const CLOSED = 1 / 64;

/**
 * **Idea.** No slot is set aside for mixtures: every slot that stays comes to stand, by learned weights, for what left near
 * it. **Formula.** Slot i, which leaves, can join m: of the {@link REACH} slots that stay on either side, sinks apart, the one
 * whose key is most alike where both are seen (rotated). With a the mean attention that the block's queries paid (its
 * logarithm as {@link logAttention} has it), ln g_i = min(1, w · (1, ln a_i, ln a_m, ln of the largest a around i, cos − 0.7,
 * ln age − 5)): by g_i = a_i / a_m, m would weigh as both did. By g_i < 1/64 slot i is dropped; otherwise, with s the masses,
 * it adds d_i = min(s_m·g_i, s_i), so that no token ever counts for more than one; s' = s_m + Σ d_i; V' = (s_m·V_m + Σ
 * d_i·V_i) / s'; ln s' is added to m's logit. **Cost.** 2·{@link REACH} cosines for each slot that leaves. **Papers.** Cai et
 * al. 2024, LoCoCo, arXiv 2406.05317 (fusing by learned weights, over neighbours); Wan et al. 2024, D2O, arXiv 2406.13035
 * (joining what stays). **Departures.** Keys are not mixed: keys that are alike where they are seen are not, turned back, and
 * a mixture is like neither; with mixed keys it was worse than eviction. `training/` makes the weights. With all gates closed
 * it is eviction. What would join a slot that is older than {@link HORIZON} tokens is dropped: masses that grow on and on make
 * old slots too loud, and after some 4,000 tokens a dialogue was foreseen worse than with eviction.
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
  /** [leaving, 3]: see {@link Observation.likest}. */
  #seekers = new Int32Array(0);
  /** [live]: for a slot that stays, the last that joins it; for one that joins, the one that did before it; or -1. */
  #last = new Int32Array(0);
  /** [live]: the mass that a slot which joins adds. */
  #gain = new Float32Array(0);
  /** [members] of the row that is being written, and what each weighs in it. */
  #members = new Int32Array(0);
  #shares = new Float32Array(0);

  constructor(weights: AbsorbWeights) {
    this.#weights = weights;
  }

  write(view: UnitView, kept: Int32Array, plan: Plan): void {
    this.#begin(view.live);
    const seekers = this.#seek(view, kept);
    // Before attention is looked at, which holds until anything else is observed.
    const found = view.likest(kept, seekers);
    this.#admit(view, seekers, found);
    for (const slot of kept) {
      if (this.#last[slot] < 0) plan.keep(view.unit, slot);
      else this.#join(view, slot, plan);
    }
  }

  #begin(live: number): void {
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
    // Index in `kept`, which the sinks begin, of the first slot that stays behind the one looked at.
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

  /** Lets every seeker whose gate is open join the slot that was found for it. */
  #admit(
    { unit, attention, rows, token, seen, mass }: UnitView,
    seekers: Int32Array,
    { targets, cosines }: Likest,
  ): void {
    const { gate: w, pool } = this.#weights;
    const at = unit * GATE_FEATURES;
    for (let i = 0; i < targets.length; i++) {
      const slot = seekers[i * 3], target = targets[i];
      // Where none but sinks stay there is nothing to join.
      if (target < 0 || seen - token[target] > HORIZON) continue;
      const nearby = largestNear(attention, slot, pool);
      const age = Math.max(1, seen - token[slot]);
      const sum = w[at] + w[at + 1] * logAttention(attention[slot], rows) +
        w[at + 2] * logAttention(attention[target], rows) +
        w[at + 3] * logAttention(nearby, rows) +
        w[at + 4] * (cosines[i] - COSINE) + w[at + 5] * (Math.log(age) - AGE);
      const gate = Math.exp(Math.min(sum, MOST));
      if (gate < CLOSED) continue;
      this.#gain[slot] = Math.min(gate * mass[target], mass[slot]);
      this.#last[slot] = this.#last[target];
      this.#last[target] = slot;
    }
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
