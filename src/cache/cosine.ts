/**
 * Directions of vectors that lie side by side, [count, width] f32.
 *
 * @module
 */

/** Copies the vectors with length 1; of a zero vector nothing can be made, and it stays zero. */
export function normalised(
  vectors: Float32Array,
  width: number,
): Float32Array {
  const out = vectors.slice();
  for (let start = 0; start < out.length; start += width) {
    const scale = 1 / Math.sqrt(dot(out, start, out, start, width) + 1e-12);
    for (let i = start; i < start + width; i++) out[i] *= scale;
  }
  return out;
}

/** a[from …] · b[start …], in four sums that do not wait for each other. */
export function dot(
  a: Float32Array,
  from: number,
  b: Float32Array,
  start: number,
  width: number,
): number {
  let w = 0, x = 0, y = 0, z = 0;
  for (let i = 0; i < width; i += 4) {
    w += a[from + i] * b[start + i];
    x += a[from + i + 1] * b[start + i + 1];
    y += a[from + i + 2] * b[start + i + 2];
    z += a[from + i + 3] * b[start + i + 3];
  }
  return w + x + y + z;
}
