// Products with weights of 8 bits (Q8_0).
//
// The machine's dot product takes signed bytes on one side and 7 bits on the other, so a weight goes in whole and an
// activation as two planes of 7 bits, high and low: Σ w·x = scale·(128·Σ w·high + Σ w·low − 8192·Σ w). For the price of
// 8-bit activations that makes 14 bits, which an output head is worth.
//
// Four rows are interleaved; a block of four rows by 32 columns takes 144 bytes: four f16 scales, four i16 sums of the
// rows' bytes, then eight vectors with each row's weights 4j…4j+3.
import { dotBytes, halvesToFloats, madd } from "./lanes";

const BLOCK: usize = 144;

/**
 * y [tokens, yStride bytes] = W [rows, blocks·32] · x, rows a multiple of 4, x as `quantizeWide` gives it.
 */
export function matmulQ8(
  w: usize,
  xq: usize,
  xs: usize,
  y: usize,
  yStride: usize,
  rows: i32,
  blocks: i32,
  tokens: i32,
): void {
  const xqStride = <usize> blocks << 6;
  const xsStride = <usize> blocks << 2;
  for (let row = 0; row < rows; row += 4) {
    let q = xq, s = xs, out = y, t = 0;
    for (; t + 4 <= tokens; t += 4) {
      fourTokens(w, q, s, out, yStride, blocks, xqStride, xsStride);
      q += xqStride << 2;
      s += xsStride << 2;
      out += yStride << 2;
    }
    for (; t < tokens; t++) {
      oneToken(w, q, s, out, blocks);
      q += xqStride;
      s += xsStride;
      out += yStride;
    }
    w += <usize> blocks * BLOCK;
    y += 16;
  }
}

/** acc + d·scale·(128·high + low − 8192·sum of weights), for one block of one token. */
// @ts-ignore: decorator
@inline
function addBlock(acc: v128, high: v128, low: v128, w: usize, s: usize): v128 {
  const sums = i32x4.shl(v128.load16x4_s(w, 8), 6);
  const dots = i32x4.add(i32x4.shl(i32x4.sub(high, sums), 7), low);
  const scale = f32x4.mul(scales(w), v128.load32_splat(s));
  return madd(f32x4.convert_i32x4_s(dots), scale, acc);
}

// @ts-ignore: decorator
@inline
function scales(w: usize): v128 {
  return halvesToFloats(i32x4.shl(v128.load16x4_u(w), 16));
}

function oneToken(w: usize, x: usize, s: usize, y: usize, blocks: i32): void {
  let acc = f32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    let high = i32x4.splat(0), low = i32x4.splat(0);
    for (let j: usize = 0; j < 32; j += 4) {
      const v = v128.load(w + (j << 2), 16);
      high = dotBytes(v, v128.load32_splat(x + j, 0), high);
      low = dotBytes(v, v128.load32_splat(x + j, 32), low);
    }
    acc = addBlock(acc, high, low, w, s);
    w += BLOCK;
    x += 64;
    s += 4;
  }
  v128.store(y, acc);
}

/** As `oneToken` for four tokens, so that a block is read once. */
function fourTokens(
  w: usize,
  x0: usize,
  s0: usize,
  y: usize,
  yStride: usize,
  blocks: i32,
  xStride: usize,
  sStride: usize,
): void {
  let x1 = x0 + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
  let s1 = s0 + sStride, s2 = s1 + sStride, s3 = s2 + sStride;
  let acc0 = f32x4.splat(0), acc1 = f32x4.splat(0);
  let acc2 = f32x4.splat(0), acc3 = f32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    let low0 = i32x4.splat(0), low1 = i32x4.splat(0);
    let low2 = i32x4.splat(0), low3 = i32x4.splat(0);
    let high0 = i32x4.splat(0), high1 = i32x4.splat(0);
    let high2 = i32x4.splat(0), high3 = i32x4.splat(0);
    for (let j: usize = 0; j < 32; j += 4) {
      const v = v128.load(w + (j << 2), 16);
      high0 = dotBytes(v, v128.load32_splat(x0 + j, 0), high0);
      high1 = dotBytes(v, v128.load32_splat(x1 + j, 0), high1);
      high2 = dotBytes(v, v128.load32_splat(x2 + j, 0), high2);
      high3 = dotBytes(v, v128.load32_splat(x3 + j, 0), high3);
      low0 = dotBytes(v, v128.load32_splat(x0 + j, 32), low0);
      low1 = dotBytes(v, v128.load32_splat(x1 + j, 32), low1);
      low2 = dotBytes(v, v128.load32_splat(x2 + j, 32), low2);
      low3 = dotBytes(v, v128.load32_splat(x3 + j, 32), low3);
    }
    acc0 = addBlock(acc0, high0, low0, w, s0);
    acc1 = addBlock(acc1, high1, low1, w, s1);
    acc2 = addBlock(acc2, high2, low2, w, s2);
    acc3 = addBlock(acc3, high3, low3, w, s3);
    w += BLOCK;
    x0 += 64;
    x1 += 64;
    x2 += 64;
    x3 += 64;
    s0 += 4;
    s1 += 4;
    s2 += 4;
    s3 += 4;
  }
  v128.store(y, acc0);
  v128.store(y + yStride, acc1);
  v128.store(y + yStride * 2, acc2);
  v128.store(y + yStride * 3, acc3);
}
