/**
 * Which device runs the model.
 *
 * @module
 */
import type { StoreName } from "../cache/store/stores.ts";
import type { Arithmetic } from "../kernels/webgpu/kernels.ts";
import type { GgufFile } from "./gguf.ts";
import { mayHaveGpu } from "./gpu_devices.ts";
import type { Runtime } from "./runtime.ts";
import { SimdRuntime } from "./simd/runtime.ts";
import { adapterName, checkFits, findAdapter } from "./webgpu/adapter.ts";

/** What a user can ask for. */
export type RuntimeChoice = "auto" | "simd" | "webgpu";

/** How a runtime is chosen. */
export interface RuntimeOptions {
  /** Most tokens of one forward step. */
  readonly maxTokens: number;
  /** How dialogues will be held, as far as is known: what must be tested for it is tested at load. */
  readonly store?: StoreName;
  /** What a GPU multiplies queries with keys of 8 bits in; default f32. */
  readonly arithmetic?: Arithmetic;
  /** How many compute on the CPU; `auto` for one a core, up to 8, or one where the host lets no threads share memory. Default 1. */
  readonly threads?: number | "auto";
  /** Gives the names in `/dev`, if not the machine's: without one of a GPU, `auto` does not look for an adapter. */
  readonly devices?: () => Promise<readonly string[]>;
  /** Throws where a runtime cannot do what will be asked of it; `auto` then takes another. */
  readonly check?: (runtime: Runtime) => void;
  /** Receives, in one line, why the runtime is not the fastest there could be. */
  readonly log?: (line: string) => void;
}

/**
 * Loads the model onto the chosen device. `auto` takes a GPU where there is one that is no fallback, computes correctly and
 * holds the model, and the CPU otherwise.
 *
 * @throws {ModelError} If the file is damaged.
 * @throws {Error} If the chosen device cannot run it; what `check` throws.
 */
export async function createRuntime(
  choice: RuntimeChoice,
  file: GgufFile,
  options: RuntimeOptions,
): Promise<Runtime> {
  if (choice === "webgpu") return await loadWebGpu(file, options, true);
  if (choice === "auto") {
    try {
      if (!await mayHaveGpu(options.devices)) {
        throw new Error("Cannot use WebGPU: this machine has no GPU");
      }
      return await loadWebGpu(file, options, false);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      options.log?.(`Taking the runtime simd: ${reason}`);
    }
  }
  const { maxTokens } = options;
  const threads = countThreads(options.threads ?? 1);
  const runtime = await SimdRuntime.load(file, { maxTokens, threads });
  return checked(runtime, options);
}

/**
 * Not imported by its name: what names name, Deno fetches beforehand, whether it is ever run or not, and ONNX Runtime has
 * some 140 MB.
 */
const WEBGPU_RUNTIME = import.meta.resolve("./webgpu/runtime.ts");

/** @param insist Take a fallback adapter too. */
async function loadWebGpu(
  file: GgufFile,
  options: RuntimeOptions,
  insist: boolean,
): Promise<Runtime> {
  const adapter = await findAdapter();
  if (adapter.info.isFallbackAdapter) {
    const problem = `the only adapter, ${adapterName(adapter)}, is a fallback`;
    if (!insist) throw new Error(`Cannot use WebGPU: ${problem}`);
    options.log?.(`Taking WebGPU though ${problem}: expect it to be slow`);
  }
  checkFits(file, adapter.limits);
  const module = await import(WEBGPU_RUNTIME);
  const { WebGpuRuntime } = module as typeof import("./webgpu/runtime.ts");
  return checked(await WebGpuRuntime.load(file, adapter, options), options);
}

function checked(runtime: Runtime, { check }: RuntimeOptions): Runtime {
  try {
    check?.(runtime);
  } catch (error) {
    runtime.dispose();
    throw error;
  }
  return runtime;
}

/** More find too little to do in one step. */
const MOST_THREADS = 8;

/**
 * How many threads will compute on the CPU.
 *
 * @throws {Error} If the host has no threads.
 */
export function countThreads(threads: number | "auto"): number {
  const canShare = typeof Worker === "function" &&
    typeof SharedArrayBuffer === "function";
  if (threads === "auto") {
    const cores = navigator.hardwareConcurrency ?? 1;
    return canShare ? Math.min(cores, MOST_THREADS) : 1;
  }
  if (threads === 1 || canShare) return threads;
  throw new Error(
    `Cannot use ${threads} threads: this host has none that share memory`,
  );
}
