/**
 * What was learned, once, for one model: read from a file when the model is loaded, and used by the methods that want it.
 *
 * @module
 */
import type { ErrorCurves } from "./budget/curves.ts";
import type { Corrections } from "./corrections.ts";
import type { AbsorbWeights } from "./fuse/absorb.ts";
import type { LococoWeights } from "./fuse/lococo.ts";
import type { ForesightWeights } from "./score/foresight.ts";

/** Learned parts of one model, each of which may be missing. */
export interface LearnedParts {
  /** Name of the file that they come from. */
  readonly name: string;
  /** Tells these parts from all others. */
  readonly sha256: string;
  readonly score: ForesightWeights | null;
  readonly budgets: ErrorCurves | null;
  readonly corrections: Corrections | null;
  readonly absorb: AbsorbWeights | null;
  readonly lococo: LococoWeights | null;
  /** What a distance may exceed a rank by (`cappedTrue`), as in training. */
  readonly far: number;
}
