/**
 * Opens a model file.
 *
 * @module
 */
import { ModelError } from "../engine/errors.ts";
import { cannotLoad } from "./gguf_error.ts";

/**
 * The file at `path`, open for reading.
 *
 * @throws {ModelError} If there is no such file, or it may not or cannot be read.
 */
export function openModelFile(path: string): Deno.FsFile {
  try {
    // Anything but a regular file could block on opening, or never end.
    if (!Deno.statSync(path).isFile) throw cannotLoad(path, "it is no file");
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw cannotLoad(path, "there is no such file");
    }
    if (
      error instanceof Deno.errors.NotCapable ||
      error instanceof Deno.errors.PermissionDenied
    ) {
      throw cannotLoad(path, "there is no permission to read it");
    }
    if (error instanceof ModelError) throw error;
    throw cannotLoad(path, (error as Error).message);
  }
}
