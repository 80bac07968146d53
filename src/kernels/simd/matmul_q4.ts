// Products with weights of 4 bits (Q4_0 and Q4_1).
//
// Four rows are interleaved, so that each 32-bit lane of a vector belongs to one row. A block of four rows by 32 columns
// takes 80 bytes: 16 bytes with each row's scale d (lower half of a lane) and offset m (upper half) as f16, then four
// vectors of nibbles; in vector j the low nibbles of row r's four bytes are its weights 8j…8j+3, the high ones 8j+4…8j+7.
// A weight is d·nibble + m.
//
// Engines check the bounds of each access, so that a vector of activations is loaded once and its lanes are spread by
// shuffles, for as many rows or tokens as there are registers.
import { dotNibbles, halvesToFloats, HALF_BITS, HALF_POWER, lane0, lane1, lane2, lane3, madd, NIBBLES } from "./lanes";

const BLOCK: usize = 80;
/** Bytes of a block of four tokens, and of one that is left over; see `quantizeNarrow`. */
const FOUR: usize = 176;
const LEFT_OVER: usize = 48;

/**
 * y [tokens, yStride bytes] = W [rows, blocks·32] · x, rows a multiple of 4, x as `quantizeNarrow` gives it. A token's result
 * does not depend on how many there are.
 */
export function matmulQ4(
  w: usize,
  xq: usize,
  xs: usize,
  y: usize,
  yStride: usize,
  rows: i32,
  blocks: i32,
  tokens: i32,
): void {
  const group = <usize> blocks * BLOCK;
  let t = 0;
  for (; t + 4 <= tokens; t += 4) {
    let v = w, out = y;
    for (let row = 0; row < rows; row += 4, v += group, out += 16) {
      fourTokens(v, xq, xs, out, yStride, blocks);
    }
    xq += <usize> blocks * FOUR;
    xs += 16;
    y += yStride << 2;
  }
  for (; t < tokens; t++) {
    let v = w, out = y;
    // Rows in turn, four at a time: memory is fastest where it is read from front to back.
    for (let row = 0; row < rows; row += 4, v += group, out += 16) {
      oneToken(v, xq, xs, out, blocks);
    }
    xq += <usize> blocks * LEFT_OVER;
    xs += 4;
    y += yStride;
  }
}

// @ts-ignore: decorator
@inline
function low(v: v128, mask: v128): v128 {
  return v128.and(v, mask);
}

// @ts-ignore: decorator
@inline
function high(v: v128, mask: v128): v128 {
  return v128.and(i16x8.shr_u(v, 4), mask);
}

/**
 * The products of half a block of four rows with 16 bytes of a token, times their multiplier: i32x4. A lane adds up eight
 * products of at most 15·127 twice, so that with a multiplier of at most 32,767 a whole block stays below 2^31.
 */
// @ts-ignore: decorator
@inline
function dotHalf(low0: v128, high0: v128, low1: v128, high1: v128, x: v128, multiplier: v128): v128 {
  const pairs = i16x8.add(
    i16x8.add(dotNibbles(lane0(x), low0), dotNibbles(lane1(x), high0)),
    i16x8.add(dotNibbles(lane2(x), low1), dotNibbles(lane3(x), high1)),
  );
  return i32x4.dot_i16x8_s(pairs, multiplier);
}

/** acc + d·products + m·sum of values. */
// @ts-ignore: decorator
@inline
function addBlock(acc: v128, products: v128, d: v128, m: v128, sum: v128): v128 {
  return madd(m, sum, madd(d, f32x4.convert_i32x4_s(products), acc));
}

/** Four rows for one token. */
function oneToken(w: usize, x: usize, unit: usize, y: usize, blocks: i32): void {
  const mask = v128.load(NIBBLES);
  const bits = v128.load(HALF_BITS), power = v128.load(HALF_POWER);
  let acc = f32x4.splat(0);
  for (; blocks > 0; blocks--) {
    const scales = v128.load(x, 32);
    let a = v128.load(w, 16), b = v128.load(w, 32);
    const first = dotHalf(low(a, mask), high(a, mask), low(b, mask), high(b, mask), v128.load(x), lane0(scales));
    a = v128.load(w, 48), b = v128.load(w, 64);
    const second = dotHalf(low(a, mask), high(a, mask), low(b, mask), high(b, mask), v128.load(x, 16), lane1(scales));
    const dm = v128.load(w);
    const d = halvesToFloats(i32x4.shl(dm, 16), bits, power);
    const m = halvesToFloats(dm, bits, power);
    acc = addBlock(acc, i32x4.add(first, second), d, m, lane2(scales));
    w += BLOCK;
    x += LEFT_OVER;
  }
  v128.store(y, f32x4.mul(acc, v128.load32_splat(unit)));
}

/**
 * Four rows for four tokens, which share the taking apart of the weights. Half a block at a time, in a loop: what one of them
 * needs fits into the registers, which an optimiser that sees both at once would not heed.
 */
function fourTokens(
  w: usize,
  x: usize,
  units: usize,
  y: usize,
  yStride: usize,
  blocks: i32,
): void {
  const mask = v128.load(NIBBLES);
  let acc0 = f32x4.splat(0), acc1 = acc0, acc2 = acc0, acc3 = acc0;
  for (; blocks > 0; blocks--) {
    let sum0 = i32x4.splat(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    let half = w;
    for (const end = x + 160; x < end; x += 80, half += 32) {
      let v = v128.load(half, 16);
      const l0 = low(v, mask), h0 = high(v, mask);
      v = v128.load(half, 32);
      const l1 = low(v, mask), h1 = high(v, mask);
      const k = v128.load(x);
      sum0 = i32x4.add(sum0, dotHalf(l0, h0, l1, h1, v128.load(x, 16), lane0(k)));
      sum1 = i32x4.add(sum1, dotHalf(l0, h0, l1, h1, v128.load(x, 32), lane1(k)));
      sum2 = i32x4.add(sum2, dotHalf(l0, h0, l1, h1, v128.load(x, 48), lane2(k)));
      sum3 = i32x4.add(sum3, dotHalf(l0, h0, l1, h1, v128.load(x, 64), lane3(k)));
    }
    const bits = v128.load(HALF_BITS), power = v128.load(HALF_POWER);
    const dm = v128.load(w);
    const d = halvesToFloats(i32x4.shl(dm, 16), bits, power);
    const m = halvesToFloats(dm, bits, power);
    const sums = v128.load(x);
    acc0 = addBlock(acc0, sum0, d, m, lane0(sums));
    acc1 = addBlock(acc1, sum1, d, m, lane1(sums));
    acc2 = addBlock(acc2, sum2, d, m, lane2(sums));
    acc3 = addBlock(acc3, sum3, d, m, lane3(sums));
    w += BLOCK;
    x += 16;
  }
  const unit = v128.load(units);
  v128.store(y, f32x4.mul(acc0, lane0(unit)));
  v128.store(y + yStride, f32x4.mul(acc1, lane1(unit)));
  v128.store(y + yStride * 2, f32x4.mul(acc2, lane2(unit)));
  v128.store(y + yStride * 3, f32x4.mul(acc3, lane3(unit)));
}
