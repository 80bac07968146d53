/**
 * What it takes to be a place that models come from.
 *
 * @module
 */
import type { Progress } from "./progress.ts";

/** A place that models come from. */
export interface ModelSource {
  /** As messages call it. */
  readonly name: string;
  /**
   * Gets the model and gives the path of its file, which is complete and checked.
   *
   * @throws The reason of `signal` once it aborts; otherwise whatever went wrong. Nothing half-done is left behind.
   */
  get(request: ModelRequest, signal: AbortSignal): Promise<string>;
}

/** Which model is wanted, and where to. */
export interface ModelRequest {
  /** Path of the file in the cache. Its folder may be missing. */
  readonly target: string;
  /** Bytes; null where unknown. */
  readonly size: number | null;
  /** Hexadecimal; null where unknown. */
  readonly sha256: string | null;
  /** Says something about the way. */
  readonly log: (line: string) => void;
  /** Starts to show how `total` bytes arrive. */
  readonly progress: (total: number) => Progress;
}
