import { assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { GPU_FORMS, RowPacker } from "../../../src/kernels/webgpu/packing.ts";
import { quantise } from "../../helpers/quantise.ts";
import { normal } from "../../helpers/random.ts";

const COLUMNS = 96, ROWS = 5;

/** Reads a weight as `MatMulNBits` does, with what the second product adds. */
function weightAt(
  packed: ReturnType<RowPacker["pack"]>,
  bits: number,
  index: number,
): number {
  const { weights, scales, offsets } = packed;
  if (bits === 32) {
    return new DataView(weights.buffer, weights.byteOffset)
      .getFloat32(index * 4, true);
  }
  const digit = bits === 8
    ? weights[index]
    : weights[index >> 1] >> (index & 1) * 4 & 15;
  const block = Math.floor(index / 32);
  const symmetric = (digit - 2 ** (bits - 1)) * scales[block];
  return symmetric + (offsets[block] ?? 0);
}

for (const type of ["F32", "F16", "Q8_0", "Q4_0", "Q4_1"] as const) {
  Deno.test(`RowPacker.pack() keeps every weight: ${type}`, () => {
    const { data, values } = quantise(normal(1, COLUMNS * ROWS), type);
    const packer = new RowPacker();
    // Its memory is used again: what came before must not show.
    packer.pack(type, COLUMNS, quantise(normal(2, COLUMNS * 9), type).data);
    const packed = packer.pack(type, COLUMNS, data);
    const { bits, hasOffsets } = GPU_FORMS[type];
    assertEquals(packed.weights.length, COLUMNS * ROWS * bits / 8);
    assertEquals(packed.offsets.length > 0, hasOffsets);
    // Offsets are rounded to f32 once.
    values.forEach((value, i) =>
      assertAlmostEquals(weightAt(packed, bits, i), value, 1e-6)
    );
  });

  Deno.test(`RowPacker.pack() refuses a value or scale that is no finite number: ${type}`, () => {
    const { data } = quantise(normal(1, COLUMNS * ROWS), type);
    const odd = data.slice();
    if (type === "F32") odd.set([0, 0, 0xc0, 0x7f]);
    else odd.set([0x00, 0x7e]);
    assertThrows(
      () => new RowPacker().pack(type, COLUMNS, odd),
      RangeError,
      "it holds a value that is no finite number",
    );
  });
}
