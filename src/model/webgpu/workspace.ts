/**
 * The buffers of a step, created once.
 *
 * @module
 */
import type { GpuBuffers } from "../../kernels/webgpu/buffers.ts";
import { LAYER_STRIDE } from "../../kernels/webgpu/kernel.ts";
import { STEP_WORDS } from "../../kernels/webgpu/kernels.ts";
import { angleTable, turnTable } from "../../kernels/webgpu/turn_tables.ts";
import type { ModelConfig } from "../config.ts";
import { ropeFrequencies } from "../rope_frequencies.ts";

/** Rows whose logits are computed together. */
export const LOGIT_ROWS = 8;

/** f32 unless said; T is the most tokens of a step. */
export interface Workspace {
  /** What kernels know of the layer that they run in: its number. */
  readonly layers: GPUBuffer;
  /** What they know of the step. */
  readonly step: GPUBuffer;
  /** What queries, and keys in f32, are turned by; and what keys in 8 bits are. */
  readonly angles: GPUBuffer;
  readonly turns: GPUBuffer;
  /** [T] u32 */
  readonly tokens: GPUBuffer;
  /** [T, hidden] twice: a layer reads one and writes the other. */
  readonly residual: readonly [GPUBuffer, GPUBuffer];
  /** [T, heads · headDim] */
  readonly query: GPUBuffer;
  /** [T, kvHeads · headDim] */
  readonly key: GPUBuffer;
  readonly value: GPUBuffer;
  /** [T, heads · headDim] */
  readonly attended: GPUBuffer;
  /** [T, heads, 2] */
  readonly softmax: GPUBuffer;
  /** [LOGIT_ROWS, hidden] of the residual. */
  readonly rows: GPUBuffer;
  /** [LOGIT_ROWS, vocab] */
  readonly logits: GPUBuffer;
  /** As `logits`. */
  readonly staging: GPUBuffer;
  /** Stands where a kernel wants a buffer and there is nothing to give. */
  readonly nothing: GPUBuffer;
}

/** Creates the buffers for steps of at most `tokens` tokens. */
export function createWorkspace(
  gpu: GpuBuffers,
  config: ModelConfig,
  tokens: number,
  ropeFactors: Float32Array | null,
): Workspace {
  const { layers, hidden, heads, kvHeads, headDim, vocab } = config;
  const floats = (label: string, width: number, rows = tokens) =>
    gpu.storage(rows * width * 4, label);
  const layerUniforms = gpu.uniform(layers * LAYER_STRIDE, "layers");
  for (let layer = 0; layer < layers; layer++) {
    gpu.write(layerUniforms, Uint32Array.of(layer), layer * LAYER_STRIDE);
  }
  const frequencies = ropeFrequencies(config, ropeFactors);
  return {
    layers: layerUniforms,
    step: gpu.uniform(STEP_WORDS * 4, "step"),
    angles: gpu.storageOf(angleTable(frequencies), "angles"),
    turns: gpu.storageOf(turnTable(frequencies), "turns"),
    tokens: floats("tokens", 1),
    residual: [floats("residual", hidden), floats("residual", hidden)],
    query: floats("query", heads * headDim),
    key: floats("key", kvHeads * headDim),
    value: floats("value", kvHeads * headDim),
    attended: floats("attended", heads * headDim),
    softmax: floats("softmax", heads * 2),
    rows: floats("rows", hidden, LOGIT_ROWS),
    logits: floats("logits", vocab, LOGIT_ROWS),
    staging: gpu.staging(LOGIT_ROWS * vocab * 4, "logits"),
    nothing: gpu.storage(4, "nothing"),
  };
}
