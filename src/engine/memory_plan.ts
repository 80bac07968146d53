/**
 * What fits into an amount of memory.
 *
 * @module
 */
import type { MemoryNeeds } from "../model/memory_needs.ts";

/** Dialogues that are kept at most where the memory decides. */
export const MOST_KEPT = 8;

/** What is wanted; null for what the memory decides. */
export interface MemoryWishes {
  readonly slots: number | null;
  /** Slots with which a dialogue can begin, and more than which nobody needs. */
  readonly least: number;
  readonly most: number;
  /** Dialogues that run at once. */
  readonly parallel: number;
  /** Dialogues that exist at once; 0 is as those that run. */
  readonly keep: number | null;
}

/** What fits. */
export interface MemoryPlan {
  readonly slots: number;
  readonly keep: number;
  /** Bytes that the process takes at most. */
  readonly bytes: number;
}

/**
 * The most slots that fit, and with them the most dialogues.
 *
 * @param bound Bytes.
 * @throws {RangeError} If what is wanted does not fit; the message says what would.
 */
export function planMemory(
  bound: number,
  needs: MemoryNeeds,
  wishes: MemoryWishes,
): MemoryPlan {
  const { least, most, parallel } = wishes;
  const dialogues = Math.max(wishes.keep ?? 0, parallel);
  const total = (slots: number, dialogues: number) =>
    needs.fixed + dialogues * needs.dialogue(slots);
  const fitting = mostUpTo(
    wishes.slots ?? most,
    (slots) => total(slots, dialogues) <= bound,
  );
  if (fitting < (wishes.slots ?? least)) {
    const wanted = describe(wishes.slots ?? least, dialogues);
    const needed = total(wishes.slots ?? least, dialogues);
    const instead = fitting >= least
      ? describe(fitting, dialogues)
      : total(least, 1) <= bound
      ? describe(least, 1)
      : `no dialogue at all, the least is ${megabytes(total(least, 1))} MB`;
    throw new RangeError(
      `Cannot keep to --memory ${Math.floor(bound / 1e6)}: ${wanted} may take ${
        megabytes(needed)
      } MB; what would fit: ${instead}`,
    );
  }
  const keep = wishes.keep ??
    mostUpTo(
      Math.max(MOST_KEPT, parallel),
      (count) => total(fitting, count) <= bound,
    );
  const bytes = total(fitting, Math.max(keep, parallel));
  return { slots: fitting, keep, bytes };
}

/** The largest whole number from 0 to `most` that `fits`, as do all below it. */
function mostUpTo(most: number, fits: (count: number) => boolean): number {
  let low = 0, high = most;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function describe(slots: number, dialogues: number): string {
  const noun = dialogues === 1 ? "dialogue" : "dialogues";
  return `${dialogues} ${noun} of ${slots} slots`;
}

/** Whole megabytes, rounded up. */
export function megabytes(bytes: number): number {
  return Math.ceil(bytes / 1e6);
}
