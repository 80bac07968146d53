/**
 * Whether a device's kernels compute what {@link ReferenceKernels} defines: at start on one small case, and in the tests on
 * many.
 *
 * @module
 */
import { GpuBuffers } from "./buffers.ts";
import { LAYER_STRIDE } from "./kernel.ts";
import {
  type Given,
  type KernelCase,
  LAYER,
  makeUp,
  type Results,
} from "./kernel_case.ts";
import { referenceResults } from "./kernel_reference.ts";
import {
  angleTable,
  type GpuKernels,
  loadGpuKernels,
  STEP_WORDS,
  UNIT_WORDS,
} from "./kernels.ts";

/** Of each operation, the largest error by the size of what was expected. */
export type KernelErrors = Readonly<Record<keyof GpuKernels, number>>;

/** Errors past which a kernel is wrong: exponentials and sums over hundreds of slots, and turns of up to four factors. */
export const TOLERANCES: KernelErrors = {
  rotate: 2e-6,
  append: 2e-6,
  attend: 1e-5,
  score: 1e-5,
  gather: 2e-6,
};

const SMALL: KernelCase = {
  headDim: 16,
  heads: 6,
  kvHeads: 2,
  ropeDim: 12,
  live: 67,
  appended: 2,
  tokens: 5,
  observed: 1,
  position: 70_000,
  share: 0.25,
};

/**
 * Runs every kernel once.
 *
 * @throws {Error} If one is wrong; the message names it.
 */
export async function selfTest(device: GPUDevice): Promise<void> {
  const errors = await kernelErrors(device, SMALL);
  for (const [name, error] of Object.entries(errors)) {
    if (error <= TOLERANCES[name as keyof GpuKernels]) continue;
    throw new Error(
      `Cannot trust the GPU: its kernel ${name} is wrong by ${error}`,
    );
  }
}

/** Runs the step and the compaction of `test` on the device and by the reference. */
export async function kernelErrors(
  device: GPUDevice,
  test: KernelCase,
): Promise<KernelErrors> {
  const given = makeUp(test);
  const expected = referenceResults(test, given);
  const bench = new Bench(device, test, given);
  bench.run(await loadGpuKernels(device, test));
  const actual = await bench.results();
  const errors: Partial<Record<keyof GpuKernels, number>> = {};
  for (const [name, values] of Object.entries(expected)) {
    const operation = name as keyof GpuKernels;
    errors[operation] = worst(actual[operation], values);
  }
  return errors as KernelErrors;
}

/** A device with a case in its buffers. */
class Bench {
  readonly #gpu: GpuBuffers;
  readonly #test: KernelCase;
  readonly #given: Given;
  readonly #buffers;

  constructor(device: GPUDevice, test: KernelCase, given: Given) {
    const gpu = new GpuBuffers(device);
    const rows = test.tokens * test.heads;
    const bytes = given.keys.byteLength;
    this.#gpu = gpu;
    this.#test = test;
    this.#given = given;
    this.#buffers = {
      layers: gpu.uniform(LAYER_STRIDE * 2, "layers"),
      step: gpu.uniform(STEP_WORDS * 4, "step"),
      units: gpu.storageOf(unitWords(test, given), "units"),
      angles: gpu.storageOf(angleTable(given.frequencies), "angles"),
      queries: gpu.storageOf(given.queries, "queries"),
      newKeys: gpu.storageOf(given.newKeys, "new keys"),
      newValues: gpu.storageOf(given.newValues, "new values"),
      keys: gpu.storageOf(given.keys, "keys"),
      values: gpu.storageOf(given.values, "values"),
      biases: gpu.storageOf(given.biases, "biases"),
      corrections: gpu.storageOf(given.corrections, "corrections"),
      output: gpu.storage(given.queries.byteLength, "output"),
      softmax: gpu.storage(rows * 8, "softmax"),
      attention: gpu.storage(given.slots * 4, "attention"),
      plan: gpu.storageOf(given.plan, "plan"),
      keysOut: gpu.storage(bytes, "keys out"),
      valuesOut: gpu.storage(bytes, "values out"),
      staging: gpu.staging(Math.max(bytes, given.queries.byteLength), "out"),
    };
    const { tokens, appended, observed } = test;
    const layer = Uint32Array.of(LAYER);
    gpu.write(this.#buffers.layers, layer, LAYER_STRIDE * LAYER);
    const step = Uint32Array.of(tokens, appended, observed, 0);
    gpu.write(this.#buffers.step, step);
  }

  run(kernels: GpuKernels): void {
    const { device } = this.#gpu;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    this.#step(pass, kernels);
    const { angles, plan, keys, values, keysOut, valuesOut } = this.#buffers;
    kernels.gather.bind({
      3: angles,
      4: plan,
      5: keys,
      6: values,
      7: keysOut,
      8: valuesOut,
    }).dispatch(pass, 7, Math.ceil(this.#given.slots / 7));
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  #step(pass: GPUComputePassEncoder, kernels: GpuKernels): void {
    const { heads, kvHeads, headDim, ropeDim, tokens } = this.#test;
    const b = this.#buffers;
    const groups = (count: number) => Math.ceil(count / 64);
    const within = { 0: b.layers, 1: b.step, 2: b.units };
    kernels.rotate.bind({ ...within, 3: b.angles, 4: b.queries })
      .dispatch(pass, groups(tokens * heads * ropeDim / 2), 1, LAYER);
    kernels.append.bind({
      ...within,
      3: b.angles,
      4: b.newKeys,
      5: b.newValues,
      6: b.keys,
      7: b.values,
      8: b.biases,
    }).dispatch(pass, groups(tokens * kvHeads * headDim / 2), 1, LAYER);
    const read = {
      ...within,
      4: b.queries,
      5: b.keys,
      6: b.biases,
      7: b.corrections,
    };
    kernels.attend.bind({ ...read, 8: b.values, 9: b.output, 10: b.softmax })
      .dispatch(pass, heads, tokens, LAYER);
    kernels.score.bind({ ...read, 8: b.softmax, 9: b.attention })
      .dispatch(pass, groups(this.#given.slots), kvHeads, LAYER);
  }

  /** Reads back what the kernels made, and frees the buffers. */
  async results(): Promise<Results> {
    const { staging, ...b } = this.#buffers;
    const { queries, keys, slots } = this.#given;
    const read = (buffer: GPUBuffer, count: number) =>
      this.#gpu.download(buffer, staging, count * 4);
    const both = async (first: GPUBuffer, second: GPUBuffer) =>
      Float32Array.from([
        ...await read(first, keys.length),
        ...await read(second, keys.length),
      ]);
    const results = {
      rotate: await read(b.queries, queries.length),
      append: await both(b.keys, b.values),
      attend: await read(b.output, queries.length),
      score: await read(b.attention, slots),
      gather: await both(b.keysOut, b.valuesOut),
    };
    this.#gpu.destroy();
    return results;
  }
}

/** [unit, UNIT_WORDS] */
function unitWords(
  { share }: KernelCase,
  { units, liftFrom, liftTo }: Given,
): Int32Array<ArrayBuffer> {
  const words = new Int32Array(units.length * UNIT_WORDS);
  const floats = new Float32Array(words.buffer);
  units.forEach(({ offset, live, next }, unit) => {
    const at = unit * UNIT_WORDS;
    words.set([offset, live, next], at);
    floats[at + 3] = share;
    words.set([liftFrom, liftTo], at + 4);
  });
  return words;
}

/** The largest difference, by the largest value that was expected. */
export function worst(actual: Float32Array, expected: Float32Array): number {
  let error = 0, size = 1e-3;
  expected.forEach((value, i) => {
    size = Math.max(size, Math.abs(value));
    // A value that is no number compares with nothing.
    const off = Math.abs(actual[i] - value);
    error = Math.max(error, Number.isNaN(off) ? Infinity : off);
  });
  return error / size;
}
