/**
 * The cache methods by name: the one list from which flags, request schema, tests, bench and documents are derived.
 *
 * @module
 */
import type { Method } from "./method.ts";
import { cacheIndex, original } from "./positions.ts";
import { windowScore } from "./score/window.ts";

/** Every method that a dialogue can choose. */
export const METHODS = {
  full: {
    summary:
      "Keeps every token; a dialogue ends when its slots are full. Exact.",
    paper: null,
    score: null,
    positions: original,
  },
  streaming_llm: {
    summary:
      "Keeps the first few tokens and the newest; a dialogue never ends.",
    paper: "arXiv 2309.17453",
    score: windowScore,
    positions: cacheIndex,
  },
} satisfies Record<string, Method>;

/** The name of a cache method. */
export type MethodName = keyof typeof METHODS;

/** All names, in the order of the registry. */
export const METHOD_NAMES = Object.keys(METHODS) as MethodName[];
