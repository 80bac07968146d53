// AssemblyScript. What this core does at best: loops that do one thing only, over registers or a stretch of memory. Sums
// are returned so that nothing can be left out. Twelve chains are enough to hide any latency. Factors come from the caller:
// an engine may make a constant anew each time that it is used.

/** Reads `bytes` bytes (a multiple of 128), again and again. */
export function read(pointer: usize, bytes: usize, times: i32): i32 {
  let a = i32x4.splat(0), b = a, c = a, d = a;
  for (let n = 0; n < times; n++) {
    const end = pointer + bytes;
    for (let p = pointer; p < end; p += 128) {
      a = v128.xor(a, v128.xor(v128.load(p, 0), v128.load(p, 64)));
      b = v128.xor(b, v128.xor(v128.load(p, 16), v128.load(p, 80)));
      c = v128.xor(c, v128.xor(v128.load(p, 32), v128.load(p, 96)));
      d = v128.xor(d, v128.xor(v128.load(p, 48), v128.load(p, 112)));
    }
  }
  return fold(a, b, c, d);
}

// @ts-ignore: decorator
@inline
function fold(a: v128, b: v128, c: v128, d: v128): i32 {
  return i32x4.extract_lane(v128.xor(v128.xor(a, b), v128.xor(c, d)), 0);
}

/** acc + Σ of neighbouring products of bytes, which the 4-bit kernels are made of: 12 · 16 products a turn. */
// @ts-ignore: decorator
@inline
function bytes(acc: v128, n: v128): v128 {
  return i16x8.add(acc, i16x8.relaxed_dot_i8x16_i7x16_s(acc, n));
}

export function dotBytes(turns: i32, factor: i32): i32 {
  const n = i8x16.splat(<i8> factor);
  let a = i8x16.splat(1), b = i8x16.splat(2), c = i8x16.splat(3);
  let d = i8x16.splat(4), e = i8x16.splat(5), f = i8x16.splat(6);
  let g = i8x16.splat(7), h = i8x16.splat(8), i = i8x16.splat(9);
  let j = i8x16.splat(10), k = i8x16.splat(11), l = i8x16.splat(12);
  for (; turns > 0; turns--) {
    a = bytes(a, n), b = bytes(b, n), c = bytes(c, n), d = bytes(d, n);
    e = bytes(e, n), f = bytes(f, n), g = bytes(g, n), h = bytes(h, n);
    i = bytes(i, n), j = bytes(j, n), k = bytes(k, n), l = bytes(l, n);
  }
  return fold(a, b, c, d) ^ fold(e, f, g, h) ^ fold(i, j, k, l);
}

/** As `bytes` over numbers of 16 bits, which the 8-bit kernel is made of: 12 · 8 products a turn. */
// @ts-ignore: decorator
@inline
function words(acc: v128, n: v128): v128 {
  return i32x4.add(acc, i32x4.dot_i16x8_s(acc, n));
}

export function dotWords(turns: i32, factor: i32): i32 {
  const n = i16x8.splat(<i16> factor);
  let a = i8x16.splat(1), b = i8x16.splat(2), c = i8x16.splat(3);
  let d = i8x16.splat(4), e = i8x16.splat(5), f = i8x16.splat(6);
  let g = i8x16.splat(7), h = i8x16.splat(8), i = i8x16.splat(9);
  let j = i8x16.splat(10), k = i8x16.splat(11), l = i8x16.splat(12);
  for (; turns > 0; turns--) {
    a = words(a, n), b = words(b, n), c = words(c, n), d = words(d, n);
    e = words(e, n), f = words(f, n), g = words(g, n), h = words(h, n);
    i = words(i, n), j = words(j, n), k = words(k, n), l = words(l, n);
  }
  return fold(a, b, c, d) ^ fold(e, f, g, h) ^ fold(i, j, k, l);
}

/** acc · n + acc: 12 · 4 products a turn. */
// @ts-ignore: decorator
@inline
function floats(acc: v128, n: v128): v128 {
  return f32x4.relaxed_madd(acc, n, acc);
}

export function dotFloats(turns: i32, factor: i32): i32 {
  const n = f32x4.splat(<f32> factor);
  let a = f32x4.splat(1), b = f32x4.splat(2), c = f32x4.splat(3);
  let d = f32x4.splat(4), e = f32x4.splat(5), f = f32x4.splat(6);
  let g = f32x4.splat(7), h = f32x4.splat(8), i = f32x4.splat(9);
  let j = f32x4.splat(10), k = f32x4.splat(11), l = f32x4.splat(12);
  for (; turns > 0; turns--) {
    a = floats(a, n), b = floats(b, n), c = floats(c, n), d = floats(d, n);
    e = floats(e, n), f = floats(f, n), g = floats(g, n), h = floats(h, n);
    i = floats(i, n), j = floats(j, n), k = floats(k, n), l = floats(l, n);
  }
  return fold(a, b, c, d) ^ fold(e, f, g, h) ^ fold(i, j, k, l);
}
