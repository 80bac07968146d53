/**
 * The slots of one dialogue on a device, and the kernels bound to them.
 *
 * @module
 */
import type { CorrectedAttention } from "../../cache/corrections.ts";
import type { CacheLayout } from "../../cache/layout.ts";
import type { SlotTable } from "../../cache/slots.ts";
import { GpuBuffers, type Traffic } from "../../kernels/webgpu/buffers.ts";
import type { BoundKernel } from "../../kernels/webgpu/kernel.ts";
import { type GpuKernels, UNIT_WORDS } from "../../kernels/webgpu/kernels.ts";
import { Compactor } from "./compact.ts";
import { type ConvolutionWeights, SlotConvolver } from "./convolve_slots.ts";
import type { LossWatch } from "./loss.ts";
import type { Workspace } from "./workspace.ts";

/** What every dialogue on a device shares. */
export interface SlotTools {
  readonly device: GPUDevice;
  readonly watch: LossWatch;
  readonly traffic: Traffic;
  readonly kernels: GpuKernels;
  readonly convolutions: ConvolutionWeights;
  readonly workspace: Workspace;
}

/** Arrays over slots are indexed as those of the {@link SlotTable} are. */
export class SlotBuffers {
  readonly gpu: GpuBuffers;
  /** [slot, headDim] f32, turned to their positions. */
  readonly keys: GPUBuffer;
  /** [slot, headDim] f32 */
  readonly values: GPUBuffer;
  /** [slot] f32 added to attention logits. */
  readonly biases: GPUBuffer;
  /** [slot] f32, the attention that slots got from the observed queries of a block. */
  readonly attention: GPUBuffer;
  readonly rotate: BoundKernel;
  readonly append: BoundKernel;
  readonly attend: BoundKernel;
  readonly score: BoundKernel;
  /** Null where a dialogue is never compacted. */
  readonly compactor: Compactor | null;
  /** Made where it is first needed. */
  #convolver: SlotConvolver | null = null;
  readonly #convolutions: ConvolutionWeights;
  readonly #watch: LossWatch;
  readonly #units: GPUBuffer;
  /** [unit, UNIT_WORDS] */
  readonly #words: Int32Array<ArrayBuffer>;
  #staging: GPUBuffer;
  /** [slot] */
  readonly #biases: Float32Array<ArrayBuffer>;
  /** Tokens that had gone through when `units` was written. */
  #writtenAt = 0;

  constructor(
    tools: SlotTools,
    layout: CacheLayout,
    corrected: CorrectedAttention | null,
  ) {
    const { device, kernels, workspace } = tools;
    const gpu = new GpuBuffers(device, tools.traffic);
    const units = layout.slots.length;
    const slots = layout.offsets[units];
    const bytes = slots * layout.headDim * 4;
    this.gpu = gpu;
    this.#watch = tools.watch;
    this.#convolutions = tools.convolutions;
    this.#words = new Int32Array(units * UNIT_WORDS);
    this.#units = gpu.storage(units * UNIT_WORDS * 4, "units");
    this.keys = gpu.storage(bytes, "keys");
    this.values = gpu.storage(bytes, "values");
    this.biases = gpu.storage(slots * 4, "biases");
    this.attention = gpu.storage(slots * 4, "attention");
    const corrections = corrected
      ? gpu.storageOf(correctionWords(corrected), "corrections")
      : workspace.nothing;
    const { query, key, value, attended, softmax, angles } = workspace;
    const within = { 0: workspace.layers, 1: workspace.step, 2: this.#units };
    const read = {
      ...within,
      4: query,
      5: this.keys,
      6: this.biases,
      7: corrections,
    };
    this.rotate = kernels.rotate.bind({ ...within, 3: angles, 4: query });
    this.append = kernels.append.bind({
      ...within,
      3: angles,
      4: key,
      5: value,
      6: this.keys,
      7: this.values,
      8: this.biases,
    });
    this.attend = kernels.attend.bind({
      ...read,
      8: this.values,
      9: attended,
      10: softmax,
    });
    this.score = kernels.score.bind({
      ...read,
      8: softmax,
      9: this.attention,
    });
    this.compactor = layout.block > 0
      ? new Compactor(tools, this, slots)
      : null;
    this.#staging = gpu.staging(slots * 4, "slots");
    this.#biases = new Float32Array(slots);
  }

  get convolver(): SlotConvolver {
    const units = this.#words.length / UNIT_WORDS;
    return this.#convolver ??= new SlotConvolver(
      this.#convolutions,
      this,
      units,
    );
  }

  /** What waits for the device. */
  get watch(): LossWatch {
    return this.#watch;
  }

  /** Whether the device is gone. */
  get isLost(): boolean {
    return this.#watch.error !== null;
  }

  /** Tells the device where units lie and how full they are; between two compactions it counts on by itself. */
  writeUnits(slots: SlotTable, corrected: CorrectedAttention | null): void {
    const words = this.#words;
    const floats = new Float32Array(words.buffer);
    for (let unit = 0; unit < slots.live.length; unit++) {
      const at = unit * UNIT_WORDS;
      words[at] = slots.offsets[unit];
      words[at + 1] = slots.live[unit];
      words[at + 2] = slots.next[unit];
      if (!corrected) continue;
      floats[at + 3] = slots.evictedShare(unit);
      words[at + 4] = corrected.sinks;
      words[at + 5] = slots.live[unit] - slots.pending - corrected.window;
    }
    this.gpu.write(this.#units, words);
    this.#writtenAt = slots.seen;
  }

  /** Tokens appended since {@link writeUnits}. */
  appended(slots: SlotTable): number {
    return slots.seen - this.#writtenAt;
  }

  /** A slot that stands for several tokens counts as often in attention: its logit gains the logarithm of its mass. */
  writeBiases({ offsets, live, mass }: SlotTable): void {
    for (let unit = 0; unit < live.length; unit++) {
      const start = offsets[unit];
      for (let i = start; i < start + live[unit]; i++) {
        this.#biases[i] = Math.log(mass[i]);
      }
    }
    this.gpu.write(this.biases, this.#biases);
  }

  /** A copy of a buffer, or of its first bytes, as f32. */
  download(
    buffer: GPUBuffer,
    bytes = buffer.size,
  ): Promise<Float32Array<ArrayBuffer>> {
    if (this.#staging.size < bytes) {
      this.#staging = this.gpu.staging(bytes, "slots");
    }
    return this.gpu.download(buffer, this.#staging, bytes);
  }

  destroy(): void {
    this.gpu.destroy();
  }
}

/** Stretch, sink and chosen of each head, side by side; then gains and offsets. */
function correctionWords(
  { corrections }: CorrectedAttention,
): Float32Array<ArrayBuffer> {
  const { stretch, sink, chosen, gain, offset } = corrections;
  const words = new Float32Array(stretch.length * 3 + gain.length * 2);
  stretch.forEach((_, head) => {
    words.set([stretch[head], sink[head], chosen[head]], head * 3);
  });
  words.set(gain, stretch.length * 3);
  words.set(offset, stretch.length * 3 + gain.length);
  return words;
}
