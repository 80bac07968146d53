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
import { TensorReader } from "../tensor_reader.ts";

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

/**
 * Reads every tensor of a file.
 *
 * @throws {ModelError} If the file ends early, cannot be read, or holds a value that is no finite number.
 */
export async function loadWeights(
  memory: LinearMemory,
  model: GgufFile,
): Promise<Weights> {
  const file = await TensorReader.open(model);
  try {
    const reader = new MemoryReader(memory, file);
    const layers: LayerWeights[] = [];
    const embedding = await reader.matrix("token_embd.weight");
    for (let layer = 0; layer < model.config.layers; layer++) {
      layers.push(await readLayer(reader, `blk.${layer}.`));
    }
    return {
      embedding,
      layers,
      outputNorm: await reader.vector("output_norm.weight"),
      output: model.tensors.has("output.weight")
        ? await reader.matrix("output.weight")
        : embedding,
      ropeFactors: model.tensors.has("rope_freqs.weight")
        ? await file.values("rope_freqs.weight")
        : null,
    };
  } finally {
    file.close();
  }
}

async function readLayer(
  reader: MemoryReader,
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

/** Reads tensors straight into linear memory. */
class MemoryReader {
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
