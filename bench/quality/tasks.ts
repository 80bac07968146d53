/**
 * The tasks: the one list.
 *
 * @module
 */
import { cost } from "./cost.ts";
import { drift } from "./drift.ts";
import { pairs } from "./pairs.ts";
import { perplexity } from "./perplexity.ts";
import { recallA, recallB } from "./recall.ts";
import { stream } from "./stream.ts";
import type { Task } from "./task.ts";
import { turns } from "./turns.ts";

/** In the order of the table. */
export const TASKS: readonly Task[] = [
  perplexity,
  recallA,
  recallB,
  pairs,
  turns,
  drift,
  stream,
  cost,
];
