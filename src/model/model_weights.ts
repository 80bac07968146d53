/**
 * Which tensors a model of the `llama` architecture is made of, wherever they are kept.
 *
 * @module
 */
import type { GgufFile } from "./gguf.ts";
import { TensorReader } from "./tensor_reader.ts";

/** One block of a model. Norms are [hidden] f32. */
export interface LayerWeights<Matrix, Vector> {
  readonly attentionNorm: Vector;
  /** [heads · headDim, hidden] */
  readonly query: Matrix;
  /** [kvHeads · headDim, hidden] */
  readonly key: Matrix;
  /** [kvHeads · headDim, hidden] */
  readonly value: Matrix;
  /** [hidden, heads · headDim] */
  readonly output: Matrix;
  readonly ffnNorm: Vector;
  /** [ffn, hidden] */
  readonly gate: Matrix;
  /** [ffn, hidden] */
  readonly up: Matrix;
  /** [hidden, ffn] */
  readonly down: Matrix;
}

/** All of a model. */
export interface ModelWeights<Matrix, Vector> {
  /** [vocab, hidden] */
  readonly embedding: Matrix;
  readonly layers: readonly LayerWeights<Matrix, Vector>[];
  /** [hidden] f32 */
  readonly outputNorm: Vector;
  /** [vocab, hidden]; the embedding itself where the model ties them. */
  readonly output: Matrix;
  /** [ropeDim / 2] by which each rotary frequency is divided, or null. */
  readonly ropeFactors: Float32Array | null;
}

/** Brings tensors, by their names, to where a device keeps them. */
export interface WeightsKeeper<Matrix, Vector> {
  matrix(name: string): Promise<Matrix>;
  vector(name: string): Promise<Vector>;
}

/**
 * Reads every tensor of a file.
 *
 * @param keep Makes what keeps them.
 * @throws {ModelError} If the file ends early, cannot be read, or holds a value that is no finite number.
 */
export async function readWeights<Matrix, Vector>(
  model: GgufFile,
  keep: (file: TensorReader) => WeightsKeeper<Matrix, Vector>,
): Promise<ModelWeights<Matrix, Vector>> {
  const file = await TensorReader.open(model);
  try {
    const keeper = keep(file);
    const layers: LayerWeights<Matrix, Vector>[] = [];
    const embedding = await keeper.matrix("token_embd.weight");
    for (let layer = 0; layer < model.config.layers; layer++) {
      layers.push(await readLayer(keeper, `blk.${layer}.`));
    }
    return {
      embedding,
      layers,
      outputNorm: await keeper.vector("output_norm.weight"),
      output: model.tensors.has("output.weight")
        ? await keeper.matrix("output.weight")
        : embedding,
      ropeFactors: model.tensors.has("rope_freqs.weight")
        ? await file.values("rope_freqs.weight")
        : null,
    };
  } finally {
    file.close();
  }
}

async function readLayer<Matrix, Vector>(
  keeper: WeightsKeeper<Matrix, Vector>,
  prefix: string,
): Promise<LayerWeights<Matrix, Vector>> {
  const matrix = (name: string) => keeper.matrix(`${prefix}${name}.weight`);
  const vector = (name: string) => keeper.vector(`${prefix}${name}.weight`);
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
