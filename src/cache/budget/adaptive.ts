/**
 * @module
 */
import type { Budget } from "../method.ts";
import { uniform } from "./uniform.ts";

/** Choices of {@link adaptive}. */
export interface AdaptiveOptions {
  /** Share of its even part that a head keeps in any case. */
  readonly floor?: number;
}

/**
 * **Idea.** The heads of a layer compete: its slots go to the highest scores, whichever head they belong to. **Formula.**
 * Every head keeps its best floor · slots; the layer's remaining slots go to the best of all others. **Cost.** One choice
 * over a layer's slots instead of one a head; slots move from head to head. **Paper.** Feng et al. 2024, Ada-KV, arXiv
 * 2407.11550, algorithm 1. **Options.** `floor` (0.5). **Departures.** Chosen anew at every compaction.
 */
export function adaptive({ floor = 0.5 }: AdaptiveOptions = {}): Budget {
  return { divide: uniform().divide, floor };
}
