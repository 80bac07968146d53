/**
 * The kernels' run over a made-up case.
 *
 * @module
 */
import { GpuBuffers } from "./buffers.ts";
import { GPU_STORES, slotWords } from "./gpu_stores.ts";
import { LAYER_STRIDE } from "./kernel.ts";
import {
  type Given,
  type KernelCase,
  LAYER,
  type Results,
} from "./kernel_case.ts";
import { type GpuKernels, NOTHING, STEP_WORDS, UNIT_WORDS } from "./kernels.ts";
import {
  numbersOutcome,
  type Outcome,
  type Records,
  slotsOutcome,
} from "./outcome.ts";
import { angleTable, turnTable } from "./turn_tables.ts";

/** A device with a case in its buffers. */
export class KernelBench {
  readonly #gpu: GpuBuffers;
  readonly #test: KernelCase;
  readonly #given: Given;
  readonly #buffers;

  constructor(
    device: GPUDevice,
    test: KernelCase,
    given: Given,
    { keys, values }: Records,
  ) {
    const gpu = new GpuBuffers(device);
    const rows = test.tokens * test.heads;
    const floats = given.keys.byteLength;
    const { frequencies } = given;
    const turns = GPU_STORES[test.store].keys === "int8"
      ? turnTable(frequencies)
      : angleTable(frequencies);
    this.#gpu = gpu;
    this.#test = test;
    this.#given = given;
    this.#buffers = {
      layers: gpu.uniform(LAYER_STRIDE * 2, "layers"),
      step: gpu.uniform(STEP_WORDS * 4, "step"),
      units: gpu.storageOf(unitWords(test, given), "units"),
      angles: gpu.storageOf(angleTable(frequencies), "angles"),
      turns: gpu.storageOf(turns, "turns"),
      queries: gpu.storageOf(given.queries, "queries"),
      newKeys: gpu.storageOf(given.newKeys, "new keys"),
      newValues: gpu.storageOf(given.newValues, "new values"),
      keys: gpu.storageOf(keys, "keys"),
      values: gpu.storageOf(values, "values"),
      biases: gpu.storageOf(given.biases, "biases"),
      corrections: gpu.storageOf(given.corrections, "corrections"),
      output: gpu.storage(given.queries.byteLength, "output"),
      softmax: gpu.storage(rows * 8, "softmax"),
      attention: gpu.storage(given.slots * 4, "attention"),
      plan: gpu.storageOf(given.plan, "plan"),
      wanted: gpu.storageOf(given.wanted, "wanted"),
      spread: gpu.storage(floats, "spread"),
      unpackedKeys: gpu.storage(floats, "unpacked keys"),
      unpackedTurned: gpu.storage(floats, "unpacked turned keys"),
      unpackedValues: gpu.storage(floats, "unpacked values"),
      keysOut: gpu.storage(keys.byteLength, "keys out"),
      valuesOut: gpu.storage(values.byteLength, "values out"),
      staging: gpu.staging(Math.max(floats, given.queries.byteLength), "out"),
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
    const b = this.#buffers;
    const count = Math.ceil(this.#given.slots / 7);
    const slots = { 3: b.turns, 5: b.keys };
    kernels.gather.bind({
      ...slots,
      6: b.values,
      7: b.keysOut,
      8: b.valuesOut,
      14: b.plan,
    }).dispatch(pass, 7, count);
    kernels.unpackKeys
      .bind({ ...slots, 14: b.wanted, 15: b.unpackedKeys })
      .dispatch(pass, 7, count);
    kernels.unpackTurned
      .bind({ ...slots, 14: b.wanted, 15: b.unpackedTurned })
      .dispatch(pass, 7, count);
    kernels.unpackValues
      .bind({ 6: b.values, 14: b.wanted, 15: b.unpackedValues })
      .dispatch(pass, 7, count);
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  #step(pass: GPUComputePassEncoder, kernels: GpuKernels): void {
    const { heads, kvHeads, ropeDim, tokens } = this.#test;
    const { slots } = this.#given;
    const b = this.#buffers;
    const groups = (count: number) => Math.ceil(count / 64);
    const within = { 0: b.layers, 1: b.step, 2: b.units };
    kernels.rotate.bind({ ...within, 3: b.angles, 4: b.queries })
      .dispatch(pass, groups(tokens * heads * ropeDim / 2), 1, LAYER);
    kernels.append.bind({
      ...within,
      3: b.turns,
      7: b.keys,
      8: b.values,
      9: b.biases,
      12: b.newKeys,
      13: b.newValues,
    }).dispatch(pass, kvHeads, tokens, LAYER);
    kernels.spread?.bind({ ...within, 3: b.turns, 5: b.keys, 16: b.spread })
      .dispatch(pass, slots, kvHeads, LAYER);
    const read = {
      ...within,
      4: b.queries,
      5: kernels.spread ? b.spread : b.keys,
      9: b.biases,
      10: b.corrections,
      11: b.softmax,
    };
    kernels.attend.bind({ ...read, 6: b.values, 12: b.output })
      .dispatch(pass, heads, tokens, LAYER);
    kernels.score.bind({ ...read, 12: b.attention })
      .dispatch(pass, groups(slots), kvHeads, LAYER);
  }

  /** Reads back what the kernels made, and what the slots hold after the step; frees the buffers. */
  async results(): Promise<{ results: Results; appended: Records }> {
    const { staging, ...b } = this.#buffers;
    const { queries, keys, slots } = this.#given;
    const read = (buffer: GPUBuffer, count: number) =>
      this.#gpu.download(buffer, staging, count * 4);
    const { store, headDim } = this.#test;
    const words = slotWords(GPU_STORES[store], headDim);
    const records = async (keys: GPUBuffer, values: GPUBuffer) => ({
      keys: new Int32Array((await read(keys, slots * words.key)).buffer),
      values: new Int32Array((await read(values, slots * words.value)).buffer),
    });
    const appended = await records(b.keys, b.values);
    const gathered = await records(b.keysOut, b.valuesOut);
    const unpacked = async (buffer: GPUBuffer) => {
      const vectors = await read(buffer, keys.length);
      return keysOutcome(this.#test, this.#given, appended, vectors);
    };
    const results = {
      rotate: numbersOutcome(await read(b.queries, queries.length)),
      append: slotsOutcome(GPU_STORES[store], headDim, appended),
      attend: numbersOutcome(await read(b.output, queries.length)),
      score: numbersOutcome(await read(b.attention, slots)),
      gather: slotsOutcome(GPU_STORES[store], headDim, gathered),
      unpackKeys: await unpacked(b.unpackedKeys),
      unpackTurned: await unpacked(b.unpackedTurned),
      unpackValues: numbersOutcome(await read(b.unpackedValues, keys.length)),
    };
    this.#gpu.destroy();
    return { results, appended };
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

/** Keys in 8 bits are turned in whole numbers: by their scales they are compared as such. */
export function keysOutcome(
  { store, headDim }: KernelCase,
  { wanted }: Given,
  { keys }: Records,
  unpacked: Float32Array,
): Outcome {
  if (GPU_STORES[store].keys !== "int8") return numbersOutcome(unpacked);
  const scales = new Float32Array(keys.buffer);
  const words = headDim / 4 + 1;
  const levels = Array.from(unpacked, (x, i) => {
    const slot = wanted[1 + 2 * Math.floor(i / headDim)];
    return slot === NOTHING
      ? x
      : Math.round(x / scales[(slot + 1) * words - 1]);
  });
  return { numbers: [], levels };
}
