/**
 * What the caller adds to the logits of single tokens.
 *
 * @module
 */

/** A bias of single tokens, laid out to be added without allocation. */
export interface LogitBias {
  readonly ids: Int32Array; // [n]
  readonly amounts: Float32Array; // [n]
}

/** @throws {RangeError} If an id is not below `vocab`. */
export function createLogitBias(
  bias: ReadonlyMap<number, number>,
  vocab: number,
): LogitBias {
  for (const id of bias.keys()) {
    if (!Number.isInteger(id) || id < 0 || id >= vocab) {
      throw new RangeError(
        `Cannot bias token ${id}: the vocabulary has ${vocab} tokens`,
      );
    }
  }
  return {
    ids: Int32Array.from(bias.keys()),
    amounts: Float32Array.from(bias.values()),
  };
}

/** Adds the bias to `logits` in place. */
export function addLogitBias(logits: Float32Array, bias: LogitBias): void {
  for (let at = 0; at < bias.ids.length; at++) {
    logits[bias.ids[at]] += bias.amounts[at];
  }
}
