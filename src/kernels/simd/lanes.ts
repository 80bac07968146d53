// Lane arithmetic that the kernels share. Everything here is inlined. Where relaxed SIMD is compiled in, a multiply-add
// is one instruction and a dot product of bytes is the machine's own; otherwise both are spelled out in plain SIMD.

// Constants of inner loops. They are read from memory: an engine keeps what it has loaded in a register, but makes a literal
// vector anew wherever it is used.

/** 16 bytes of 15: the low nibbles. */
export const NIBBLES = memory.data<u32>([0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f], 16);
/** 1, four times. */
export const ONE = memory.data<f32>([1, 1, 1, 1], 16);
/** Where sign, exponent and mantissa of a half go in a single. */
export const HALF_BITS = memory.data<u32>([0x8fffe000, 0x8fffe000, 0x8fffe000, 0x8fffe000], 16);
/** 2^112, four times. */
export const HALF_POWER = memory.data<u32>([0x77800000, 0x77800000, 0x77800000, 0x77800000], 16);

/**
 * 1.5 · 2^23, four times. A small number that is added to it is rounded to a whole one, which then stands in the lowest bits.
 */
const MAGIC = memory.data<f32>([12582912, 12582912, 12582912, 12582912], 16);
/** What `exp` computes with, each four times. */
const EXP = memory.data<f32>([
  -87.0, -87.0, -87.0, -87.0, // bounds
  88.0, 88.0, 88.0, 88.0,
  1.4426950408889634, 1.4426950408889634, 1.4426950408889634, 1.4426950408889634, // 1 / ln 2
  -0.693359375, -0.693359375, -0.693359375, -0.693359375, // -ln 2, in two parts
  2.12194440e-4, 2.12194440e-4, 2.12194440e-4, 2.12194440e-4,
  1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4, // coefficients
  1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3,
  8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3,
  4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2,
  1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1,
  5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1,
  1.0, 1.0, 1.0, 1.0,
], 16);

/** Lane 0 of four, in all four. */
// @ts-ignore: decorator
@inline
export function lane0(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 0, 0, 0, 0);
}

/** Lane 1 of four, in all four. */
// @ts-ignore: decorator
@inline
export function lane1(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 1, 1, 1, 1);
}

/** Lane 2 of four, in all four. */
// @ts-ignore: decorator
@inline
export function lane2(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 2, 2, 2, 2);
}

/** Lane 3 of four, in all four. */
// @ts-ignore: decorator
@inline
export function lane3(v: v128): v128 {
  return v128.shuffle<i32>(v, v, 3, 3, 3, 3);
}

/** a · b + c. */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/**
 * Products of 16 signed bytes `x` with 16 nibbles `n` (0…15), added in neighbouring pairs: i16x8.
 * |pair| ≤ 2·127·15 = 3,810, so eight of them fit into 16 bits.
 */
// @ts-ignore: decorator
@inline
export function dotNibbles(x: v128, n: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    return i16x8.relaxed_dot_i8x16_i7x16_s(x, n);
  }
  const even = i16x8.mul(
    i16x8.shr_s(i16x8.shl(x, 8), 8),
    v128.and(n, i16x8.splat(0x00ff)),
  );
  const odd = i16x8.mul(i16x8.shr_s(x, 8), i16x8.shr_u(n, 8));
  return i16x8.add(even, odd);
}

/**
 * Half-precision numbers in the upper 16 bits of each lane (the lower bits are ignored), as f32x4. Sign, exponent and
 * mantissa are moved to where a single keeps them; the product with 2^112 mends the bias of the exponent and is exact,
 * for subnormal halves too. Infinities and NaN are not expected. bits and power are those constants.
 */
// @ts-ignore: decorator
@inline
export function halvesToFloats(upper: v128, bits: v128, power: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shr_s(upper, 3), bits), power);
}

/** The sums of the four lanes of a, b, c and d, as one vector. */
// @ts-ignore: decorator
@inline
export function sumLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(
    v128.shuffle<f32>(a, b, 0, 4, 1, 5),
    v128.shuffle<f32>(a, b, 2, 6, 3, 7),
  );
  const cd = f32x4.add(
    v128.shuffle<f32>(c, d, 0, 4, 1, 5),
    v128.shuffle<f32>(c, d, 2, 6, 3, 7),
  );
  return f32x4.add(
    v128.shuffle<f32>(ab, cd, 0, 1, 4, 5),
    v128.shuffle<f32>(ab, cd, 2, 3, 6, 7),
  );
}

/** The sum of the four lanes. */
// @ts-ignore: decorator
@inline
export function sumLane(a: v128): f32 {
  const pair = f32x4.add(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  return f32x4.extract_lane(pair, 0) + f32x4.extract_lane(pair, 1);
}

/** The sum of the four lanes, whole numbers. */
// @ts-ignore: decorator
@inline
export function sumWhole(a: v128): i32 {
  const pair = i32x4.add(a, v128.shuffle<i32>(a, a, 2, 3, 0, 1));
  return i32x4.extract_lane(pair, 0) + i32x4.extract_lane(pair, 1);
}

/** The largest of the four lanes. */
// @ts-ignore: decorator
@inline
export function maxLane(a: v128): f32 {
  const pair = f32x4.pmax(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
  return max<f32>(
    f32x4.extract_lane(pair, 0),
    f32x4.extract_lane(pair, 1),
  );
}

/**
 * e^x to about one unit in the last place: x = n·ln 2 + r with |r| ≤ ln 2 / 2, a polynomial for e^r, and n put into the
 * exponent. Below -87 it is e^-87 (1.6e-38), above 88 e^88.
 */
// @ts-ignore: decorator
@inline
export function exp(x: v128): v128 {
  const clamped = f32x4.pmin(
    f32x4.pmax(x, v128.load(EXP, 0)),
    v128.load(EXP, 16),
  );
  const magic = v128.load(MAGIC);
  const shifted = madd(clamped, v128.load(EXP, 32), magic);
  const n = f32x4.sub(shifted, magic);
  // ln 2 in two parts, so that n·ln 2 loses nothing.
  let r = madd(n, v128.load(EXP, 48), clamped);
  r = madd(n, v128.load(EXP, 64), r);
  let p = madd(v128.load(EXP, 80), r, v128.load(EXP, 96));
  p = madd(p, r, v128.load(EXP, 112));
  p = madd(p, r, v128.load(EXP, 128));
  p = madd(p, r, v128.load(EXP, 144));
  p = madd(p, r, v128.load(EXP, 160));
  const one = v128.load(EXP, 176);
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), one);
  return f32x4.mul(p, i32x4.add(i32x4.shl(shifted, 23), one));
}

/** The whole numbers that are nearest to x, ties to the even one, for |x| < 2^22: i32x4. */
// @ts-ignore: decorator
@inline
export function round(x: v128): v128 {
  const magic = v128.load(MAGIC);
  return i32x4.sub(f32x4.add(x, magic), magic);
}

/** The largest magnitude of x [count] f32. */
// @ts-ignore: decorator
@inline
export function largest(x: usize, count: i32): f32 {
  let most = f32x4.splat(0);
  for (let i = 0; i < count; i += 4, x += 16) {
    most = f32x4.pmax(most, f32x4.abs(v128.load(x)));
  }
  return maxLane(most);
}

/** The four values at x + offset, times `inverse`, as the nearest whole numbers. */
// @ts-ignore: decorator
@inline
export function scaled(x: usize, offset: usize, inverse: v128): v128 {
  return round(f32x4.mul(v128.load(x + offset), inverse));
}
