/**
 * One step of the model over new tokens of one dialogue: attention in kernels of our own, everything else in ONNX Runtime.
 *
 * @module
 */
import type { GpuBuffers } from "../../kernels/webgpu/buffers.ts";
import { type BoundKernel, MOST_GROUPS } from "../../kernels/webgpu/kernel.ts";
import { STEP_WORDS } from "../../kernels/webgpu/kernels.ts";
import type { ModelConfig } from "../config.ts";
import type { LogitsSink, Sequence } from "../runtime.ts";
import type { GpuKvCache } from "./kv_cache.ts";
import type { LinearSteps } from "./linear_steps.ts";
import type { SlotBuffers } from "./slot_buffers.ts";
import type { TopLogits } from "./top_logits.ts";
import { LOGIT_ROWS, type Workspace } from "./workspace.ts";

/** What a step works with. */
export interface ForwardTools {
  readonly config: ModelConfig;
  readonly gpu: GpuBuffers;
  readonly workspace: Workspace;
  readonly linear: LinearSteps;
  readonly embed: BoundKernel;
  readonly top: TopLogits;
}

/** Invocations of a workgroup. */
const LANES = 64;

/** Runs steps; nothing is created on the device. */
export class GpuForward {
  readonly #tools: ForwardTools;
  /** [T] tokens of the step, padded. */
  readonly #tokens: Uint32Array<ArrayBuffer>;
  readonly #step = new Uint32Array(STEP_WORDS);

  /** @param maxTokens Most tokens of one step. */
  constructor(tools: ForwardTools, maxTokens: number) {
    this.#tools = tools;
    this.#tokens = new Uint32Array(maxTokens);
  }

  /** Runs the tokens of one sequence, which is known to be possible; `index` is its number in the batch. */
  async run(
    { cache: device, tokens, logits, top = Infinity }: Sequence,
    sink: LogitsSink,
    index: number,
  ): Promise<void> {
    const { linear, config } = this.#tools;
    const cache = device as GpuKvCache;
    const { slots } = cache;
    const buffers = cache.buffers!;
    const count = tokens.length;
    const size = linear.sizeFor(count);
    this.#begin(cache, buffers, tokens, linear.sizes[size]);
    for (let layer = 0; layer < config.layers; layer++) {
      await linear.run(size, layer);
      const most = mostLive(slots.live, layer, config.kvHeads) + count;
      this.#attend(buffers, layer, count, most);
    }
    await linear.run(size, config.layers);
    slots.append(count);
    if (logits !== "none") {
      const first = logits === "last" ? count - 1 : 0;
      await this.#readLogits(
        first,
        count,
        top,
        (values, row) => sink(values, row, index),
      );
    }
  }

  /** Uploads the tokens and what the kernels must know; looks up the embeddings. */
  #begin(
    { slots }: GpuKvCache,
    buffers: SlotBuffers,
    tokens: ArrayLike<number>,
    rows: number,
  ): void {
    const { gpu, workspace, embed, config } = this.#tools;
    const { block, observed } = slots.layout;
    const count = tokens.length;
    this.#tokens.fill(0);
    this.#tokens.set(tokens);
    gpu.write(workspace.tokens, this.#tokens.subarray(0, rows));
    this.#step[0] = count;
    this.#step[1] = buffers.appended(slots);
    this.#step[2] = observed
      ? Math.min(Math.max(block - observed - slots.pending, 0), count)
      : count;
    gpu.write(workspace.step, this.#step);
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    embed.dispatch(pass, Math.ceil(config.hidden / LANES), rows);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
  }

  /** Attention of a layer, whose units have at most `most` live slots, the new ones included. */
  #attend(
    buffers: SlotBuffers,
    layer: number,
    count: number,
    most: number,
  ): void {
    const { gpu, config } = this.#tools;
    const { heads, kvHeads, ropeDim } = config;
    const groups = (invocations: number) => Math.ceil(invocations / LANES);
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const turned = groups(count * heads * ropeDim / 2);
    buffers.rotate.dispatch(pass, turned, 1, layer);
    buffers.append.dispatch(pass, kvHeads, count, layer);
    buffers.spread?.dispatch(pass, Math.min(most, MOST_GROUPS), kvHeads, layer);
    buffers.attend.dispatch(pass, heads, count, layer);
    if (this.#step[2] < count) {
      buffers.score.dispatch(pass, groups(most), kvHeads, layer);
    }
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
  }

  /** Hands over the logits of rows `first` … `end` - 1, of one alone the `top` highest if that can be. */
  async #readLogits(
    first: number,
    end: number,
    top: number,
    sink: (logits: Float32Array, row: number) => void,
  ): Promise<void> {
    const { gpu, workspace, linear, config } = this.#tools;
    const { hidden, vocab, layers } = config;
    const residual = workspace.residual[layers % 2];
    for (let row = first; row < end; row += LOGIT_ROWS) {
      const count = Math.min(LOGIT_ROWS, end - row);
      const encoder = gpu.device.createCommandEncoder();
      const start = row * hidden * 4;
      const bytes = count * hidden * 4;
      encoder.copyBufferToBuffer(residual, start, workspace.rows, 0, bytes);
      gpu.device.queue.submit([encoder.finish()]);
      await linear.runHead(count);
      const highest = count === 1 ? await this.#tools.top.read(top) : null;
      if (highest) {
        sink(highest, row);
        continue;
      }
      const { logits, staging } = workspace;
      await gpu.map(logits, staging, count * vocab * 4, (values) => {
        for (let i = 0; i < count; i++) {
          const part = values.subarray(i * vocab, (i + 1) * vocab);
          sink(part, row + i);
        }
      });
    }
  }
}

/** The most live slots of a layer's units. */
function mostLive(live: Int32Array, layer: number, kvHeads: number): number {
  let most = 0;
  for (let unit = layer * kvHeads; unit < (layer + 1) * kvHeads; unit++) {
    most = Math.max(most, live[unit]);
  }
  return most;
}
