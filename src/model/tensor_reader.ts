/**
 * The values of a model's tensors, read from its file a few rows at a time.
 *
 * @module
 */
import { ModelError } from "../engine/errors.ts";
import { rowBytes } from "../kernels/matrix.ts";
import type { GgufFile, TensorInfo } from "./gguf.ts";

/** Most bytes of a file that are held outside their final place. */
const READ_BYTES = 1 << 17;

/** Reads tensors of one open file. */
export class TensorReader {
  readonly #model: GgufFile;
  readonly #file: Deno.FsFile;
  #buffer = new Uint8Array(READ_BYTES);

  private constructor(model: GgufFile, file: Deno.FsFile) {
    this.#model = model;
    this.#file = file;
  }

  /** @throws {ModelError} If the file cannot be opened. */
  static async open(model: GgufFile): Promise<TensorReader> {
    try {
      return new TensorReader(model, await Deno.open(model.path));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ModelError(`Cannot open ${model.path}: ${reason}`, { cause });
    }
  }

  close(): void {
    this.#file.close();
  }

  /** @throws {ModelError} If there is none of that name. */
  tensor(name: string): TensorInfo {
    const tensor = this.#model.tensors.get(name);
    if (tensor) return tensor;
    throw new ModelError(`Cannot load ${this.#model.path}: no tensor ${name}`);
  }

  /**
   * The values of a small tensor of type F32.
   *
   * @throws {ModelError} If it has another type or holds a value that is no finite number.
   */
  async values(name: string): Promise<Float32Array<ArrayBuffer>> {
    const tensor = this.tensor(name);
    if (tensor.type !== "F32") {
      throw this.#error(tensor, `its type is ${tensor.type}, expected F32`);
    }
    const values = new Float32Array(tensor.rows * tensor.columns);
    await this.rows(tensor, (bytes, first) => {
      const part = new Float32Array(bytes.slice().buffer);
      values.set(part, first * tensor.columns);
    });
    if (!values.every(Number.isFinite)) {
      throw this.#error(tensor, "it holds a value that is no finite number");
    }
    return values;
  }

  /**
   * Hands over whole rows, side by side, in order; valid during the call.
   *
   * @throws {ModelError} If the file ends early, or `take` throws a RangeError about what it got.
   */
  async rows(
    tensor: TensorInfo,
    take: (
      bytes: Uint8Array<ArrayBuffer>,
      first: number,
    ) => void | Promise<void>,
  ): Promise<void> {
    const size = rowBytes(tensor.type, tensor.columns);
    if (size > this.#buffer.length) this.#buffer = new Uint8Array(size);
    const most = Math.floor(this.#buffer.length / size);
    await this.#file.seek(tensor.offset, Deno.SeekMode.Start);
    for (let first = 0; first < tensor.rows; first += most) {
      const count = Math.min(most, tensor.rows - first);
      const bytes = this.#buffer.subarray(0, count * size);
      await this.#fill(tensor, bytes);
      try {
        await take(bytes, first);
      } catch (cause) {
        if (!(cause instanceof RangeError)) throw cause;
        throw this.#error(tensor, cause.message, cause);
      }
    }
  }

  async #fill(tensor: TensorInfo, bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const count = await this.#file.read(bytes.subarray(done));
      if (count === null) throw this.#error(tensor, "the file ends within it");
      done += count;
    }
  }

  #error(tensor: TensorInfo, reason: string, cause?: unknown): ModelError {
    return new ModelError(
      `Cannot load ${this.#model.path}: tensor ${tensor.name}: ${reason}`,
      { cause },
    );
  }
}
