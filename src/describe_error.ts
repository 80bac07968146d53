/**
 * Errors for the eyes of whoever runs the server.
 *
 * @module
 */

/**
 * One line for what can be expected to go wrong: an error in the words of this
 * project, or of Deno about a permission. Anything else as it is, with all that
 * is known about it.
 */
export function describeError(error: unknown): unknown {
  if (error instanceof Deno.errors.NotCapable) {
    return `Cannot start without permission: ${error.message}`;
  }
  // V8 begins some of its TypeErrors with the same word.
  const own = error instanceof Error && !(error instanceof TypeError) &&
    error.message.startsWith("Cannot ");
  return own ? error.message : error;
}
