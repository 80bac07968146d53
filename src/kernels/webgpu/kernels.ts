/**
 * The kernels of attention over slots on a GPU; each `.wgsl` beside this file is one operation, or a part of several.
 *
 * @module
 */
import append from "./append.wgsl" with { type: "text" };
import attend from "./attend.wgsl" with { type: "text" };
import common from "./common.wgsl" with { type: "text" };
import embed from "./embed.wgsl" with { type: "text" };
import gather from "./gather.wgsl" with { type: "text" };
import {
  attentionParts,
  GPU_STORES,
  type GpuStore,
  type GpuStoreName,
  storeParts,
} from "./gpu_stores.ts";
import { type Binding, Kernel } from "./kernel.ts";
import logit from "./logit.wgsl" with { type: "text" };
import rotate from "./rotate.wgsl" with { type: "text" };
import score from "./score.wgsl" with { type: "text" };
import spread from "./spread.wgsl" with { type: "text" };
import turn from "./turn.wgsl" with { type: "text" };
import unpack from "./unpack.wgsl" with { type: "text" };
import unpackKeys from "./unpack_keys.wgsl" with { type: "text" };
import unpackTurned from "./unpack_turned.wgsl" with { type: "text" };
import unpackValues from "./unpack_values.wgsl" with { type: "text" };
import vector from "./vector.wgsl" with { type: "text" };

/** Sizes that are compiled into the kernels; `headDim` is a multiple of 4, and of what its store says. */
export interface HeadShape {
  readonly headDim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly ropeDim: number;
}

/**
 * What queries are multiplied with keys in. Products of f16 are added up in f32, four at a time. They are for keys of 8 bits,
 * which f16 holds exactly, so that rounding the query is all it costs.
 */
export type Arithmetic = "f32" | "f16";

/** The kernels of one store; see the first lines of each one's file. */
export interface GpuKernels {
  readonly rotate: Kernel;
  readonly append: Kernel;
  /** Null where attention reads keys as they are held. */
  readonly spread: Kernel | null;
  readonly attend: Kernel;
  readonly score: Kernel;
  readonly gather: Kernel;
  readonly unpackKeys: Kernel;
  readonly unpackTurned: Kernel;
  readonly unpackValues: Kernel;
}

/** A kernel's code, apart from the constants, and its bindings by number, which mean the same in all of them. */
interface Recipe {
  parts(store: GpuStore): readonly string[];
  readonly bindings: Readonly<Record<number, Binding>>;
}

/** The first bindings of every kernel that runs within a layer. */
const WITHIN_LAYER = { 0: "layer", 1: "uniform", 2: "read" } as const;

/** What `logit.wgsl` reads. */
const LOGIT = { 4: "read", 5: "read", 9: "read", 10: "read" } as const;

const RECIPES: Readonly<Record<keyof GpuKernels, Recipe>> = {
  rotate: {
    parts: () => [turn, rotate],
    bindings: { ...WITHIN_LAYER, 3: "read", 4: "write" },
  },
  append: {
    parts: (store) => [...storeParts(store), append],
    bindings: {
      ...WITHIN_LAYER,
      3: "read",
      7: "write",
      8: "write",
      9: "write",
      12: "read",
      13: "read",
    },
  },
  spread: {
    parts: (store) => [...storeParts(store), spread],
    bindings: { ...WITHIN_LAYER, 3: "read", 5: "read", 16: "write" },
  },
  attend: {
    parts: (store) => [...attentionParts(store), logit, attend],
    bindings: {
      ...WITHIN_LAYER,
      ...LOGIT,
      6: "read",
      11: "write",
      12: "write",
    },
  },
  score: {
    parts: (store) => [...attentionParts(store), logit, score],
    bindings: { ...WITHIN_LAYER, ...LOGIT, 11: "read", 12: "write" },
  },
  gather: {
    parts: (store) => [...storeParts(store), gather],
    bindings: {
      3: "read",
      5: "read",
      6: "read",
      7: "write",
      8: "write",
      14: "read",
    },
  },
  unpackKeys: {
    parts: (store) => [...storeParts(store), unpackKeys, unpack],
    bindings: { 3: "read", 5: "read", 14: "read", 15: "write" },
  },
  unpackTurned: {
    parts: (store) => [...storeParts(store), unpackTurned, unpack],
    bindings: { 3: "read", 5: "read", 14: "read", 15: "write" },
  },
  unpackValues: {
    parts: (store) => [...storeParts(store), unpackValues, unpack],
    bindings: { 6: "read", 14: "read", 15: "write" },
  },
};

/**
 * Compiles all kernels of a store.
 *
 * @throws {Error} If the device refuses one; the message names it.
 */
export async function loadGpuKernels(
  device: GPUDevice,
  shape: HeadShape,
  name: GpuStoreName,
  arithmetic: Arithmetic,
): Promise<GpuKernels> {
  const head = headOf(shape, arithmetic);
  const store: GpuStore = GPU_STORES[name];
  const kernels: Partial<Record<keyof GpuKernels, Kernel | null>> = {};
  for (const [operation, { parts, bindings }] of Object.entries(RECIPES)) {
    const isMissing = operation === "spread" && store.keys !== "int4";
    const shared = operation === "rotate" ? [common] : [common, vector];
    const code = [head, ...shared, ...parts(store)].join("\n");
    kernels[operation as keyof GpuKernels] = isMissing
      ? null
      : await Kernel.create(device, operation, code, bindings);
  }
  return kernels as GpuKernels;
}

/**
 * Compiles the kernel that reads embeddings.
 *
 * @param bits Of a weight: 4, 8 or 32.
 */
export function loadEmbedKernel(
  device: GPUDevice,
  vocab: number,
  hidden: number,
  bits: 4 | 8 | 32,
): Promise<Kernel> {
  const constants = constantsOf({ VOCAB: vocab, HIDDEN: hidden, BITS: bits });
  return Kernel.create(device, "embed", constants + embed, {
    4: "read",
    5: "read",
    6: "read",
    7: "read",
    8: "write",
  });
}

/** What every kernel's code begins with. */
function headOf(shape: HeadShape, arithmetic: Arithmetic): string {
  const sizes = constantsOf({
    HEAD_DIM: shape.headDim,
    HEADS: shape.heads,
    KV_HEADS: shape.kvHeads,
    ROPE_DIM: shape.ropeDim,
  });
  return [
    arithmetic === "f16" ? "enable f16;" : "",
    `alias Number = ${arithmetic};`,
    `const SCALE = f32(${1 / Math.sqrt(shape.headDim)});`,
    sizes,
  ].join("\n");
}

function constantsOf(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `const ${name} = ${value}u;\n`)
    .join("");
}

/** Words of a unit in `units`: see `common.wgsl`. */
export const UNIT_WORDS = 8;

/** Words of the step uniform. */
export const STEP_WORDS = 4;

/** What kernels skip that go through a list of slots. */
export const NOTHING = -(2 ** 31);
