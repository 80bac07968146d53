/**
 * Which GPU there is, and whether it can hold the model.
 *
 * @module
 */
import { BLOCK } from "../../kernels/matrix.ts";
import {
  largestBuffer,
  type SizeLimits,
} from "../../kernels/webgpu/buffers.ts";
import { GPU_FORMS } from "../../kernels/webgpu/packing.ts";
import type { GgufFile, TensorInfo } from "../gguf.ts";

/** Limits of which as much is asked for as there is: ONNX Runtime chooses its kernels by them. */
const WANTED_LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** The same for features. */
const WANTED_FEATURES = ["shader-f16", "subgroups"] as const;

/**
 * The fastest adapter.
 *
 * @throws {Error} If there is none.
 */
export async function findAdapter(): Promise<GPUAdapter> {
  const options = { powerPreference: "high-performance" } as const;
  const adapter = await navigator.gpu?.requestAdapter(options);
  if (adapter) return adapter;
  throw new Error("Cannot use WebGPU: there is no adapter");
}

/** What an adapter calls itself. */
export function adapterName({ info }: GPUAdapter): string {
  return info.description || [info.vendor, info.architecture].join(" ").trim();
}

/** Opens a device with all that ONNX Runtime can use. */
export function openDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const limits = WANTED_LIMITS.map((name) => [name, adapter.limits[name]]);
  return adapter.requestDevice({
    label: "locoloop",
    requiredLimits: Object.fromEntries(limits),
    requiredFeatures: WANTED_FEATURES.filter((name) =>
      adapter.features.has(name)
    ) as GPUFeatureName[],
  });
}

/**
 * @throws {RangeError} If a tensor is larger than a buffer of the device; the message names it.
 */
export function checkFits({ tensors }: GgufFile, limits: SizeLimits): void {
  const most = largestBuffer(limits);
  for (const tensor of tensors.values()) {
    const bytes = largestPart(tensor);
    if (bytes <= most) continue;
    throw new RangeError(
      `Cannot hold the model on the GPU: tensor ${tensor.name} takes ${bytes} bytes, a buffer at most ${most}`,
    );
  }
}

/** Bytes of a tensor's weights, or of its scales where those are more. */
function largestPart({ type, rows, columns }: TensorInfo): number {
  return rows * columns * Math.max(GPU_FORMS[type].bits / 8, 4 / BLOCK);
}
