// Products with weights of 8 bits (Q8_0).
//
// A byte times a byte does not fit the 7-bit operand of the machine's dot product, so a weight is taken apart:
// w + 128 = 16·high + low, two nibbles, and Σ w·x = 16·Σ high·x + Σ low·x − 128·Σ x. Four rows are interleaved; a block of
// four rows by 32 columns takes 136 bytes: four f16 scales, then eight vectors with each row's weights 4j…4j+3, plus 128.
import { dotNibbles, halvesToFloats, madd, NIBBLE } from "./lanes";

const BLOCK: usize = 136;

/**
 * y [tokens, yStride bytes] = W [rows, blocks·32] · x, rows a multiple of 4, x as `quantize` gives it.
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
  const xqStride = <usize> blocks << 5;
  const xsStride = <usize> blocks << 3;
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

/** acc + d·(scale·(16·high + low) − 128·scaledSum), for one block of one token. */
// @ts-ignore: decorator

function addBlock(acc: v128, low: v128, high: v128, d: v128, s: usize): v128 {
  const dots = i32x4.add(
    i32x4.extadd_pairwise_i16x8_s(low),
    i32x4.shl(i32x4.extadd_pairwise_i16x8_s(high), 4),
  );
  const offset = f32x4.mul(v128.load32_splat(s, 4), f32x4.splat(-128));
  const sum = madd(
    f32x4.convert_i32x4_s(dots),
    v128.load32_splat(s, 0),
    offset,
  );
  return madd(sum, d, acc);
}

// @ts-ignore: decorator

function scales(w: usize): v128 {
  return halvesToFloats(i32x4.shl(v128.load16x4_u(w), 16));
}

function oneToken(w: usize, x: usize, s: usize, y: usize, blocks: i32): void {
  const mask = i8x16.splat(NIBBLE);
  let acc = f32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    let low = i16x8.splat(0), high = i16x8.splat(0);
    for (let j: usize = 0; j < 32; j += 4) {
      const v = v128.load(w + (j << 2), 8);
      const bytes = v128.load32_splat(x + j);
      low = i16x8.add(low, dotNibbles(bytes, v128.and(v, mask)));
      const upper = v128.and(i16x8.shr_u(v, 4), mask);
      high = i16x8.add(high, dotNibbles(bytes, upper));
    }
    acc = addBlock(acc, low, high, scales(w), s);
    w += BLOCK;
    x += 32;
    s += 8;
  }
  v128.store(y, acc);
}

/** As `oneToken` for four tokens, so that a block's nibbles and scales are unpacked once. */
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
  const mask = i8x16.splat(NIBBLE);
  let x1 = x0 + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
  let s1 = s0 + sStride, s2 = s1 + sStride, s3 = s2 + sStride;
  let acc0 = f32x4.splat(0), acc1 = f32x4.splat(0);
  let acc2 = f32x4.splat(0), acc3 = f32x4.splat(0);
  for (let b = 0; b < blocks; b++) {
    let low0 = i16x8.splat(0), low1 = i16x8.splat(0);
    let low2 = i16x8.splat(0), low3 = i16x8.splat(0);
    let high0 = i16x8.splat(0), high1 = i16x8.splat(0);
    let high2 = i16x8.splat(0), high3 = i16x8.splat(0);
    for (let j: usize = 0; j < 32; j += 4) {
      const v = v128.load(w + (j << 2), 8);
      const low = v128.and(v, mask);
      const high = v128.and(i16x8.shr_u(v, 4), mask);
      const b0 = v128.load32_splat(x0 + j), b1 = v128.load32_splat(x1 + j);
      const b2 = v128.load32_splat(x2 + j), b3 = v128.load32_splat(x3 + j);
      low0 = i16x8.add(low0, dotNibbles(b0, low));
      low1 = i16x8.add(low1, dotNibbles(b1, low));
      low2 = i16x8.add(low2, dotNibbles(b2, low));
      low3 = i16x8.add(low3, dotNibbles(b3, low));
      high0 = i16x8.add(high0, dotNibbles(b0, high));
      high1 = i16x8.add(high1, dotNibbles(b1, high));
      high2 = i16x8.add(high2, dotNibbles(b2, high));
      high3 = i16x8.add(high3, dotNibbles(b3, high));
    }
    const d = scales(w);
    acc0 = addBlock(acc0, low0, high0, d, s0);
    acc1 = addBlock(acc1, low1, high1, d, s1);
    acc2 = addBlock(acc2, low2, high2, d, s2);
    acc3 = addBlock(acc3, low3, high3, d, s3);
    w += BLOCK;
    x0 += 32;
    x1 += 32;
    x2 += 32;
    x3 += 32;
    s0 += 8;
    s1 += 8;
    s2 += 8;
    s3 += 8;
  }
  v128.store(y, acc0);
  v128.store(y + yStride, acc1);
  v128.store(y + yStride * 2, acc2);
  v128.store(y + yStride * 3, acc3);
}
