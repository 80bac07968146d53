/**
 * The tasks: the one list, by the table in which they are reported.
 *
 * @module
 */
import { cost } from "./cost.ts";
import { drift } from "./drift.ts";
import { long } from "./long.ts";
import { pairs } from "./pairs.ts";
import { perplexity } from "./perplexity.ts";
import { recallA, recallB } from "./recall.ts";
import { stream } from "./stream.ts";
import type { Task } from "./task.ts";
import { turns } from "./turns.ts";

/** Tasks that are reported side by side. */
export interface Group {
  readonly title: string;
  readonly tasks: readonly Task[];
}

/** All tables, in order. */
export const GROUPS: readonly Group[] = [
  {
    title: "What is foreseen and recalled",
    tasks: [perplexity, recallA, recallB, pairs, turns],
  },
  { title: "Long answers and long texts", tasks: [long, drift, stream] },
  { title: "Time", tasks: [cost] },
];

/** All tasks, in order. */
export const TASKS: readonly Task[] = GROUPS.flatMap(({ tasks }) => tasks);
