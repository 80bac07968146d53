/**
 * @module
 */
import type { Method, Needs, Score } from "./method.ts";

/** What the parts of a method need together. */
export function joinNeeds(method: Method, score: Score | null): Needs {
  const a: Needs = score?.needs ?? {}, b = method.fuse.needs;
  return {
    ...b,
    ...a,
    ...method.corrections && { corrections: true },
    keys: a.keys === true || b.keys === true ? true : a.keys ?? b.keys,
  };
}
