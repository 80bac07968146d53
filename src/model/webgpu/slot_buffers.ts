/**
 * The slots of one dialogue on a device, and the kernels bound to them.
 *
 * @module
 */
import type { CorrectedAttention } from "../../cache/corrections.ts";
import { type CacheLayout, mostLive } from "../../cache/layout.ts";
import type { Needs } from "../../cache/method.ts";
import type { StoreName } from "../../cache/store/stores.ts";
import type { SlotTable } from "../../cache/slots.ts";
import { GpuBuffers, type Traffic } from "../../kernels/webgpu/buffers.ts";
import type { BoundKernel } from "../../kernels/webgpu/kernel.ts";
import { GPU_STORES, slotWords } from "../../kernels/webgpu/gpu_stores.ts";
import { type GpuKernels, UNIT_WORDS } from "../../kernels/webgpu/kernels.ts";
import { Compactor } from "./compact.ts";
import { type ConvolutionWeights, SlotConvolver } from "./convolve_slots.ts";
import type { LossWatch } from "./loss.ts";
import { SlotUnpacker } from "./unpack.ts";
import type { Workspace } from "./workspace.ts";

/** What every dialogue on a device shares. */
export interface SlotTools {
  readonly device: GPUDevice;
  readonly watch: LossWatch;
  readonly traffic: Traffic;
  readonly convolutions: ConvolutionWeights;
  readonly workspace: Workspace;
}

/** Where slots are, and how their kernels get at them. */
export interface SlotSource {
  readonly buffers: SlotBuffers;
  readonly kernels: GpuKernels;
  /** What keys are turned by. */
  readonly turns: GPUBuffer;
  readonly headDim: number;
}

/** Arrays over slots are indexed as those of the {@link SlotTable} are. */
export class SlotBuffers {
  readonly gpu: GpuBuffers;
  /** [slot] records, as the store's kernels have them. */
  readonly keys: GPUBuffer;
  readonly values: GPUBuffer;
  /** [slot] f32 added to attention logits. */
  readonly biases: GPUBuffer;
  /** [slot] f32, the attention that slots got from the observed queries of a block. */
  readonly attention: GPUBuffer;
  readonly rotate: BoundKernel;
  readonly append: BoundKernel;
  /** Null where attention reads keys as they are held. */
  readonly spread: BoundKernel | null;
  readonly attend: BoundKernel;
  readonly score: BoundKernel;
  /** Null where a dialogue is never compacted. */
  readonly compactor: Compactor | null;
  /** Made where they are first needed. */
  #convolver: SlotConvolver | null = null;
  #observed: SlotUnpacker | null = null;
  #turned: SlotUnpacker | null = null;
  readonly #convolutions: ConvolutionWeights;
  readonly #source: SlotSource;
  readonly #watch: LossWatch;
  readonly #units: GPUBuffer;
  /** [unit, UNIT_WORDS] */
  readonly #words: Int32Array<ArrayBuffer>;
  #staging: GPUBuffer;
  /** [slot] */
  readonly #biases: Float32Array<ArrayBuffer>;
  /** Tokens that had gone through when `units` was written. */
  #writtenAt = 0;

  /** @param kernels Those of the layout's store. */
  constructor(
    tools: SlotTools,
    kernels: GpuKernels,
    layout: CacheLayout,
    corrected: CorrectedAttention | null,
  ) {
    const { device, workspace } = tools;
    const { headDim, store } = layout;
    const turns = turnsOf(workspace, store);
    const words = slotWords(GPU_STORES[store], headDim);
    const gpu = new GpuBuffers(device, tools.traffic);
    const units = layout.slots.length;
    const slots = layout.offsets[units];
    this.gpu = gpu;
    this.#watch = tools.watch;
    this.#convolutions = tools.convolutions;
    this.#source = { buffers: this, kernels, turns, headDim };
    this.#words = new Int32Array(units * UNIT_WORDS);
    this.#units = gpu.storage(units * UNIT_WORDS * 4, "units");
    this.keys = gpu.storage(slots * words.key * 4, "keys");
    this.values = gpu.storage(slots * words.value * 4, "values");
    this.biases = gpu.storage(slots * 4, "biases");
    this.attention = gpu.storage(slots * 4, "attention");
    const corrections = corrected
      ? gpu.storageOf(correctionWords(corrected), "corrections")
      : workspace.nothing;
    const { query, key, value, attended, softmax, angles } = workspace;
    const within = { 0: workspace.layers, 1: workspace.step, 2: this.#units };
    this.rotate = kernels.rotate.bind({ ...within, 3: angles, 4: query });
    this.append = kernels.append.bind({
      ...within,
      3: turns,
      7: this.keys,
      8: this.values,
      9: this.biases,
      12: key,
      13: value,
    });
    const spread = kernels.spread
      ? gpu.storage(mostLive(layout) * headDim * 4, "spread keys")
      : this.keys;
    this.spread = kernels.spread?.bind({
      ...within,
      3: turns,
      5: this.keys,
      16: spread,
    }) ?? null;
    const read = {
      ...within,
      4: query,
      5: spread,
      9: this.biases,
      10: corrections,
      11: softmax,
    };
    this.attend = kernels.attend.bind({
      ...read,
      6: this.values,
      12: attended,
    });
    this.score = kernels.score.bind({ ...read, 12: this.attention });
    this.compactor = layout.block > 0
      ? new Compactor(this.#source, slots)
      : null;
    this.#staging = gpu.staging(slots * 4, "slots");
    this.#biases = new Float32Array(slots);
  }

  get convolver(): SlotConvolver {
    const units = this.#words.length / UNIT_WORDS;
    return this.#convolver ??= new SlotConvolver(
      this.#convolutions,
      this,
      new SlotUnpacker(this.#source, this.#biases.length, "both"),
      units,
    );
  }

  /** What takes at least `count` keys out of their slots. */
  keysOf(count: number): SlotUnpacker {
    if (!this.#observed || this.#observed.room < count) {
      this.#observed = new SlotUnpacker(this.#source, count, "keys");
    }
    return this.#observed;
  }

  /** What takes the keys of all slots out of them as they are seen. */
  get turnedKeys(): SlotUnpacker {
    const slots = this.#biases.length;
    return this.#turned ??= new SlotUnpacker(
      this.#source,
      slots,
      "turnedKeys",
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

/** Bytes of the largest array over slots that a dialogue will need. */
export function largestArray(
  layout: CacheLayout,
  { keys, likest, convolutions }: Needs,
): number {
  const { headDim, store, offsets, slots } = layout;
  const words = slotWords(GPU_STORES[store], headDim);
  const isUnpacked = keys === true || likest || convolutions;
  const unpacked = isUnpacked ? headDim : 0;
  const record = Math.max(words.key, words.value, unpacked);
  const spread = store === "int4" ? mostLive(layout) * headDim : 0;
  return Math.max(offsets[slots.length] * record, spread) * 4;
}

/** What the keys of a store are turned by. */
function turnsOf({ angles, turns }: Workspace, store: StoreName): GPUBuffer {
  return GPU_STORES[store].keys === "int8" ? turns : angles;
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
