/**
 * Finds the learned parts of a model.
 *
 * @module
 */
import index from "../../../models/index.json" with { type: "json" };
import type { LearnedParts } from "../../cache/learned_parts.ts";
import { ModelError } from "../../engine/errors.ts";
import { readProgramFile } from "../../kernels/read_program_file.ts";
import { contents, digest } from "../file_digest.ts";
import type { GgufFile } from "../gguf.ts";
import { cannotLoad } from "../gguf_error.ts";
import { openModelFile } from "../gguf_open.ts";
import { readLearned } from "./read_learned.ts";

/** Learned parts that come with the program, by the SHA-256 of the model's file. */
export type LearnedIndex = Readonly<
  Record<string, {
    /** Name of the file in `models/`. */
    readonly file: string;
    /** Of that file. */
    readonly sha256: string;
    /** Of the model's file: other models need not be summed up to be told from this one. */
    readonly model_bytes: number;
  }>
>;

/** The model that parts are sought for. */
export interface LearnedModel extends Pick<GgufFile, "path" | "config"> {
  /** Of its file, where somebody has just summed it up; else that is done here, if it must be known. */
  readonly sha256?: string | null;
}

/** Most bytes of a file of learned parts. */
const MOST_BYTES = 1 << 26;

/** Where the index and the files that it names lie. */
const MODELS = new URL("../../../models/", import.meta.url);

/**
 * The learned parts of a model.
 *
 * @param choice Path of a file; null for that of `models/` if it has one; `off` for none.
 * @returns Null if there are none.
 * @throws {ModelError} If the file cannot be read, is damaged, or was made for another model.
 */
export async function findLearned(
  choice: string | null,
  { path: modelPath, config, sha256: sum = null }: LearnedModel,
  known: LearnedIndex = index,
  folder: URL = MODELS,
): Promise<LearnedParts | null> {
  if (choice === "off") return null;
  if (choice === null && !await isKnownSize(modelPath, known)) return null;
  const modelSha256 = sum ?? await sha256Of(modelPath);
  const entry = Object.hasOwn(known, modelSha256) ? known[modelSha256] : null;
  if (choice === null && !entry) return null;
  const name = choice ?? entry!.file;
  try {
    const bytes = choice === null
      ? await readProgramFile(new URL(name, folder))
      : await readBytes(choice);
    const sha256 = await sha256OfBytes(bytes);
    if (choice === null && sha256 !== entry!.sha256) {
      throw new Error(
        `its SHA-256 is ${sha256}, expected ${
          entry!.sha256
        }: it has been altered`,
      );
    }
    return readLearned(bytes, { name, sha256, modelSha256, config });
  } catch (error) {
    throw unusable(name, error);
  }
}

function unusable(name: string, error: unknown): ModelError {
  if (error instanceof ModelError) return error;
  const why = error instanceof Error ? error.message : String(error);
  return cannotLoad(`the learned parts ${name}`, why);
}

async function isKnownSize(
  path: string,
  known: LearnedIndex,
): Promise<boolean> {
  const { size } = await Deno.stat(path);
  return Object.values(known).some(({ model_bytes }) => model_bytes === size);
}

async function sha256Of(path: string): Promise<string> {
  using file = openModelFile(path);
  return (await digest(contents(file))).sha256;
}

async function sha256OfBytes(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  using file = openModelFile(path);
  const { size } = await file.stat();
  if (size > MOST_BYTES) {
    throw new RangeError(`it has ${size} bytes, at most ${MOST_BYTES} can be`);
  }
  return await Deno.readFile(path);
}
