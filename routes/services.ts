/**
 * What endpoints work with.
 *
 * @module
 */
import type { EngineSource } from "../src/http/engine_source.ts";
import type { Lifecycle } from "../src/http/lifecycle.ts";
import type { Limits } from "../src/http/limits.ts";

/** Shared by all endpoints of an app. */
export interface Services {
  readonly engine: EngineSource;
  readonly lifecycle: Lifecycle;
  readonly limits: Limits;
  /** Takes failures that are nobody's mistake but ours. */
  report(error: unknown): void;
}
