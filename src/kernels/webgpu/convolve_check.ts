/**
 * Whether a device's `convolve` computes what {@link ReferenceKernels} defines.
 *
 * @module
 */
import { LinearMemory } from "../memory.ts";
import { ReferenceKernels } from "../reference.ts";
import { GpuBuffers } from "./buffers.ts";
import {
  type ConvolveRequest,
  dispatchConvolution,
  loadConvolveKernel,
  requestWords,
} from "./convolve.ts";
import { noise } from "./kernel_case.ts";
import { LAYER_STRIDE } from "./kernel.ts";
import { worst } from "./outcome.ts";

/** Convolutions over a made-up sequence; vectors that none of them looks at lie between. */
export interface ConvolveCase {
  readonly headDim: number;
  readonly rows: number;
  readonly taps: number;
  /** Vectors of each request. */
  readonly counts: readonly number[];
}

/** What goes in. */
interface Given {
  readonly requests: readonly ConvolveRequest[];
  readonly keys: Float32Array<ArrayBuffer>;
  readonly values: Float32Array<ArrayBuffer>;
  readonly weight: Float32Array<ArrayBuffer>;
  readonly bias: Float32Array<ArrayBuffer>;
  /** Numbers that come out. */
  readonly outputs: number;
}

/** Error past which the kernel is wrong: sums over thousands of products. */
export const CONVOLVE_TOLERANCE = 1e-5;

const SMALL: ConvolveCase = { headDim: 16, rows: 6, taps: 5, counts: [3, 70] };

/**
 * Runs it once.
 *
 * @throws {Error} If it is wrong.
 */
export async function testConvolve(device: GPUDevice): Promise<void> {
  const error = await convolveError(device, SMALL);
  if (error <= CONVOLVE_TOLERANCE) return;
  throw new Error(
    `Cannot trust the GPU: its kernel convolve is wrong by ${error}`,
  );
}

/** Runs `test` on the device and by the reference; gives the largest error by the size of what was expected. */
export async function convolveError(
  device: GPUDevice,
  test: ConvolveCase,
): Promise<number> {
  const given = makeUp(test);
  const actual = await onDevice(device, test, given);
  return worst(actual, byReference(test, given));
}

function makeUp({ headDim, rows, taps, counts }: ConvolveCase): Given {
  const requests: ConvolveRequest[] = [];
  let first = 2, output = 0;
  for (const count of counts) {
    requests.push({ first, count, rows, taps, output });
    first += count + 1;
    output += rows * count;
  }
  return {
    requests,
    keys: noise(1, first * headDim),
    values: noise(2, first * headDim),
    weight: noise(3, rows * taps * 2 * headDim),
    bias: noise(4, rows),
    outputs: output,
  };
}

async function onDevice(
  device: GPUDevice,
  { headDim }: ConvolveCase,
  { requests, keys, values, weight, bias, outputs }: Given,
): Promise<Float32Array> {
  const gpu = new GpuBuffers(device);
  const uniform = gpu.uniform(requests.length * LAYER_STRIDE, "requests");
  gpu.write(uniform, requestWords(requests));
  const output = gpu.storage(outputs * 4, "output");
  const kernel = (await loadConvolveKernel(device, headDim)).bind({
    0: uniform,
    4: gpu.storageOf(keys, "keys"),
    5: gpu.storageOf(values, "values"),
    6: gpu.storageOf(weight, "weight"),
    7: gpu.storageOf(bias, "bias"),
    8: output,
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  requests.forEach((request, i) =>
    dispatchConvolution(kernel, pass, request, i)
  );
  pass.end();
  device.queue.submit([encoder.finish()]);
  const staging = gpu.staging(outputs * 4, "out");
  const actual = await gpu.download(output, staging, outputs * 4);
  gpu.destroy();
  return actual;
}

function byReference(
  { headDim, rows, taps }: ConvolveCase,
  { requests, keys, values, weight, bias, outputs }: Given,
): Float32Array {
  const memory = new LinearMemory();
  const kernels = new ReferenceKernels(memory);
  const place = (values: Float32Array) => {
    const pointer = memory.allocate(values.byteLength);
    memory.f32.set(values, pointer / 4);
    return pointer;
  };
  const weights = place(weight), biases = place(bias);
  const output = place(new Float32Array(outputs));
  const step = 2 * headDim, padding = (taps >> 1) * step;
  for (const { first, count, output: at } of requests) {
    const x = new Float32Array(count * step + 2 * padding);
    for (let i = 0; i < count; i++) {
      const from = (first + i) * headDim, to = from + headDim;
      x.set(keys.subarray(from, to), padding + i * step);
      x.set(values.subarray(from, to), padding + i * step + headDim);
    }
    kernels.convolve(
      weights,
      biases,
      place(x),
      output + at * 4,
      rows,
      taps * step,
      step,
      count,
    );
  }
  return memory.f32.slice(output / 4, output / 4 + outputs);
}
