/**
 * The one shape of everything that can be wrong with a model file.
 *
 * @module
 */
import { ModelError } from "../engine/errors.ts";

/** The error that says why the file at `path` is of no use. */
export function cannotLoad(path: string, why: string): ModelError {
  // Names out of a damaged file can be anything.
  const shown = why.replaceAll(/\p{Cc}/gu, "\ufffd").slice(0, 300);
  return new ModelError(`Cannot load ${path}: ${shown}`);
}
