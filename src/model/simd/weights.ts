/**
 * The weights of a model in linear memory, read straight into their final place.
 *
 * @module
 */
import { ModelError } from "../../engine/errors.ts";
import {
  allocateMatrix,
  type Matrix,
  PACKED,
  packRows,
  rowBytes,
} from "../../kernels/matrix.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { GgufFile, TensorInfo } from "../gguf.ts";

/** One block of the model. Norms are pointers to [hidden] f32. */
export interface LayerWeights {
  readonly attentionNorm: number;
  /** [heads · headDim, hidden] */
  readonly query: Matrix;
  /** [kvHeads · headDim, hidden] */
  readonly key: Matrix;
  /** [kvHeads · headDim, hidden] */
  readonly value: Matrix;
  /** [hidden, heads · headDim] */
  readonly output: Matrix;
  readonly ffnNorm: number;
  /** [ffn, hidden] */
  readonly gate: Matrix;
  /** [ffn, hidden] */
  readonly up: Matrix;
  /** [hidden, ffn] */
  readonly down: Matrix;
}

/** All of a model. */
export interface Weights {
  /** [vocab, hidden] */
  readonly embedding: Matrix;
  readonly layers: readonly LayerWeights[];
  /** Pointer to [hidden] f32. */
  readonly outputNorm: number;
  /** [vocab, hidden]; the embedding itself where the model ties them. */
  readonly output: Matrix;
  /** [ropeDim / 2] by which each rotary frequency is divided, or null. */
  readonly ropeFactors: Float32Array | null;
}

/** Most bytes of a file that are held outside their final place. */
const READ_BYTES = 1 << 17;

/**
 * Reads every tensor of a file.
 *
 * @throws {ModelError} If the file ends early, cannot be read, or holds a value that is no finite number.
 */
export async function loadWeights(
  memory: LinearMemory,
  file: GgufFile,
): Promise<Weights> {
  const reader = await TensorReader.open(memory, file);
  try {
    const layers: LayerWeights[] = [];
    const embedding = await reader.matrix("token_embd.weight");
    for (let layer = 0; layer < file.config.layers; layer++) {
      layers.push(await readLayer(reader, `blk.${layer}.`));
    }
    return {
      embedding,
      layers,
      outputNorm: await reader.vector("output_norm.weight"),
      output: file.tensors.has("output.weight")
        ? await reader.matrix("output.weight")
        : embedding,
      ropeFactors: file.tensors.has("rope_freqs.weight")
        ? await reader.values("rope_freqs.weight")
        : null,
    };
  } finally {
    reader.close();
  }
}

async function readLayer(
  reader: TensorReader,
  prefix: string,
): Promise<LayerWeights> {
  const matrix = (name: string) => reader.matrix(`${prefix}${name}.weight`);
  const vector = (name: string) => reader.vector(`${prefix}${name}.weight`);
  return {
    attentionNorm: await vector("attn_norm"),
    query: await matrix("attn_q"),
    key: await matrix("attn_k"),
    value: await matrix("attn_v"),
    output: await matrix("attn_output"),
    ffnNorm: await vector("ffn_norm"),
    gate: await matrix("ffn_gate"),
    up: await matrix("ffn_up"),
    down: await matrix("ffn_down"),
  };
}

/** Reads tensors of one open file, a few rows at a time. */
class TensorReader {
  readonly #memory: LinearMemory;
  readonly #model: GgufFile;
  readonly #file: Deno.FsFile;
  #buffer = new Uint8Array(READ_BYTES);

  private constructor(
    memory: LinearMemory,
    model: GgufFile,
    file: Deno.FsFile,
  ) {
    this.#memory = memory;
    this.#model = model;
    this.#file = file;
  }

  static async open(
    memory: LinearMemory,
    model: GgufFile,
  ): Promise<TensorReader> {
    try {
      return new TensorReader(memory, model, await Deno.open(model.path));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ModelError(`Cannot open ${model.path}: ${reason}`, { cause });
    }
  }

  close(): void {
    this.#file.close();
  }

  /** Packs a tensor as a matrix. */
  async matrix(name: string): Promise<Matrix> {
    const tensor = this.#tensor(name);
    const { type, rows, columns } = tensor;
    const matrix = allocateMatrix(this.#memory, PACKED[type], rows, columns);
    await this.#rows(tensor, (bytes, first) => {
      packRows(this.#memory, matrix, type, bytes, first);
    });
    return matrix;
  }

  /** Copies a tensor's values, in f32, and gives their pointer. */
  async vector(name: string): Promise<number> {
    const values = await this.values(name);
    const pointer = this.#memory.allocate(values.byteLength);
    this.#memory.f32.set(values, pointer / 4);
    return pointer;
  }

  /** The values of a small tensor of type F32. */
  async values(name: string): Promise<Float32Array> {
    const tensor = this.#tensor(name);
    if (tensor.type !== "F32") {
      throw this.#error(tensor, `its type is ${tensor.type}, expected F32`);
    }
    const values = new Float32Array(tensor.rows * tensor.columns);
    await this.#rows(tensor, (bytes, first) => {
      const part = new Float32Array(bytes.slice().buffer);
      values.set(part, first * tensor.columns);
    });
    if (!values.every(Number.isFinite)) {
      throw this.#error(tensor, "it holds a value that is no finite number");
    }
    return values;
  }

  #tensor(name: string): TensorInfo {
    const tensor = this.#model.tensors.get(name);
    if (tensor) return tensor;
    throw new ModelError(`Cannot load ${this.#model.path}: no tensor ${name}`);
  }

  /** Hands over whole rows, side by side, in order. */
  async #rows(
    tensor: TensorInfo,
    take: (bytes: Uint8Array<ArrayBuffer>, first: number) => void,
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
        take(bytes, first);
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
