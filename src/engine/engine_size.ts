/**
 * How many slots and dialogues an engine has.
 *
 * @module
 */
import type { Method } from "../cache/method.ts";
import { METHODS } from "../cache/methods.ts";
import { defaultStore } from "../cache/store/stores.ts";
import { countThreads, type RuntimeChoice } from "../model/create_runtime.ts";
import type { GgufFile } from "../model/gguf.ts";
import { memoryNeeds } from "../model/memory_needs.ts";
import type { EngineOptions } from "./engine.ts";
import { megabytes, planMemory } from "./memory_plan.ts";

/** Slots of a method that evicts, where the user names no number. */
export const DEFAULT_SLOTS = 512;

/** What an engine is made with. */
export interface EngineSize {
  readonly slots: number;
  readonly keep: number;
  readonly runtime: RuntimeChoice;
}

/**
 * What the options ask for, or what fits into the memory that they allow. That is the CPU's: nobody can tell what the driver
 * of a GPU takes, so that none is looked for then.
 *
 * @throws {RangeError} If it does not fit; the message says what would. Or if fewer dialogues are to be kept than run.
 */
export function chooseSize(
  file: GgufFile,
  options: EngineOptions,
): EngineSize {
  const { memory = null, runtime, slots } = options;
  const { parallel = 1, keep = null } = options;
  checkKeep(keep, parallel);
  const method: Method = METHODS[options.method];
  const most = method.score ? DEFAULT_SLOTS : file.config.contextLength;
  if (memory === null) {
    return { slots: slots ?? most, keep: keep ?? parallel, runtime };
  }
  if (runtime === "webgpu") {
    throw new RangeError(
      "Cannot bound the memory of a GPU: --memory goes with --runtime simd",
    );
  }
  const store = options.store ?? defaultStore(file.config.headDim);
  const threads = countThreads(options.threads ?? 1);
  const { block, sinks, window } = options;
  const needs = memoryNeeds(file, { store, threads, block, parallel });
  const least = method.score ? sinks + window : 1;
  const wishes = { slots, least, most, keep, parallel };
  const plan = planMemory(memory * 1e6, needs, wishes);
  options.log?.(
    `Within --memory ${memory}: ${plan.slots} slots in ${store}, ` +
      `dialogues kept: ${plan.keep}, at most ${megabytes(plan.bytes)} MB`,
  );
  return { slots: plan.slots, keep: plan.keep, runtime: "simd" };
}

/**
 * Refuses to keep fewer dialogues than run.
 *
 * @param keep Null where it is open.
 * @throws {RangeError} If so.
 */
export function checkKeep(keep: number | null, parallel: number): void {
  if (keep === null || keep === 0 || keep >= parallel) return;
  throw new RangeError(
    `Cannot keep ${keep} of ${parallel} dialogues that run at once: --keep is 0, or at least --parallel`,
  );
}
