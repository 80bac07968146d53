/**
 * The kernel that picks out the highest logits: see `top.wgsl`.
 *
 * @module
 */
import { Kernel } from "./kernel.ts";
import top from "./top.wgsl" with { type: "text" };

/** So many logits, at least, are among those that come out. */
export const RANK = 64;

/** Room for so many: those that reach the floor are some more than RANK. */
const MOST = 128;

/** Bytes that come out: a head of four words, then id and logit of each. */
export const TOP_BYTES = 16 + 8 * MOST;

/** Logits that are so far apart have different weights in f32, under any temperature that a request may ask for. */
const CLEAR = 1e-5;

/** Compiles it for a vocabulary. */
export function loadTopKernel(
  device: GPUDevice,
  vocab: number,
): Promise<Kernel> {
  const constants = { VOCAB: vocab, RANK, MOST };
  const code = Object.entries(constants)
    .map(([name, value]) => `const ${name} = ${value}u;\n`).join("") + top;
  return Kernel.create(device, "top", code, { 4: "read", 5: "write" });
}

/**
 * Puts the logits that came out into `logits` [vocab], which holds lower ones.
 *
 * @param bytes What the kernel wrote.
 * @param top How many of the highest are wanted.
 * @returns Whether these are surely among them, ties included; where not, `logits` is not changed.
 */
export function readTop(
  bytes: ArrayBuffer,
  top: number,
  logits: Float32Array,
): boolean {
  const words = new Uint32Array(bytes, 0, TOP_BYTES / 4);
  const floats = new Float32Array(bytes, 0, TOP_BYTES / 4);
  const [odd, count] = words;
  if (odd || count > MOST) return false;
  const clear = floats[2] + CLEAR;
  let above = 0;
  for (let i = 0; i < count; i++) if (floats[5 + 2 * i] > clear) above++;
  if (above < Math.min(top, logits.length)) return false;
  for (let i = 0; i < count; i++) {
    logits[words[4 + 2 * i]] = floats[5 + 2 * i];
  }
  return true;
}
