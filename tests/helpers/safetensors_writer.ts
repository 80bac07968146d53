/**
 * Writes safetensors files: for tests that need one of their own.
 *
 * @module
 */

/** An array to write; 32 bits a value unless said. */
export interface TensorValues {
  readonly shape: readonly number[];
  readonly values: Float32Array;
  readonly type?: "F32" | "F16" | "I64";
}

const WIDTH = { F32: 4, F16: 2, I64: 8 } as const;

/** The bytes of a file. */
export function encodeSafetensors(
  metadata: Readonly<Record<string, string>>,
  tensors: Readonly<Record<string, TensorValues>>,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = { __metadata__: metadata };
  let size = 0;
  for (
    const [name, { shape, values, type = "F32" }] of Object.entries(tensors)
  ) {
    const end = size + values.length * WIDTH[type];
    header[name] = { dtype: type, shape, data_offsets: [size, end] };
    size = end;
  }
  const head = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + head.length + size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(head.length), true);
  bytes.set(head, 8);
  let at = 8 + head.length;
  for (const { values, type = "F32" } of Object.values(tensors)) {
    for (const value of values) {
      if (type === "F32") view.setFloat32(at, value, true);
      else if (type === "F16") view.setFloat16(at, value, true);
      else view.setBigInt64(at, BigInt(Math.round(value)), true);
      at += WIDTH[type];
    }
  }
  return bytes;
}
