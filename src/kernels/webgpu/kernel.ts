/**
 * A compute kernel and the buffers that it is bound to.
 *
 * @module
 */

/** What a binding of a kernel is: `layer` is a uniform whose place in its buffer is chosen at every dispatch. */
export type Binding = "layer" | "uniform" | "read" | "write";

/** Bytes from one layer's uniform to the next. */
export const LAYER_STRIDE = 256;

/** Most workgroups of a dispatch in one dimension. */
export const MOST_GROUPS = 65_535;

/** Buffers by the number of their binding. */
export type Bound = Readonly<Record<number, GPUBuffer>>;

/** A compiled kernel. */
export class Kernel {
  readonly #device: GPUDevice;
  readonly #name: string;
  readonly #pipeline: GPUComputePipeline;
  readonly #layout: GPUBindGroupLayout;

  private constructor(
    device: GPUDevice,
    name: string,
    pipeline: GPUComputePipeline,
    layout: GPUBindGroupLayout,
  ) {
    this.#device = device;
    this.#name = name;
    this.#pipeline = pipeline;
    this.#layout = layout;
  }

  /**
   * Compiles a kernel whose entry point is `main`.
   *
   * @param bindings By their number in group 0.
   * @throws {Error} If the device refuses it; the message names it.
   */
  static async create(
    device: GPUDevice,
    name: string,
    code: string,
    bindings: Readonly<Record<number, Binding>>,
  ): Promise<Kernel> {
    device.pushErrorScope("validation");
    const layout = device.createBindGroupLayout({
      label: name,
      entries: Object.entries(bindings).map(([binding, kind]) => ({
        binding: Number(binding),
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: TYPES[kind], hasDynamicOffset: kind === "layer" },
      })),
    });
    const pipeline = device.createComputePipeline({
      label: name,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: {
        module: device.createShaderModule({ label: name, code }),
        entryPoint: "main",
      },
    });
    const error = await device.popErrorScope();
    if (!error) return new Kernel(device, name, pipeline, layout);
    throw new Error(`Cannot compile the kernel ${name}: ${error.message}`);
  }

  /** Binds it to buffers, for many dispatches. */
  bind(buffers: Bound): BoundKernel {
    const group = this.#device.createBindGroup({
      label: this.#name,
      layout: this.#layout,
      entries: Object.entries(buffers).map(([binding, buffer]) => ({
        binding: Number(binding),
        // A uniform of one layer, wherever the dispatch finds it.
        resource: binding === "0" ? { buffer, size: LAYER_STRIDE } : { buffer },
      })),
    });
    return new BoundKernel(this.#pipeline, group);
  }
}

const TYPES: Readonly<Record<Binding, GPUBufferBindingType>> = {
  layer: "uniform",
  uniform: "uniform",
  read: "read-only-storage",
  write: "storage",
};

/** A kernel with its buffers. */
export class BoundKernel {
  readonly #pipeline: GPUComputePipeline;
  readonly #group: GPUBindGroup;
  readonly #offsets = new Uint32Array(1);

  constructor(pipeline: GPUComputePipeline, group: GPUBindGroup) {
    this.#pipeline = pipeline;
    this.#group = group;
  }

  /** Adds a dispatch of `x` · `y` workgroups to `pass`; for kernels with a `layer`, of one layer. */
  dispatch(pass: GPUComputePassEncoder, x: number, y = 1, layer = -1): void {
    pass.setPipeline(this.#pipeline);
    if (layer < 0) {
      pass.setBindGroup(0, this.#group);
    } else {
      this.#offsets[0] = layer * LAYER_STRIDE;
      pass.setBindGroup(0, this.#group, this.#offsets, 0, 1);
    }
    pass.dispatchWorkgroups(x, y);
  }

  /** As `dispatch`, of `count` workgroups, however many, in two dimensions and perhaps some more. */
  dispatchAll(pass: GPUComputePassEncoder, count: number): void {
    const columns = Math.min(count, MOST_GROUPS);
    this.dispatch(pass, columns, Math.ceil(count / columns));
  }
}
