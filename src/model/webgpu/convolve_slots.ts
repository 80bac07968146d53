/**
 * Convolutions over slots on the device.
 *
 * @module
 */
import type { Convolution, SlotConvolution } from "../../cache/convolution.ts";
import type { SlotTable } from "../../cache/slots.ts";
import type { GpuBuffers } from "../../kernels/webgpu/buffers.ts";
import {
  type ConvolveRequest,
  dispatchConvolution,
  requestWords,
} from "../../kernels/webgpu/convolve.ts";
import {
  type BoundKernel,
  type Kernel,
  LAYER_STRIDE,
} from "../../kernels/webgpu/kernel.ts";
import type { SlotBuffers } from "./slot_buffers.ts";
import type { SlotUnpacker } from "./unpack.ts";
import { withinMemory } from "./within_memory.ts";

/** Weights of convolutions on a device: brought there once, for all dialogues. */
export class ConvolutionWeights {
  readonly kernel: Kernel;
  readonly #gpu: GpuBuffers;
  readonly #known = new Map<Convolution, readonly [GPUBuffer, GPUBuffer]>();

  constructor(gpu: GpuBuffers, kernel: Kernel) {
    this.#gpu = gpu;
    this.kernel = kernel;
  }

  /** Weight and bias. */
  of(convolution: Convolution): readonly [GPUBuffer, GPUBuffer] {
    const known = this.#known.get(convolution);
    if (known) return known;
    const { weight, bias } = convolution;
    const both = [
      this.#gpu.storageOf(weight.slice(), "convolution"),
      this.#gpu.storageOf(bias.slice(), "convolution"),
    ] as const;
    this.#known.set(convolution, both);
    return both;
  }
}

/** Computes those of one dialogue. */
export class SlotConvolver {
  readonly #weights: ConvolutionWeights;
  readonly #buffers: SlotBuffers;
  /** With values; has room for all slots. */
  readonly #unpacker: SlotUnpacker;
  /** A request every LAYER_STRIDE bytes; each unit has one at most. */
  readonly #requests: GPUBuffer;
  #output: GPUBuffer | null = null;
  /** Bound to `#output` and to the weights of each. */
  readonly #bound = new Map<Convolution, BoundKernel>();

  constructor(
    weights: ConvolutionWeights,
    buffers: SlotBuffers,
    unpacker: SlotUnpacker,
    units: number,
  ) {
    this.#weights = weights;
    this.#buffers = buffers;
    this.#unpacker = unpacker;
    this.#requests = buffers.gpu.uniform(units * LAYER_STRIDE, "requests");
  }

  /**
   * The outcome of each, [rows, slots], by its unit.
   *
   * @throws {RangeError} If the device has not enough memory.
   */
  async run(
    slots: SlotTable,
    wanted: readonly SlotConvolution[],
  ): Promise<Map<number, Float32Array>> {
    const outcomes = new Map<number, Float32Array>();
    if (wanted.length === 0) return outcomes;
    const { gpu } = this.#buffers;
    const { requests, outputs } = layOut(wanted);
    await withinMemory(
      gpu.device,
      () => this.#reserve(wanted, outputs * 4),
      "convolutions over slots",
    );
    this.#unpack(slots, wanted);
    gpu.write(this.#requests, requestWords(requests));
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    requests.forEach((request, i) => {
      const kernel = this.#bound.get(wanted[i].convolution)!;
      dispatchConvolution(kernel, pass, request, i);
    });
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    const all = await this.#buffers.download(this.#output!, outputs * 4);
    requests.forEach(({ output, rows, count }, i) => {
      const outcome = all.subarray(output, output + rows * count);
      outcomes.set(wanted[i].unit, outcome);
    });
    return outcomes;
  }

  /** Puts keys and values of what is wanted side by side, unit after unit. */
  #unpack(
    { offsets, position }: SlotTable,
    wanted: readonly SlotConvolution[],
  ): void {
    const count = wanted.reduce((sum, { slots }) => sum + slots.length, 0);
    this.#unpacker.run(count, (name) => {
      let to = 0;
      for (const { unit, slots } of wanted) {
        for (const slot of slots) {
          const at = offsets[unit] + slot;
          name(to++, at, position[at]);
        }
      }
    });
  }

  /** Makes room for so many bytes that come out, and brings over what is not there yet. */
  #reserve(wanted: readonly SlotConvolution[], bytes: number): void {
    const { gpu } = this.#buffers;
    if (!this.#output || this.#output.size < bytes) {
      this.#output?.destroy();
      // The rest of a block's slots differs from one compaction to the next, though not by much.
      this.#output = gpu.storage(bytes * 1.25, "convolved");
      this.#bound.clear();
    }
    for (const { convolution } of wanted) {
      if (this.#bound.has(convolution)) continue;
      const [weight, bias] = this.#weights.of(convolution);
      const kernel = this.#weights.kernel.bind({
        0: this.#requests,
        4: this.#unpacker.keys,
        5: this.#unpacker.values!,
        6: weight,
        7: bias,
        8: this.#output,
      });
      this.#bound.set(convolution, kernel);
    }
  }
}

/** One request behind the other. */
function layOut(
  wanted: readonly SlotConvolution[],
): { requests: ConvolveRequest[]; outputs: number } {
  const requests: ConvolveRequest[] = [];
  let first = 0, output = 0;
  for (const { slots, convolution: { rows, taps } } of wanted) {
    const count = slots.length;
    requests.push({ first, count, rows, taps, output });
    first += count;
    output += rows * count;
  }
  return { requests, outputs: output };
}
