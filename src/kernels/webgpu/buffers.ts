/**
 * Buffers of a GPU device, and what goes in and out of them.
 *
 * @module
 */

/** Arrays that buffers are filled from. */
type Data =
  | Float32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** Bytes that crossed over to a device and back. */
export interface Traffic {
  written: number;
  read: number;
}

/** Limits without which a model may be too large; kernels are content with what every adapter has. */
export type SizeLimits = Pick<
  GPUSupportedLimits,
  "maxBufferSize" | "maxStorageBufferBindingSize"
>;

/** Most bytes of one array on a device. */
export function largestBuffer(limits: SizeLimits): number {
  return Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
}

/** Owns buffers on one device, and counts what goes in and out of them. */
export class GpuBuffers {
  readonly device: GPUDevice;
  readonly traffic: Traffic;
  readonly #owned: GPUBuffer[] = [];

  /** @param traffic Counted in; several owners may share it. */
  constructor(
    device: GPUDevice,
    traffic: Traffic = { written: 0, read: 0 },
  ) {
    this.device = device;
    this.traffic = traffic;
  }

  /**
   * A storage buffer of at least `bytes` bytes, zero at first.
   *
   * @throws {RangeError} If the device allows none as large, as for all buffers.
   */
  storage(bytes: number, label: string): GPUBuffer {
    const { STORAGE, COPY_DST, COPY_SRC } = GPUBufferUsage;
    const usage = STORAGE | COPY_DST | COPY_SRC;
    return this.#create(bytes, usage, label);
  }

  /** A uniform buffer. */
  uniform(bytes: number, label: string): GPUBuffer {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    return this.#create(bytes, usage, label);
  }

  /** A buffer through which `download` reads. */
  staging(bytes: number, label: string): GPUBuffer {
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    return this.#create(bytes, usage, label);
  }

  #create(bytes: number, usage: number, label: string): GPUBuffer {
    const size = padded(bytes);
    const most = largestBuffer(this.device.limits);
    if (size > most) {
      throw new RangeError(
        `Cannot hold ${label} on the GPU: they take ${size} bytes, a buffer at most ${most}`,
      );
    }
    const buffer = this.device.createBuffer({ label, size, usage });
    this.#owned.push(buffer);
    return buffer;
  }

  /** Frees every buffer. */
  destroy(): void {
    for (const buffer of this.#owned.splice(0)) buffer.destroy();
  }

  /** A storage buffer with `data` in it. */
  storageOf(data: Data, label: string): GPUBuffer {
    const buffer = this.storage(data.byteLength, label);
    this.write(buffer, data);
    return buffer;
  }

  /** Writes `data` at byte `offset`; lengths are multiples of 4 bytes. */
  write(buffer: GPUBuffer, data: Data, offset = 0): void {
    this.traffic.written += data.byteLength;
    this.device.queue.writeBuffer(buffer, offset, data);
  }

  /**
   * Reads the first `bytes` bytes of `buffer` through `staging`, once everything before is done; `use` gets them, as f32, to
   * look at during the call.
   */
  async map(
    buffer: GPUBuffer,
    staging: GPUBuffer,
    bytes: number,
    use: (values: Float32Array<ArrayBuffer>) => void,
  ): Promise<void> {
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(buffer, 0, staging, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    this.traffic.read += bytes;
    await staging.mapAsync(GPUMapMode.READ, 0, bytes);
    try {
      use(new Float32Array(staging.getMappedRange(0, bytes)));
    } finally {
      staging.unmap();
    }
  }

  /** A copy of the first `bytes` bytes of `buffer`, as f32; see {@link map}. */
  async download(
    buffer: GPUBuffer,
    staging: GPUBuffer,
    bytes: number,
  ): Promise<Float32Array<ArrayBuffer>> {
    const copy = new Float32Array(bytes / 4);
    if (bytes === 0) return copy;
    await this.map(buffer, staging, bytes, (values) => copy.set(values));
    return copy;
  }
}

/** Sizes of buffers are multiples of 16 bytes, as ONNX Runtime has them. */
function padded(bytes: number): number {
  return Math.max(Math.ceil(bytes / 16), 1) * 16;
}
