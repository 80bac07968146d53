/**
 * Whether a device finds the highest logits.
 *
 * @module
 */
import { GpuBuffers } from "./buffers.ts";
import { noise } from "./kernel_case.ts";
import { loadTopKernel, readTop, TOP_BYTES } from "./top.ts";

/**
 * What `top.wgsl` and {@link readTop} make of logits: the highest of them among zeros; null where they cannot tell which those
 * are.
 */
export async function highestOf(
  device: GPUDevice,
  logits: Float32Array<ArrayBuffer>,
  top: number,
): Promise<Float32Array | null> {
  const gpu = new GpuBuffers(device);
  const found = gpu.storage(TOP_BYTES, "highest logits");
  const kernel = await loadTopKernel(device, logits.length);
  const bound = kernel.bind({ 4: gpu.storageOf(logits, "logits"), 5: found });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  bound.dispatch(pass, 1);
  pass.end();
  device.queue.submit([encoder.finish()]);
  const staging = gpu.staging(TOP_BYTES, "highest logits");
  const { buffer } = await gpu.download(found, staging, TOP_BYTES);
  gpu.destroy();
  const highest = new Float32Array(logits.length);
  return readTop(buffer, top, highest) ? highest : null;
}

/**
 * Runs it once.
 *
 * @throws {Error} If it is wrong.
 */
export async function testTop(device: GPUDevice): Promise<void> {
  const logits = noise(1, 1000), top = 40;
  const highest = await highestOf(device, logits, top);
  const floor = logits.toSorted().at(-top)!;
  const isRight = highest?.every((value, id) =>
    value === logits[id] || (value === 0 && logits[id] < floor)
  );
  if (isRight) return;
  throw new Error("Cannot trust the GPU: its kernel top is wrong");
}
