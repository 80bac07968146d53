/**
 * The few errors that callers tell apart by class. Everything else is a built-in class by meaning.
 *
 * @module
 */

/** The waiting line is full; try again in `retryAfter` seconds. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
  constructor(readonly waiting: number, readonly retryAfter: number) {
    super(`Cannot queue the request: ${waiting} are waiting already`);
  }
}

/** A prompt that does not fit into the cache of a method that never evicts. */
export class ContextLengthError extends Error {
  override readonly name = "ContextLengthError";
  constructor(readonly promptTokens: number, readonly slots: number) {
    super(
      `Cannot take the prompt: it has ${promptTokens} tokens and the cache, which evicts nothing under this method, ` +
        `holds ${slots}`,
    );
  }
}

/** The device that ran the model is gone, and with it all that was read; a later request may find it, or another, again. */
export class DeviceLostError extends Error {
  override readonly name = "DeviceLostError";
}

/** The model file is missing, damaged or of a kind that is not supported. */
export class ModelError extends Error {
  override readonly name = "ModelError";
}
