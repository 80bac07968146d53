/**
 * The kernels of attention over slots on a GPU; each `.wgsl` beside this file is one operation.
 *
 * @module
 */
import append from "./append.wgsl" with { type: "text" };
import attend from "./attend.wgsl" with { type: "text" };
import common from "./common.wgsl" with { type: "text" };
import embed from "./embed.wgsl" with { type: "text" };
import gather from "./gather.wgsl" with { type: "text" };
import { type Binding, Kernel } from "./kernel.ts";
import logit from "./logit.wgsl" with { type: "text" };
import rotate from "./rotate.wgsl" with { type: "text" };
import score from "./score.wgsl" with { type: "text" };
import turn from "./turn.wgsl" with { type: "text" };

/** Sizes that are compiled into the kernels; `headDim` is a multiple of 4. */
export interface HeadShape {
  readonly headDim: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly ropeDim: number;
}

/** See the first lines of each kernel's file. */
export interface GpuKernels {
  readonly rotate: Kernel;
  readonly append: Kernel;
  readonly attend: Kernel;
  readonly score: Kernel;
  readonly gather: Kernel;
}

/** The first bindings of every kernel that runs within a layer. */
const WITHIN_LAYER = { 0: "layer", 1: "uniform", 2: "read" } as const;

const KERNELS: Readonly<
  Record<keyof GpuKernels, {
    parts: readonly string[];
    bindings: Readonly<Record<number, Binding>>;
  }>
> = {
  rotate: {
    parts: [common, turn, rotate],
    bindings: { ...WITHIN_LAYER, 3: "read", 4: "write" },
  },
  append: {
    parts: [common, turn, append],
    bindings: {
      ...WITHIN_LAYER,
      3: "read",
      4: "read",
      5: "read",
      6: "write",
      7: "write",
      8: "write",
    },
  },
  attend: {
    parts: [common, logit, attend],
    bindings: {
      ...WITHIN_LAYER,
      4: "read",
      5: "read",
      6: "read",
      7: "read",
      8: "read",
      9: "write",
      10: "write",
    },
  },
  score: {
    parts: [common, logit, score],
    bindings: {
      ...WITHIN_LAYER,
      4: "read",
      5: "read",
      6: "read",
      7: "read",
      8: "read",
      9: "write",
    },
  },
  gather: {
    parts: [turn, gather],
    bindings: {
      3: "read",
      4: "read",
      5: "read",
      6: "read",
      7: "write",
      8: "write",
    },
  },
};

/**
 * Compiles all kernels.
 *
 * @throws {Error} If the device refuses one; the message names it.
 */
export async function loadGpuKernels(
  device: GPUDevice,
  shape: HeadShape,
): Promise<GpuKernels> {
  const constants = constantsOf({
    HEAD_DIM: shape.headDim,
    HEADS: shape.heads,
    KV_HEADS: shape.kvHeads,
    ROPE_DIM: shape.ropeDim,
  }) + `const SCALE = f32(${1 / Math.sqrt(shape.headDim)});\n`;
  const kernels: Partial<Record<keyof GpuKernels, Kernel>> = {};
  for (const [name, { parts, bindings }] of Object.entries(KERNELS)) {
    const code = [constants, ...parts].join("\n");
    const kernel = await Kernel.create(device, name, code, bindings);
    kernels[name as keyof GpuKernels] = kernel;
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

function constantsOf(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `const ${name} = ${value}u;\n`)
    .join("");
}

/** Words of a unit in `units`: see `common.wgsl`. */
export const UNIT_WORDS = 8;

/** Words of the step uniform. */
export const STEP_WORDS = 4;

/** What `gather` skips. */
export const NOTHING = -(2 ** 31);

/**
 * The table of angles that the kernels turn by: see `turn.wgsl`.
 *
 * @param frequencies [ropeDim / 2] radians per position.
 * @returns [4, 256, ropeDim / 2, 2]
 */
export function angleTable(
  frequencies: Float64Array,
): Float32Array<ArrayBuffer> {
  const table = new Float32Array(4 * 256 * frequencies.length * 2);
  let at = 0;
  for (let place = 0; place < 4; place++) {
    for (let digit = 0; digit < 256; digit++) {
      for (const frequency of frequencies) {
        const angle = digit * 256 ** place * frequency;
        table[at++] = Math.cos(angle);
        table[at++] = Math.sin(angle);
      }
    }
  }
  return table;
}
