// Products with weights of 16 or 32 bits (F16, F32). Four rows are interleaved: for each column, the four rows' values.
import { HALF_BITS, HALF_POWER, halvesToFloats, madd } from "./lanes";

/** y [tokens, yStride bytes] = W [rows, columns] f32 · x [tokens, columns] f32, rows a multiple of 4. */
export function matmulF32(
  w: usize,
  x: usize,
  y: usize,
  yStride: usize,
  rows: i32,
  columns: i32,
  tokens: i32,
): void {
  for (let row = 0; row < rows; row += 4) {
    let p = x, out = y;
    for (let t = 0; t < tokens; t++) {
      let acc = f32x4.splat(0);
      for (let c = 0, v = w; c < columns; c++, v += 16) {
        acc = madd(v128.load(v), v128.load32_splat(p), acc);
        p += 4;
      }
      v128.store(out, acc);
      out += yStride;
    }
    w += <usize> columns << 4;
    y += 16;
  }
}

/** As `matmulF32` with weights of half precision. */
export function matmulF16(
  w: usize,
  x: usize,
  y: usize,
  yStride: usize,
  rows: i32,
  columns: i32,
  tokens: i32,
): void {
  const bits = v128.load(HALF_BITS), power = v128.load(HALF_POWER);
  for (let row = 0; row < rows; row += 4) {
    let p = x, out = y;
    for (let t = 0; t < tokens; t++) {
      let acc = f32x4.splat(0);
      for (let c = 0, v = w; c < columns; c++, v += 8) {
        const values = halvesToFloats(i32x4.shl(v128.load16x4_u(v), 16), bits, power);
        acc = madd(values, v128.load32_splat(p), acc);
        p += 4;
      }
      v128.store(out, acc);
      out += yStride;
    }
    w += <usize> columns << 3;
    y += 16;
  }
}
