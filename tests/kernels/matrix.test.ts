import { assertAlmostEquals, assertEquals } from "@std/assert";
import {
  allocateMatrix,
  PACKED,
  packRows,
  rowBytes,
  type RowType,
  unpackRow,
} from "../../src/kernels/matrix.ts";
import { LinearMemory } from "../../src/kernels/memory.ts";
import { uniform } from "../helpers/random.ts";

/** Values of an encoded row, straight from the description of the format (ggml's block_q4_0, block_q4_1, block_q8_0). */
function decode(type: RowType, row: DataView, columns: number): number[] {
  const out: number[] = [];
  for (let c = 0; c < columns; c++) {
    const block = Math.floor(c / 32), i = c % 32;
    if (type === "F32") out.push(row.getFloat32(c * 4, true));
    if (type === "F16") out.push(row.getFloat16(c * 2, true));
    if (type === "Q8_0") {
      const at = block * 34;
      out.push(row.getFloat16(at, true) * row.getInt8(at + 2 + i));
    }
    if (type === "Q4_0" || type === "Q4_1") {
      const size = type === "Q4_0" ? 18 : 20;
      const at = block * size;
      const byte = row.getUint8(at + size - 16 + i % 16);
      const nibble = i < 16 ? byte & 15 : byte >> 4;
      const d = row.getFloat16(at, true);
      out.push(
        type === "Q4_0"
          ? d * (nibble - 8)
          : d * nibble + row.getFloat16(at + 2, true),
      );
    }
  }
  return out;
}

/** Rows of random bytes whose scales are ordinary numbers, some negative, some subnormal in half precision. */
function encode(type: RowType, rows: number, columns: number): DataView {
  const bytes = rowBytes(type, columns) * rows;
  const view = new DataView(new ArrayBuffer(bytes));
  const random = uniform(7);
  if (type === "F32" || type === "F16") {
    const size = type === "F32" ? 4 : 2;
    for (let at = 0; at < bytes; at += size) {
      const value = (random() - 0.5) * 2 ** (random() * 8 - 16);
      if (size === 4) view.setFloat32(at, value, true);
      else view.setFloat16(at, value, true);
    }
    return view;
  }
  const size = rowBytes(type, 32);
  for (let at = 0; at < bytes; at++) view.setUint8(at, random() * 256);
  for (let at = 0; at < bytes; at += size) {
    view.setFloat16(at, (random() - 0.3) * 2 ** (random() * 12 - 18), true);
    if (type === "Q4_1") view.setFloat16(at + 2, random() - 0.8, true);
  }
  return view;
}

for (const type of ["F32", "F16", "Q8_0", "Q4_0", "Q4_1"] as const) {
  for (const [rows, columns] of [[4, 32], [7, 64], [576, 96], [1, 32]]) {
    Deno.test(`packRows() and unpackRow() keep every value of ${type} [${rows}, ${columns}]`, () => {
      const memory = new LinearMemory();
      const matrix = allocateMatrix(memory, PACKED[type], rows, columns);
      const source = encode(type, rows, columns);
      // In two parts, of which the second starts within a group of four rows.
      const bytes = new Uint8Array(source.buffer);
      const cut = rowBytes(type, columns) * Math.floor(rows / 3) * 2;
      const aligned = Uint8Array.from(bytes.subarray(cut));
      packRows(memory, matrix, type, bytes.slice(0, cut), 0);
      packRows(memory, matrix, type, aligned, Math.floor(rows / 3) * 2);
      const out = new Float32Array(columns);
      for (let r = 0; r < rows; r++) {
        unpackRow(memory, matrix, r, out);
        const row = new DataView(
          source.buffer,
          r * rowBytes(type, columns),
          rowBytes(type, columns),
        );
        const expected = decode(type, row, columns);
        expected.forEach((value, c) =>
          assertAlmostEquals(out[c], value, Math.abs(value) * 1e-6 + 1e-9)
        );
      }
      assertEquals(matrix.paddedRows % 4, 0);
    });
  }
}
