/**
 * Reads safetensors files: arrays by name behind a JSON header
 * (https://github.com/huggingface/safetensors#format).
 *
 * @module
 */

interface TensorHeader {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [start: number, end: number];
}

/** An open file; every array is a copy of its own. */
export class Safetensors {
  readonly #header: Readonly<Record<string, TensorHeader>>;
  readonly #data: Uint8Array<ArrayBuffer>;
  /** The file's own notes. */
  readonly metadata: Readonly<Record<string, string>>;

  /** @throws {SyntaxError} If the header is not JSON. */
  constructor(bytes: Uint8Array<ArrayBuffer>) {
    const size = Number(
      new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true),
    );
    const { __metadata__ = {}, ...header } = JSON.parse(
      new TextDecoder().decode(bytes.subarray(8, 8 + size)),
    );
    this.metadata = __metadata__;
    this.#header = header;
    this.#data = bytes.subarray(8 + size);
  }

  /** Sizes of a tensor, slowest dimension first. */
  shape(name: string): readonly number[] {
    return this.#tensor(name).shape;
  }

  /** @throws {TypeError} If the file holds something else under that name. */
  f32(name: string): Float32Array<ArrayBuffer> {
    return new Float32Array(this.#values(name, "F32"));
  }

  /** @throws {TypeError} If the file holds something else under that name. */
  u16(name: string): Uint16Array<ArrayBuffer> {
    return new Uint16Array(this.#values(name, "U16"));
  }

  #values(name: string, dtype: string): ArrayBuffer {
    const tensor = this.#tensor(name);
    if (tensor.dtype !== dtype) {
      throw new TypeError(
        `Cannot read ${name} as ${dtype}: it is ${tensor.dtype}`,
      );
    }
    return this.#data.slice(...tensor.data_offsets).buffer;
  }

  #tensor(name: string): TensorHeader {
    const tensor = this.#header[name];
    if (tensor === undefined) {
      throw new TypeError(`Cannot read ${name}: the file has no such tensor`);
    }
    return tensor;
  }
}
