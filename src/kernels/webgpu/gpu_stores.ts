/**
 * In what forms slots are held on a GPU: what kernels are put together from, and how much room a slot takes.
 *
 * @module
 */
import bytes from "./bytes.wgsl" with { type: "text" };
import nibbles from "./nibbles.wgsl" with { type: "text" };
import keysF32 from "./slots/keys_f32.wgsl" with { type: "text" };
import keysInt4 from "./slots/keys_int4.wgsl" with { type: "text" };
import keysInt8 from "./slots/keys_int8.wgsl" with { type: "text" };
import keysSpread from "./slots/keys_spread.wgsl" with { type: "text" };
import valuesF32 from "./slots/values_f32.wgsl" with { type: "text" };
import valuesInt4 from "./slots/values_int4.wgsl" with { type: "text" };
import valuesInt8 from "./slots/values_int8.wgsl" with { type: "text" };
import turn from "./turn.wgsl" with { type: "text" };
import turnBytes from "./turn_bytes.wgsl" with { type: "text" };

/** How keys or values are held: as in `slots/`. */
export type Form = "f32" | "int8" | "int4";

/** How slots are held; see `STORES` of the cache. */
export interface GpuStore {
  readonly keys: Form;
  readonly values: Form;
}

/** By the names that the cache has for them. */
export const GPU_STORES = {
  f32: { keys: "f32", values: "f32" },
  int8: { keys: "int8", values: "int8" },
  k8v4: { keys: "int8", values: "int4" },
  int4: { keys: "int4", values: "int4" },
} as const satisfies Readonly<Record<string, GpuStore>>;

/** The name of a store. */
export type GpuStoreName = keyof typeof GPU_STORES;

/** What the records of a slot are made of, in order, in 32-bit words: numbers, their scale, and where a key is not turned, its position. */
export function slotParts(
  { keys, values }: GpuStore,
  headDim: number,
): { readonly key: readonly number[]; readonly value: readonly number[] } {
  const key = PARTS[keys](headDim);
  return {
    key: keys === "int4" ? [...key, 1] : key,
    value: PARTS[values](headDim),
  };
}

/** Words of a slot's key and of its value. */
export function slotWords(
  store: GpuStore,
  headDim: number,
): { readonly key: number; readonly value: number } {
  const { key, value } = slotParts(store, headDim);
  return { key: sum(key), value: sum(value) };
}

function sum(parts: readonly number[]): number {
  return parts.reduce((a, b) => a + b);
}

/** Of a vector: numbers, scale. */
const PARTS: Readonly<Record<Form, (headDim: number) => number[]>> = {
  f32: (headDim) => [headDim],
  int8: (headDim) => [headDim / 4, 1],
  int4: (headDim) => [headDim / 8, 1],
};

/** The code that a store's kernels share. */
export function storeParts({ keys, values }: GpuStore): readonly string[] {
  const hasBytes = keys === "int8" || values === "int8";
  const hasNibbles = keys === "int4" || values === "int4";
  return [
    keys === "int8" ? turnBytes : turn,
    ...hasBytes ? [bytes] : [],
    ...hasNibbles ? [nibbles] : [],
    { f32: keysF32, int8: keysInt8, int4: keysInt4 }[keys],
    { f32: valuesF32, int8: valuesInt8, int4: valuesInt4 }[values],
  ];
}

/** The same for attention, which reads keys of 4 bits as `spread` left them. */
export function attentionParts({ keys, values }: GpuStore): readonly string[] {
  if (keys !== "int4") return storeParts({ keys, values });
  const parts = storeParts({ keys: "f32", values });
  return parts.map((part) => part === keysF32 ? keysSpread : part);
}
