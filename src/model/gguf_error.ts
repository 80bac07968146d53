/**
 * The one shape of everything that can be wrong with a model file.
 *
 * @module
 */
import { ModelError } from "../engine/errors.ts";

/** The error that says why the file at `path` is of no use. */
export function cannotLoad(path: string, why: string): ModelError {
  return new ModelError(`Cannot load ${path}: ${why}`);
}
