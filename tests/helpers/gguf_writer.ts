/**
 * Writes GGUF files (version 3, little-endian), right ones and, for tests of bad input, wrong ones.
 *
 * @module
 */

/** Codes of the metadata's value types. */
const TYPE = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;

/** Values are aligned to this many bytes. */
const ALIGNMENT = 32;

/** A metadata value with its type. */
export type GgufValue =
  | { readonly u32: number }
  | { readonly f32: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly strings: readonly string[] }
  | { readonly i32s: readonly number[] }
  /** Any type, by its code, with its bytes. */
  | { readonly type: number; readonly bytes: Uint8Array };

/** A tensor as it goes into a file. */
export interface GgufTensor {
  /** Fastest dimension first. */
  readonly shape: readonly number[];
  /** Number of the encoding in ggml, e.g. 3 for Q4_1. */
  readonly type: number;
  readonly data: Uint8Array;
}

/** The bytes of a file with this metadata and these tensors, in this order. */
export function encodeGguf(
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: ReadonlyMap<string, GgufTensor>,
): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  out.bytes(new TextEncoder().encode("GGUF"));
  out.u32(3);
  out.u64(tensors.size);
  out.u64(metadata.size);
  for (const [key, value] of metadata) {
    out.string(key);
    writeValue(out, value);
  }
  let offset = 0;
  for (const [name, { shape, type, data }] of tensors) {
    out.string(name);
    out.u32(shape.length);
    for (const size of shape) out.u64(size);
    out.u32(type);
    out.u64(offset);
    offset += Math.ceil(data.length / ALIGNMENT) * ALIGNMENT;
  }
  for (const { data } of tensors.values()) {
    out.pad(ALIGNMENT);
    out.bytes(data);
  }
  out.pad(ALIGNMENT);
  return out.finish();
}

function writeValue(out: ByteWriter, value: GgufValue): void {
  if ("u32" in value) {
    out.u32(TYPE.u32);
    out.u32(value.u32);
  } else if ("f32" in value) {
    out.u32(TYPE.f32);
    out.f32(value.f32);
  } else if ("bool" in value) {
    out.u32(TYPE.bool);
    out.bytes(Uint8Array.of(value.bool ? 1 : 0));
  } else if ("string" in value) {
    out.u32(TYPE.string);
    out.string(value.string);
  } else if ("strings" in value) {
    out.u32(TYPE.array);
    out.u32(TYPE.string);
    out.u64(value.strings.length);
    for (const text of value.strings) out.string(text);
  } else if ("bytes" in value) {
    out.u32(value.type);
    out.bytes(value.bytes);
  } else {
    out.u32(TYPE.array);
    out.u32(TYPE.i32);
    out.u64(value.i32s.length);
    for (const number of value.i32s) out.u32(number);
  }
}

/** Appends little-endian values to a buffer that grows. */
class ByteWriter {
  #view = new DataView(new ArrayBuffer(1 << 16));
  #length = 0;

  u32(value: number): void {
    this.#view.setUint32(this.#grow(4), value, true);
  }

  u64(value: number): void {
    this.#view.setBigUint64(this.#grow(8), BigInt(value), true);
  }

  f32(value: number): void {
    this.#view.setFloat32(this.#grow(4), value, true);
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    new Uint8Array(this.#view.buffer).set(bytes, at);
  }

  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u64(bytes.length);
    this.bytes(bytes);
  }

  pad(alignment: number): void {
    this.#grow((alignment - this.#length % alignment) % alignment);
  }

  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#view.buffer.slice(0, this.#length));
  }

  /** Makes room for `count` zero bytes and gives where they start. */
  #grow(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#view.byteLength) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(new Uint8Array(this.#view.buffer));
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
