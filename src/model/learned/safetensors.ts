/**
 * Reads safetensors files: arrays by name behind a JSON header
 * (https://github.com/huggingface/safetensors#format).
 *
 * @module
 */

/** An array in a file. */
interface TensorHeader {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [start: number, end: number];
}

/** Most bytes of a header; that of a file with a hundred arrays has about 10 KiB. */
const MOST_HEADER = 1 << 20;

/** Bytes of a value, of the types that can be read. */
const WIDTH: Readonly<Record<string, number>> = { F32: 4, F16: 2 };

/** A file in memory; every array is a copy of its own. */
export class Safetensors {
  readonly #tensors: ReadonlyMap<string, TensorHeader>;
  readonly #data: DataView;
  /** The file's own notes. */
  readonly metadata: Readonly<Record<string, string>>;

  /** @throws {SyntaxError} If the bytes are no such file. */
  constructor(bytes: Uint8Array) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const size = bytes.length < 8 ? NaN : Number(view.getBigUint64(0, true));
    if (!(size <= Math.min(MOST_HEADER, bytes.length - 8))) {
      throw new SyntaxError("it is no safetensors file, or cut off");
    }
    const { metadata, tensors } = readHeader(bytes.subarray(8, 8 + size));
    this.metadata = metadata;
    this.#tensors = tensors;
    this.#data = new DataView(
      bytes.buffer,
      bytes.byteOffset + 8 + size,
      bytes.length - 8 - size,
    );
    for (const [name, tensor] of tensors) check(name, tensor, this.#data);
  }

  /** Of all arrays. */
  get names(): string[] {
    return [...this.#tensors.keys()];
  }

  /** Sizes of an array, slowest dimension first; null where there is none. */
  shape(name: string): readonly number[] | null {
    return this.#tensors.get(name)?.shape ?? null;
  }

  /**
   * The values of an array, whether they are held with 32 or 16 bits.
   *
   * @throws {TypeError} If there is no such array, or it holds something else.
   */
  floats(name: string): Float32Array<ArrayBuffer> {
    const tensor = this.#tensors.get(name);
    if (!tensor) throw new TypeError(`it has no ${name}`);
    const { dtype, data_offsets: [start, end] } = tensor;
    const width = WIDTH[dtype];
    if (!width) throw new TypeError(`${name} is ${dtype}, expected F32 or F16`);
    const data = this.#data;
    return Float32Array.from(
      { length: (end - start) / width },
      (_, i) =>
        width === 4
          ? data.getFloat32(start + i * 4, true)
          : data.getFloat16(start + i * 2, true),
    );
  }
}

/** @throws {SyntaxError} If it is not what the format wants. */
function readHeader(bytes: Uint8Array) {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new SyntaxError("its header is not JSON");
  }
  if (!isRecord(header)) throw new SyntaxError("its header is no object");
  const { __metadata__: metadata = {}, ...rest } = header;
  const isText = isRecord(metadata) &&
    Object.values(metadata).every((value) => typeof value === "string");
  if (!isText) throw new SyntaxError("its metadata are not texts");
  const tensors = new Map<string, TensorHeader>();
  for (const [name, tensor] of Object.entries(rest)) {
    if (!isTensor(tensor)) {
      throw new SyntaxError(`the header of ${name} is damaged`);
    }
    tensors.set(name, tensor);
  }
  return { metadata: metadata as Record<string, string>, tensors };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTensor(value: unknown): value is TensorHeader {
  if (!isRecord(value)) return false;
  const { dtype, shape, data_offsets: offsets } = value;
  const areCounts = (list: unknown): list is number[] =>
    Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  return typeof dtype === "string" && areCounts(shape) &&
    areCounts(offsets) && offsets.length === 2;
}

/** @throws {SyntaxError} If the data have no room for the array. */
function check(name: string, tensor: TensorHeader, data: DataView): void {
  const [start, end] = tensor.data_offsets;
  const count = tensor.shape.reduce((a, b) => a * b, 1);
  const width = WIDTH[tensor.dtype];
  if (end > data.byteLength || start > end) {
    throw new SyntaxError(`${name} goes past the end: the file is cut off`);
  }
  if (width && end - start !== count * width) {
    throw new SyntaxError(
      `${name} has ${end - start} bytes, expected ${count * width}`,
    );
  }
}
