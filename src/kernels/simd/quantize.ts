// Activations to whole numbers, in the two forms that the products with quantised weights want.
import { largest, maxLane, round, sumWhole } from "./lanes";

/** Largest byte, and largest multiplier of a half block. */
const MOST_BYTE: f32 = 127;
const MOST_MULTIPLIER: f32 = 32767;

/**
 * For weights of 4 bits. x [tokens, columns] f32 → xs [tokens] f32, a token's unit, and xq: bytes by halves of a block of 32,
 * whose scale is a whole multiple of the unit, so that the two halves of a block are added up as whole numbers. Value =
 * unit · multiplier · byte; multipliers are pairs of the same 16 bits. A block's sum (f32, in units) is what the offset of a
 * block of weights multiplies.
 *
 * Four tokens lie together, so that a product reads one stream. Of each of their blocks, 176 bytes: for either half, the
 * multipliers [4] and the bytes [4, 16]; then the sums [4]. Of a block of a token that is left over, 48 bytes: the bytes [2, 16],
 * the multipliers [2], the sum, and 4 bytes that nobody reads.
 */
export function quantizeNarrow(
  x: usize,
  xq: usize,
  xs: usize,
  tokens: i32,
  columns: i32,
): void {
  const blocks = <usize> (columns >> 5), row = <usize> columns << 2;
  let t = 0;
  for (; t + 4 <= tokens; t += 4) {
    for (let i: usize = 0; i < 4; i++, x += row, xs += 4) {
      const q = xq + i * 4;
      narrowToken(x, xs, columns, q, 80, xq + 16 + i * 16, 80, q + 160, 176);
    }
    xq += blocks * 176;
  }
  for (; t < tokens; t++, x += row, xs += 4) {
    narrowToken(x, xs, columns, xq + 32, 4, xq, 16, xq + 40, 48);
    xq += blocks * 48;
  }
}

/** One token: where its first multiplier, bytes and sum go, and how far from one half or block to the next. */
function narrowToken(
  x: usize,
  unit: usize,
  columns: i32,
  multipliers: usize,
  multiplierStep: usize,
  bytes: usize,
  byteStep: usize,
  sum: usize,
  block: usize,
): void {
  const most = largest(x, columns);
  store<f32>(unit, most / (MOST_BYTE * MOST_MULTIPLIER));
  const share = most > 0 ? MOST_MULTIPLIER / most : 0;
  for (; columns > 0; columns -= 32) {
    let total = 0;
    for (let half: usize = 0; half < 2; half++, x += 64) {
      const a0 = v128.load(x, 0), a1 = v128.load(x, 16);
      const a2 = v128.load(x, 32), a3 = v128.load(x, 48);
      const magnitude = maxLane(f32x4.pmax(
        f32x4.pmax(f32x4.abs(a0), f32x4.abs(a1)),
        f32x4.pmax(f32x4.abs(a2), f32x4.abs(a3)),
      ));
      // Rounded up, so that the largest byte stays within its bounds.
      const multiplier = min<f32>(MOST_MULTIPLIER, ceil<f32>(magnitude * share));
      const inverse = f32x4.splat(multiplier > 0 ? MOST_BYTE * MOST_MULTIPLIER / (most * multiplier) : 0);
      const values = i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(round(f32x4.mul(a0, inverse)), round(f32x4.mul(a1, inverse))),
        i16x8.narrow_i32x4_s(round(f32x4.mul(a2, inverse)), round(f32x4.mul(a3, inverse))),
      );
      const whole = <i32> multiplier;
      v128.store(bytes + half * byteStep, values);
      store<i32>(multipliers + half * multiplierStep, whole << 16 | whole);
      const pairs = i16x8.extadd_pairwise_i8x16_s(values);
      total += whole * sumWhole(i32x4.extadd_pairwise_i16x8_s(pairs));
    }
    store<f32>(sum, <f32> total);
    multipliers += block;
    bytes += block;
    sum += block;
  }
}

/**
 * For weights of 8 bits. x [tokens, columns] f32 → xq [tokens, columns] i16 and xs [tokens, columns/32] f32, the scale of a
 * block of 32: largest magnitude / 32767.
 */
export function quantizeWide(
  x: usize,
  xq: usize,
  xs: usize,
  tokens: i32,
  columns: i32,
): void {
  const blocks = (tokens * columns) >> 5;
  for (let b = 0; b < blocks; b++) {
    const magnitude = largest(x, 32);
    const inverse = f32x4.splat(magnitude > 0 ? 32767 / magnitude : 0);
    store<f32>(xs, magnitude / 32767);
    for (let i: usize = 0; i < 128; i += 32, xq += 16) {
      const low = round(f32x4.mul(v128.load(x + i), inverse));
      const high = round(f32x4.mul(v128.load(x + i, 16), inverse));
      v128.store(xq, i16x8.narrow_i32x4_s(low, high));
    }
    x += 128;
    xs += 4;
  }
}

