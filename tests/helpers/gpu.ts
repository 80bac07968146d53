/**
 * Tests that need a GPU, be it a software one; where there is none they are reported as ignored.
 *
 * @module
 */
import { findAdapter, openDevice } from "../../src/model/webgpu/adapter.ts";
import { readGguf } from "../../src/model/gguf.ts";
import type { WebGpuRuntime } from "../../src/model/webgpu/runtime.ts";
import { type TinyGgufOptions, writeTinyGguf } from "./tiny_gguf.ts";

const ADAPTER = await findAdapter().catch(() => null);

/** A test that is ignored where there is no adapter, or none that has what is needed. */
export function gpuTest(
  name: string,
  test: () => Promise<void>,
  needed: readonly GPUFeatureName[] = [],
): void {
  const ignore = !ADAPTER ||
    !needed.every((feature) => ADAPTER.features.has(feature));
  // ONNX Runtime keeps a message port for as long as the process lives.
  Deno.test({ name, ignore, sanitizeResources: false, fn: test });
}

/** Runs `use` on a device, on which any error that nobody asks for fails the test. */
export async function withDevice(
  use: (device: GPUDevice) => Promise<void>,
): Promise<void> {
  const device = await openDevice(await findAdapter());
  const errors: string[] = [];
  device.addEventListener("uncapturederror", (event) => {
    errors.push((event as GPUUncapturedErrorEvent).error.message);
  });
  try {
    await use(device);
  } finally {
    device.destroy();
  }
  if (errors.length > 0) throw new Error(errors.join("\n"));
}

/** Runs `use` on a tiny model on the GPU. */
export async function withTinyGpu(
  options: TinyGgufOptions,
  use: (runtime: WebGpuRuntime) => Promise<void>,
  maxTokens?: number,
): Promise<void> {
  // Loads ONNX Runtime, which tests that are ignored need not.
  const { WebGpuRuntime } = await import(
    "../../src/model/webgpu/runtime.ts"
  );
  const { path, folder } = await writeTinyGguf(options);
  try {
    const file = readGguf(path);
    const adapter = await findAdapter();
    const runtime = await WebGpuRuntime.load(file, adapter, {
      maxTokens,
    });
    try {
      await use(runtime);
    } finally {
      await runtime.dispose();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
