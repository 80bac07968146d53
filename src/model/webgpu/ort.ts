/**
 * ONNX Runtime, loaded with this module and by nothing else. Its code is imported like any other module, so that it is read
 * with no more permission than that.
 *
 * @module
 */
import * as ort from "onnxruntime-web/jspi";
import code from "onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm" with {
  type: "bytes",
};
import type { ElementType } from "./onnx_graph.ts";

/** A tensor in a GPU buffer. */
export type GpuTensor = ort.Tensor;

/** Feeds or results of a graph, by name. */
export type Tensors = Readonly<Record<string, GpuTensor>>;

/** Says that the first values of a buffer are a tensor. */
export function tensorOf(
  buffer: GPUBuffer,
  dims: readonly number[],
  dataType: ElementType = "float32",
): GpuTensor {
  // The library has WebGPU types of its own, of the same shape.
  const gpuBuffer = buffer as unknown as ort.Tensor.GpuBufferType;
  return ort.Tensor.fromGpuBuffer(gpuBuffer, { dataType, dims });
}

/** A graph that is ready to run on one device. */
export class GraphSession {
  readonly #session: ort.InferenceSession;

  private constructor(session: ort.InferenceSession) {
    this.#session = session;
  }

  /**
   * Prepares a graph.
   *
   * @throws {Error} If the device cannot run all of it.
   */
  static async create(
    device: GPUDevice,
    graph: Uint8Array,
  ): Promise<GraphSession> {
    ort.env.wasm.wasmBinary = code.buffer;
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
    return new GraphSession(
      await ort.InferenceSession.create(graph, {
        executionProviders: [{ name: "webgpu", device: device as never }],
        preferredOutputLocation: "gpu-buffer",
        logSeverityLevel: 3,
        // An operator that would run on the CPU is an error.
        extra: { session: { disable_cpu_ep_fallback: "1" } },
      }),
    );
  }

  /** Computes `results` from `feeds`, behind all that the device's queue has been given. */
  async run(feeds: Tensors, results: Tensors): Promise<void> {
    await this.#session.run(feeds, results);
  }

  release(): Promise<void> {
    return this.#session.release();
  }
}
