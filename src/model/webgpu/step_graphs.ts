/**
 * The ONNX graphs of a step: what happens between two attentions. Weights are inputs, not constants, so that one graph serves
 * all layers of the same forms, and no weight is ever in ONNX Runtime's own memory.
 *
 * T is the number of a step's tokens, R that of rows whose logits are wanted.
 *
 * @module
 */
import { BLOCK } from "../../kernels/matrix.ts";
import type { ModelConfig } from "../config.ts";
import { MICROSOFT, OnnxGraph } from "./onnx_graph.ts";
import type { GpuLayer, GpuMatrix } from "./weights.ts";

/** Of a layer before its attention: residual → query, key, value. */
export function frontGraph(config: ModelConfig, layer: GpuLayer): Uint8Array {
  const step = new StepGraph(config);
  const residual = step.rows("residual", config.hidden);
  step.project(layer, step.normalised("attention_norm", residual));
  return step.encode();
}

/** From one layer's attention to the next one's: residual, attended → residual, query, key, value. */
export function middleGraph(
  config: ModelConfig,
  layer: GpuLayer,
  next: GpuLayer,
): Uint8Array {
  const step = new StepGraph(config);
  const { residual, update } = step.feedForward(layer);
  const [normed, sum] = step.added("attention_norm", residual, update, "next");
  step.result(sum, config.hidden);
  step.project(next, normed);
  return step.encode();
}

/** Of the last layer behind its attention: residual, attended → residual. */
export function backGraph(config: ModelConfig, layer: GpuLayer): Uint8Array {
  const step = new StepGraph(config);
  const { residual, update } = step.feedForward(layer);
  step.result(step.sum(residual, update, "next"), config.hidden);
  return step.encode();
}

/** The output head: rows of the residual → logits. */
export function headGraph(config: ModelConfig, output: GpuMatrix): Uint8Array {
  const step = new StepGraph(config, "R");
  const rows = step.rows("residual", config.hidden);
  const normed = step.normalised("output_norm", rows);
  step.result(step.product("output", output, normed, "logits"), config.vocab);
  return step.encode();
}

/** The pieces that the graphs are made of. */
class StepGraph {
  readonly #graph = new OnnxGraph();
  readonly #config: ModelConfig;
  readonly #rows: string;

  /** @param rows Name of the number of rows. */
  constructor(config: ModelConfig, rows = "T") {
    this.#config = config;
    this.#rows = rows;
  }

  encode(): Uint8Array {
    return this.#graph.encode();
  }

  /** An input [rows, width]. */
  rows(name: string, width: number): string {
    return this.#graph.input(name, "float32", [this.#rows, width]);
  }

  /** Makes a value [rows, width] an output. */
  result(name: string, width: number): void {
    this.#graph.output(name, [this.#rows, width]);
  }

  /** RMS norm; its weight is the input `name`. */
  normalised(name: string, x: string): string {
    return this.#graph.node(
      "SimplifiedLayerNormalization",
      [x, this.#norm(name)],
      `${name}.normed`,
      { axis: -1, epsilon: { f: this.#config.rmsEpsilon } },
    );
  }

  /** [the norm of a + b, a + b as `sum`] */
  added(name: string, a: string, b: string, sum: string): [string, string] {
    const normed = this.#graph.node(
      "SkipSimplifiedLayerNormalization",
      [a, b, this.#norm(name)],
      [`${name}.normed`, "", "", sum],
      { epsilon: { f: this.#config.rmsEpsilon } },
      MICROSOFT,
    );
    return [normed, sum];
  }

  #norm(name: string): string {
    return this.#graph.input(name, "float32", [this.#config.hidden]);
  }

  sum(a: string, b: string, out: string): string {
    return this.#graph.node("Add", [a, b], out);
  }

  /** The outputs query, key and value. */
  project(layer: GpuLayer, normed: string): void {
    for (const name of ["query", "key", "value"] as const) {
      this.result(this.product(name, layer[name], normed), layer[name].rows);
    }
  }

  /** The half of a layer behind its attention, up to what is added to the residual. */
  feedForward(layer: GpuLayer): { residual: string; update: string } {
    const { hidden, heads, headDim } = this.#config;
    const before = this.rows("residual", hidden);
    const attended = this.rows("attended", heads * headDim);
    const projected = this.product("attention_output", layer.output, attended);
    const [normed, residual] = this.added(
      "ffn_norm",
      before,
      projected,
      "middle",
    );
    const gate = this.product("gate", layer.gate, normed);
    const up = this.product("up", layer.up, normed);
    // x · sigmoid(x)
    const silu = this.#graph.node("QuickGelu", [gate], "silu", {
      alpha: { f: 1 },
    }, MICROSOFT);
    const gated = this.#graph.node("Mul", [silu, up], "gated");
    return { residual, update: this.product("down", layer.down, gated) };
  }

  /** x · matrixᵀ as `out`; the matrix is the inputs `name`.weights, .scales and .offsets, those it has. */
  product(name: string, matrix: GpuMatrix, x: string, out = name): string {
    const { bits, hasOffsets, rows, columns } = matrix;
    const graph = this.#graph;
    const blocks = columns / BLOCK;
    if (bits === 32) {
      const weights = graph.input(`${name}.weights`, "float32", [
        rows,
        columns,
      ]);
      return graph.node("Gemm", [x, weights], out, { transB: 1 });
    }
    const weights = graph.input(`${name}.weights`, "uint8", [
      rows,
      blocks,
      BLOCK * bits / 8,
    ]);
    const scales = graph.input(`${name}.scales`, "float32", [rows * blocks]);
    const symmetric = hasOffsets ? `${name}.symmetric` : out;
    graph.node("MatMulNBits", [x, weights, scales], symmetric, {
      K: columns,
      N: rows,
      bits,
      block_size: BLOCK,
      // Inputs stay in 32 bits.
      accuracy_level: 1,
    }, MICROSOFT);
    if (!hasOffsets) return out;
    const offsets = graph.input(`${name}.offsets`, "float32", [rows, blocks]);
    const sums = this.#blockSums(x, blocks);
    return graph.node("Gemm", [sums, offsets, symmetric], out, { transB: 1 });
  }

  readonly #summed = new Map<string, string>();

  /** [rows, blocks] sums of `x` over blocks, once for all products with it. */
  #blockSums(x: string, blocks: number): string {
    const known = this.#summed.get(x);
    if (known) return known;
    const graph = this.#graph;
    const shape = graph.integers(`${x}.shape`, [0, blocks, BLOCK]);
    const axes = graph.integers(`${x}.axes`, [2]);
    const blocked = graph.node("Reshape", [x, shape], `${x}.blocks`);
    const sums = graph.node("ReduceSum", [blocked, axes], `${x}.sums`, {
      keepdims: 0,
    });
    this.#summed.set(x, sums);
    return sums;
  }
}
