/**
 * What kernels wrote, and how far apart two such outcomes are.
 *
 * @module
 */
import { type Form, type GpuStore, slotWords } from "./gpu_stores.ts";

/** What an operation wrote. */
export interface Outcome {
  readonly numbers: readonly number[] | Float32Array;
  /** Whole numbers that came of rounding. */
  readonly levels: readonly number[];
}

/** Records of keys and of values. */
export interface Records {
  readonly keys: Int32Array<ArrayBuffer>;
  readonly values: Int32Array<ArrayBuffer>;
}

/** Of the levels of an outcome, so many may differ, each by so many: what is rounded may lie next to the border of two. */
const ROUNDED = { share: 0.01, most: 2 };

/** An outcome that nothing was rounded in. */
export function numbersOutcome(numbers: Float32Array): Outcome {
  return { numbers, levels: [] };
}

/** Takes records apart. */
export function slotsOutcome(
  store: GpuStore,
  headDim: number,
  { keys, values }: Records,
): Outcome {
  const words = slotWords(store, headDim);
  const numbers: number[] = [], levels: number[] = [];
  const read = (form: Form, size: number, records: Int32Array<ArrayBuffer>) => {
    for (let at = 0; at < records.length; at += size) {
      const record = records.slice(at, at + size);
      if (form === "f32") {
        numbers.push(...new Float32Array(record.buffer));
        continue;
      }
      const bytes = new Int8Array(record.buffer);
      const end = form === "int8" ? headDim : headDim / 2;
      for (const byte of bytes.subarray(0, end)) {
        if (form === "int8") levels.push(byte);
        else levels.push(byte & 15, byte >> 4 & 15);
      }
      numbers.push(new Float32Array(record.buffer)[end / 4]);
      // A position is not rounded: ten levels are never the same.
      if (end / 4 + 1 < size) levels.push(record[end / 4 + 1] * 10);
    }
  };
  read(store.keys, words.key, keys);
  read(store.values, words.value, values);
  return { numbers, levels };
}

/** The largest difference of numbers, by the largest that was expected; infinite where levels are not the same. */
export function errorOf(actual: Outcome, expected: Outcome): number {
  let different = 0, most = 0;
  expected.levels.forEach((level, i) => {
    const off = Math.abs(actual.levels[i] - level);
    if (off > 0) different++;
    most = Math.max(most, off);
  });
  const isRounding = different <= expected.levels.length * ROUNDED.share &&
    most <= ROUNDED.most;
  return isRounding ? worst(actual.numbers, expected.numbers) : Infinity;
}

/** The largest difference, by the largest value that was expected. */
export function worst(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
): number {
  let error = 0, size = 1e-3;
  for (let i = 0; i < expected.length; i++) {
    size = Math.max(size, Math.abs(expected[i]));
    // A value that is no number compares with nothing.
    const off = Math.abs(actual[i] - expected[i]);
    error = Math.max(error, Number.isNaN(off) ? Infinity : off);
  }
  return error / size;
}
