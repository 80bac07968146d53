/**
 * @module
 */
import type { Fuse } from "../method.ts";

/** **Idea.** What does not stay is gone: eviction. */
export function drop(): Fuse {
  return {
    needs: {},
    biased: false,
    write({ unit }, kept, plan) {
      for (let i = 0; i < kept.length; i++) plan.keep(unit, kept[i]);
    },
  };
}
