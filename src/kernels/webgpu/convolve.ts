/**
 * The kernel of convolutions over slots: see `convolve.wgsl`.
 *
 * @module
 */
import convolve from "./convolve.wgsl" with { type: "text" };
import { type BoundKernel, Kernel, LAYER_STRIDE } from "./kernel.ts";

/** One convolution over vectors, which are numbered through over all of them. */
export interface ConvolveRequest {
  /** The first vector. */
  readonly first: number;
  readonly count: number;
  readonly rows: number;
  readonly taps: number;
  /** The first number of its outcome, [rows, count]. */
  readonly output: number;
}

/** As in `convolve.wgsl`. */
const PLACES = 64, ROWS = 4;

/** Compiles it for heads of such a size. */
export function loadConvolveKernel(
  device: GPUDevice,
  headDim: number,
): Promise<Kernel> {
  const code = `const HEAD_DIM = ${headDim}u;\n${convolve}`;
  return Kernel.create(device, "convolve", code, {
    0: "layer",
    4: "read",
    5: "read",
    6: "read",
    7: "read",
    8: "write",
  });
}

/** The uniform of the kernel, a request every LAYER_STRIDE bytes. */
export function requestWords(
  requests: readonly ConvolveRequest[],
): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(requests.length * LAYER_STRIDE / 4);
  requests.forEach(({ first, count, rows, taps, output }, i) =>
    words.set([first, count, rows, taps, output], i * LAYER_STRIDE / 4)
  );
  return words;
}

/** Adds the dispatch of one request; `index` is its number in the uniform. */
export function dispatchConvolution(
  kernel: BoundKernel,
  pass: GPUComputePassEncoder,
  { count, rows }: ConvolveRequest,
  index: number,
): void {
  const columns = Math.ceil(count / PLACES);
  kernel.dispatch(pass, columns, Math.ceil(rows / ROWS), index);
}
