/**
 * Whether a device's kernels compute what {@link ReferenceKernels} defines: at start on one small case, and in the tests on
 * many.
 *
 * @module
 */
import { GPU_STORES, type GpuStoreName } from "./gpu_stores.ts";
import { KernelBench, keysOutcome } from "./kernel_bench.ts";
import {
  type KernelCase,
  makeUp,
  type Operation,
  type Results,
} from "./kernel_case.ts";
import { Reference } from "./kernel_reference.ts";
import { type Arithmetic, loadGpuKernels } from "./kernels.ts";
import {
  errorOf,
  numbersOutcome,
  type Records,
  slotsOutcome,
} from "./outcome.ts";

/** Of each operation, the largest error by the size of what was expected; infinite where it rounds otherwise. */
export type KernelErrors = Readonly<Record<Operation, number>>;

/** Errors past which a kernel is wrong: exponentials and sums over hundreds of slots, and turns of up to four factors. */
const TOLERANCES: KernelErrors = {
  rotate: 2e-6,
  append: 2e-6,
  attend: 1e-5,
  score: 1e-5,
  gather: 2e-6,
  unpackKeys: 2e-6,
  unpackTurned: 2e-6,
  unpackValues: 2e-6,
};

/** Where queries are rounded to f16, by 2^-11 of their size at most. */
const F16_TOLERANCES: KernelErrors = {
  ...TOLERANCES,
  attend: 2e-3,
  score: 2e-3,
};

/** Those of either arithmetic. */
export function tolerances(arithmetic: Arithmetic): KernelErrors {
  return arithmetic === "f16" ? F16_TOLERANCES : TOLERANCES;
}

const SMALL: Omit<KernelCase, "store" | "arithmetic"> = {
  headDim: 32,
  heads: 6,
  kvHeads: 2,
  ropeDim: 24,
  live: 67,
  appended: 2,
  tokens: 5,
  observed: 1,
  position: 70_000,
  share: 0.25,
};

/**
 * Runs every kernel of a store once.
 *
 * @throws {Error} If one is wrong; the message names it.
 */
export async function selfTest(
  device: GPUDevice,
  store: GpuStoreName,
  arithmetic: Arithmetic,
): Promise<void> {
  const test = { ...SMALL, store, arithmetic };
  const errors = await kernelErrors(device, test);
  for (const [name, error] of Object.entries(errors)) {
    if (error <= tolerances(arithmetic)[name as Operation]) continue;
    throw new Error(
      `Cannot trust the GPU: its kernel ${name} over ${store} slots in ${arithmetic} is wrong by ${error}`,
    );
  }
}

/** Runs the step and the compaction of `test` on the device and by the reference. */
export async function kernelErrors(
  device: GPUDevice,
  test: KernelCase,
): Promise<KernelErrors> {
  const given = makeUp(test);
  const reference = new Reference(test, given);
  const bench = new KernelBench(device, test, given, reference.records);
  const { store, arithmetic } = test;
  bench.run(await loadGpuKernels(device, test, store, arithmetic));
  const { results: actual, appended } = await bench.results();

  const slots = (records: Records) =>
    slotsOutcome(GPU_STORES[store], test.headDim, records);
  const keys = (vectors: Float32Array) =>
    keysOutcome(test, given, appended, vectors);
  const rotate = numbersOutcome(reference.rotate());
  reference.append();
  const append = slots(reference.records);
  reference.adopt(appended);
  const { output, mass } = reference.attend();
  const expected: Results = {
    rotate,
    append,
    attend: numbersOutcome(output),
    score: numbersOutcome(mass),
    gather: slots(reference.gather()),
    unpackKeys: keys(reference.unpackKeys()),
    unpackTurned: keys(reference.unpackTurned()),
    unpackValues: numbersOutcome(reference.unpackValues()),
  };
  const errors: Partial<Record<Operation, number>> = {};
  for (const name of Object.keys(expected) as Operation[]) {
    errors[name] = errorOf(actual[name], expected[name]);
  }
  return errors as KernelErrors;
}
