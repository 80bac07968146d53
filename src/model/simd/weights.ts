/**
 * The weights of a model in linear memory, read straight into their final place.
 *
 * @module
 */
import {
  allocateMatrix,
  type Matrix,
  PACKED,
  packRows,
} from "../../kernels/matrix.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { GgufFile } from "../gguf.ts";
import {
  type LayerWeights as LayerWeightsOf,
  type ModelWeights,
  readWeights,
  type WeightsKeeper,
} from "../model_weights.ts";
import type { TensorReader } from "../tensor_reader.ts";

/** Vectors are pointers to f32. */
export type LayerWeights = LayerWeightsOf<Matrix, number>;
export type Weights = ModelWeights<Matrix, number>;

/**
 * Reads every tensor of a file.
 *
 * @throws {ModelError} If the file ends early, cannot be read, or holds a value that is no finite number.
 */
export function loadWeights(
  memory: LinearMemory,
  file: GgufFile,
): Promise<Weights> {
  return readWeights(file, (reader) => new MemoryReader(memory, reader));
}

/** Reads tensors straight into linear memory. */
class MemoryReader implements WeightsKeeper<Matrix, number> {
  readonly #memory: LinearMemory;
  readonly #reader: TensorReader;

  constructor(memory: LinearMemory, reader: TensorReader) {
    this.#memory = memory;
    this.#reader = reader;
  }

  /** Packs a tensor as a matrix. */
  async matrix(name: string): Promise<Matrix> {
    const tensor = this.#reader.tensor(name);
    const { type, rows, columns } = tensor;
    const matrix = allocateMatrix(this.#memory, PACKED[type], rows, columns);
    await this.#reader.rows(tensor, (bytes, first) => {
      packRows(this.#memory, matrix, type, bytes, first);
    });
    return matrix;
  }

  /** Copies a tensor's values, in f32, and gives their pointer. */
  async vector(name: string): Promise<number> {
    const values = await this.#reader.values(name);
    const pointer = this.#memory.allocate(values.byteLength);
    this.#memory.f32.set(values, pointer / 4);
    return pointer;
  }
}
