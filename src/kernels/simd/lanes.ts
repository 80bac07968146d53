// Lane arithmetic that the kernels share. Everything here is inlined. Where relaxed SIMD is compiled in, a multiply-add
// is one instruction and a dot product of bytes is the machine's own; otherwise both are spelled out in plain SIMD.

/** The byte 15 in every lane: the low nibble. */
export const NIBBLE: i8 = 0x0f;

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
 * acc + the products of 16 signed bytes `w` with 16 bytes `x` of 7 bits (0…127), added in fours: i32x4.
 */
// @ts-ignore: decorator
@inline
export function dotBytes(w: v128, x: v128, acc: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) {
    return i32x4.relaxed_dot_i8x16_i7x16_add_s(w, x, acc);
  }
  const even = i32x4.dot_i16x8_s(
    i16x8.shr_s(i16x8.shl(w, 8), 8),
    v128.and(x, i16x8.splat(0x00ff)),
  );
  const odd = i32x4.dot_i16x8_s(i16x8.shr_s(w, 8), i16x8.shr_u(x, 8));
  return i32x4.add(acc, i32x4.add(even, odd));
}

/**
 * Half-precision numbers in the upper 16 bits of each lane (the lower bits are ignored), as f32x4. Sign, exponent and
 * mantissa are moved to where a single keeps them; the product with 2^112 mends the bias of the exponent and is exact,
 * for subnormal halves too. Infinities and NaN are not expected.
 */
// @ts-ignore: decorator
@inline
export function halvesToFloats(upper: v128): v128 {
  const bits = v128.and(i32x4.shr_s(upper, 3), i32x4.splat(0x8fffe000));
  return f32x4.mul(bits, f32x4.splat(5.192296858534828e33));
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

/** The largest of the four lanes. */
// @ts-ignore: decorator
@inline
export function maxLane(a: v128): f32 {
  const pair = f32x4.max(a, v128.shuffle<f32>(a, a, 2, 3, 0, 1));
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
  const clamped = f32x4.min(
    f32x4.max(x, f32x4.splat(-87)),
    f32x4.splat(88),
  );
  const n = f32x4.nearest(
    f32x4.mul(clamped, f32x4.splat(1.4426950408889634)),
  );
  // ln 2 in two parts, so that n·ln 2 loses nothing.
  let r = madd(n, f32x4.splat(-0.693359375), clamped);
  r = madd(n, f32x4.splat(2.12194440e-4), r);
  let p = f32x4.splat(1.9875691500e-4);
  p = madd(p, r, f32x4.splat(1.3981999507e-3));
  p = madd(p, r, f32x4.splat(8.3334519073e-3));
  p = madd(p, r, f32x4.splat(4.1665795894e-2));
  p = madd(p, r, f32x4.splat(1.6666665459e-1));
  p = madd(p, r, f32x4.splat(5.0000001201e-1));
  p = f32x4.add(madd(p, f32x4.mul(r, r), r), f32x4.splat(1));
  const exponent = i32x4.shl(
    i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)),
    23,
  );
  return f32x4.mul(p, exponent);
}
