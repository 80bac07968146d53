/**
 * @module
 */
import { dot, normalised } from "../cosine.ts";
import type { Fuse } from "../method.ts";
import type { Plan } from "../plan.ts";
import type { UnitView } from "../unit_view.ts";

/** Choices of {@link merge}. */
export interface MergeOptions {
  /** Least cosine of two keys that may be merged; what is less alike is dropped. */
  readonly least?: number;
  /** First slots that nothing is merged into: sinks attract everything and mean nothing. */
  readonly sinks?: number;
}

/**
 * **Idea.** Evict, then merge: a slot that must go joins the kept slot whose key is most like its own, and that slot then
 * counts for both. **Formula.** k' = Σ m·k / Σ m, v' alike, over the kept slot and those that joined it, m their masses;
 * m' = Σ m, and log m' is added to the attention logit. **Cost.** A cosine for each pair of evicted and kept slots.
 * **Papers.** Wan et al. 2024, D2O, arXiv 2406.13035, section 3.3; Li et al. 2024, EMS, arXiv 2412.08521. **Options.**
 * `least` (-1: everything is merged). **Departures.** Keys are compared and mixed before rotation.
 */
export function merge(options: MergeOptions = {}): Fuse {
  const { least = -1, sinks = 4 } = options;
  return {
    needs: { keys: true },
    biased: true,
    write(view, kept, plan) {
      if (kept.length === view.live) {
        for (const slot of kept) plan.keep(view.unit, slot);
      } else {
        writeMerged(view, kept, plan, joined(view, kept, sinks, least));
      }
    },
  };
}

/** For each kept slot, by its index in `kept`, the evicted slots that join it. */
function joined(
  { keys, live, headDim }: UnitView,
  kept: Int32Array,
  sinks: number,
  least: number,
): number[][] {
  const unit = normalised(keys, headDim);
  const groups: number[][] = Array.from(kept, () => []);
  let at = 0;
  for (let slot = 0; slot < live; slot++) {
    if (kept[at] === slot) {
      at++;
      continue;
    }
    let best = -1, similarity = least;
    for (let i = sinks; i < kept.length; i++) {
      const at = kept[i] * headDim;
      const cosine = dot(unit, slot * headDim, unit, at, headDim);
      if (cosine > similarity) [best, similarity] = [i, cosine];
    }
    if (best >= 0) groups[best].push(slot);
  }
  return groups;
}

function writeMerged(
  { unit, mass }: UnitView,
  kept: Int32Array,
  plan: Plan,
  groups: readonly number[][],
): void {
  kept.forEach((slot, i) => {
    if (groups[i].length === 0) return plan.keep(unit, slot);
    const members = [slot, ...groups[i]];
    const total = members.reduce((sum, member) => sum + mass[member], 0);
    const weights = members.map((member) => mass[member] / total);
    plan.fuse(unit, slot, members, weights, total);
  });
}
