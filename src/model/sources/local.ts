/**
 * A model that is on this machine already.
 *
 * @module
 */
import type { ModelSource } from "./model_source.ts";

/** The file at `path`, which stays where it is. */
export function localSource(path: string): ModelSource {
  return {
    name: "file system",
    async get() {
      const { isFile } = await stat(path);
      if (!isFile) throw new Error("it is no file");
      return path;
    },
  };
}

async function stat(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      throw new Error("there is no such file");
    }
    throw error;
  }
}
