// Vectors in 8 bits: what turns them into that and back, and keys in it that are turned to their position.
import { largest, scaled } from "./lanes";

/** The longest pair of bytes that turning cannot take out of their range. */
const LONGEST_PAIR: f32 = 125;

/**
 * x [vectors, count] f32, `stride` bytes apart → bytes [vectors, count] int8 and scales [vectors] = largest magnitude / 127.
 * count is a multiple of 16.
 */
export function encode(x: usize, stride: usize, bytes: usize, scales: usize, vectors: i32, count: i32): void {
  for (; vectors > 0; vectors--, x += stride, bytes += <usize> count, scales += 4) {
    narrow(x, bytes, scales, count, largest(x, count), 127);
  }
}

/** As encode: scale = length of the longest neighbouring pair / 125. */
export function encodeKey(x: usize, stride: usize, bytes: usize, scales: usize, vectors: i32, count: i32): void {
  for (; vectors > 0; vectors--, x += stride, bytes += <usize> count, scales += 4) {
    narrow(x, bytes, scales, count, longestPair(x, count), LONGEST_PAIR);
  }
}

/** The length of the longest neighbouring pair of x [count]. */
// @ts-ignore: decorator
@inline
function longestPair(x: usize, count: i32): f32 {
  let most = f32x4.splat(0);
  for (let i: usize = 0; i < <usize> count << 2; i += 16) {
    const v = v128.load(x + i);
    const squares = f32x4.mul(v, v);
    const swapped = v128.shuffle<f32>(squares, squares, 1, 0, 3, 2);
    most = f32x4.max(most, f32x4.add(squares, swapped));
  }
  const pair = f32x4.max(most, v128.shuffle<f32>(most, most, 2, 3, 0, 1));
  return sqrt<f32>(f32x4.extract_lane(pair, 0));
}

/** The values that encode or encodeKey put away. */
export function decode(bytes: usize, scale: usize, x: usize, count: i32): void {
  const factor = v128.load32_splat(scale);
  for (let i = 0; i < count; i += 4) {
    const wide = i32x4.extend_low_i16x8_s(
      i16x8.extend_low_i8x16_s(v128.load32_zero(bytes)),
    );
    v128.store(x, f32x4.mul(f32x4.convert_i32x4_s(wide), factor));
    bytes += 4;
    x += 16;
  }
}

/**
 * Turns the first `rotated` bytes of each of [vectors, count], in pairs, to the position of its row of the rotary table, or back
 * from it: three shears in whole numbers, so that the way back gives the very bytes. No multiplication here may be fused with an
 * addition.
 */
export function turnKey(
  bytes: usize,
  table: usize,
  vectors: i32,
  count: i32,
  rotated: i32,
  back: i32,
): void {
  for (; vectors > 0; vectors--, bytes += <usize> count, table += <usize> rotated << 3) {
    turnVector(bytes, table, rotated, back);
  }
}

// @ts-ignore: decorator
@inline
function turnVector(bytes: usize, table: usize, rotated: i32, back: i32): void {
  const sines = table + (<usize> rotated << 2);
  let i: usize = 0;
  for (; i + 16 <= <usize> rotated; i += 16) {
    const pairs = v128.load(bytes + i);
    const a = i16x8.shr_s(i16x8.shl(pairs, 8), 8), b = i16x8.shr_s(pairs, 8);
    const at = i << 2;
    const low = turn(
      i32x4.extend_low_i16x8_s(a),
      i32x4.extend_low_i16x8_s(b),
      table + at,
      sines + at,
      back,
    );
    const high = turn(
      i32x4.extend_high_i16x8_s(a),
      i32x4.extend_high_i16x8_s(b),
      table + at + 32,
      sines + at + 32,
      back,
    );
    v128.store(
      bytes + i,
      v128.shuffle<i8>(
        // deno-fmt-ignore
        low, high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30,
      ),
    );
  }
  for (; i < <usize> rotated; i += 2) {
    turnPair(bytes + i, table + (i << 2), sines + (i << 2), back);
  }
}

/** Copies the rows of `bytes` bytes, a multiple of 4, that indices [count] u32 name, side by side. */
export function gather(
  from: usize,
  to: usize,
  indices: usize,
  count: i32,
  bytes: i32,
): void {
  const wide = bytes & ~15;
  for (let r = 0; r < count; r++, indices += 4) {
    const row = from + <usize> load<u32>(indices) * <usize> bytes;
    let i = 0;
    for (; i < wide; i += 16, to += 16) v128.store(to, v128.load(row + <usize> i));
    for (; i < bytes; i += 4, to += 4) store<u32>(to, load<u32>(row + <usize> i));
  }
}

/** x as bytes, and their scale: `most` is what the number `size` becomes. */
// @ts-ignore: decorator
@inline
function narrow(
  x: usize,
  bytes: usize,
  scale: usize,
  count: i32,
  size: f32,
  most: f32,
): void {
  const inverse = f32x4.splat(size > 0 ? most / size : 0);
  for (let i = 0; i < count; i += 16, x += 64) {
    v128.store(
      bytes + <usize> i,
      i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(scaled(x, 0, inverse), scaled(x, 16, inverse)),
        i16x8.narrow_i32x4_s(scaled(x, 32, inverse), scaled(x, 48, inverse)),
      ),
    );
  }
  store<f32>(scale, size / most);
}

/** Four pairs with the first numbers in `x` and the second in `y`: i16x8 of both, side by side. */
// @ts-ignore: decorator
@inline
function turn(x: v128, y: v128, cosines: usize, sines: usize, back: i32): v128 {
  const c0 = v128.load(cosines, 0), c1 = v128.load(cosines, 16);
  const s0 = v128.load(sines, 0), s1 = v128.load(sines, 16);
  const cosine = v128.shuffle<f32>(c0, c1, 0, 2, 4, 6);
  const sine = v128.shuffle<f32>(s0, s1, 1, 3, 5, 7);
  // The sign bit where both numbers are negated.
  const flip = v128.and(cosine, i32x4.splat(0x80000000));
  const s = v128.xor(sine, flip);
  const t = f32x4.div(
    f32x4.neg(s),
    f32x4.add(f32x4.splat(1), v128.xor(cosine, flip)),
  );
  let a = f32x4.convert_i32x4_s(x), b = f32x4.convert_i32x4_s(y);
  if (back) {
    a = f32x4.sub(a, f32x4.nearest(f32x4.mul(t, b)));
    b = f32x4.sub(b, f32x4.nearest(f32x4.mul(s, a)));
    a = f32x4.sub(a, f32x4.nearest(f32x4.mul(t, b)));
    a = v128.xor(a, flip);
    b = v128.xor(b, flip);
  } else {
    a = v128.xor(a, flip);
    b = v128.xor(b, flip);
    a = f32x4.add(a, f32x4.nearest(f32x4.mul(t, b)));
    b = f32x4.add(b, f32x4.nearest(f32x4.mul(s, a)));
    a = f32x4.add(a, f32x4.nearest(f32x4.mul(t, b)));
  }
  const first = i32x4.trunc_sat_f32x4_s(a), second = i32x4.trunc_sat_f32x4_s(b);
  return v128.or(
    v128.and(first, i32x4.splat(0xffff)),
    i32x4.shl(second, 16),
  );
}

/** As `turn`, one pair in place. */
// @ts-ignore: decorator
@inline
function turnPair(pair: usize, cosines: usize, sines: usize, back: i32): void {
  const cosine = load<f32>(cosines);
  const sign: f32 = cosine < 0 ? -1 : 1;
  const s = sign * load<f32>(sines, 4);
  const t: f32 = -s / (1 + sign * cosine);
  let a = <f32> load<i8>(pair, 0), b = <f32> load<i8>(pair, 1);
  if (back) {
    a -= nearest<f32>(t * b);
    b -= nearest<f32>(s * a);
    a -= nearest<f32>(t * b);
    a *= sign;
    b *= sign;
  } else {
    a *= sign;
    b *= sign;
    a += nearest<f32>(t * b);
    b += nearest<f32>(s * a);
    a += nearest<f32>(t * b);
  }
  store<i8>(pair, <i8> a, 0);
  store<i8>(pair, <i8> b, 1);
}
