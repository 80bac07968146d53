/**
 * What no score can evict.
 *
 * @module
 */

/** Slots that always stay. This is the one place where sinks and window are known. */
export interface Protection {
  /** The first tokens of a dialogue, on which attention rests when it has nothing to look at. */
  readonly sinks: number;
  /** The last tokens. */
  readonly window: number;
}
