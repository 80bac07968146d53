/**
 * What bounds every request.
 *
 * @module
 */

/** Bounds of a request in time and size. */
export interface Limits {
  /** Most tokens of an answer where the request names no bound. */
  readonly maxTokens: number;
  /** Seconds that a request may take, waiting included. */
  readonly timeout: number;
  /** Seconds that a client may neither send nor take anything. */
  readonly patience: number;
  /** Bytes of a request's body. */
  readonly bodyLimit: number;
}

/** The bounds where nothing else is said. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxTokens: 2048,
  timeout: 600,
  patience: 30,
  bodyLimit: 1024 * 1024,
});
