/**
 * The tables that kernels turn queries and keys to their positions by.
 *
 * @module
 */

/**
 * Angles for `turn.wgsl`.
 *
 * @param frequencies [ropeDim / 2] radians per position.
 * @returns [4, 256, ropeDim / 2, 2]
 */
export function angleTable(
  frequencies: Float64Array,
): Float32Array<ArrayBuffer> {
  const table = new Float32Array(4 * 256 * frequencies.length * 2);
  let at = 0;
  for (let place = 0; place < 4; place++) {
    for (let digit = 0; digit < 256; digit++) {
      for (const frequency of frequencies) {
        const angle = digit * 256 ** place * frequency;
        table[at++] = Math.cos(angle);
        table[at++] = Math.sin(angle);
      }
    }
  }
  return table;
}

/** As in `turn_bytes.wgsl`. */
const STEPS = 4096, DIGITS = 23;

/**
 * Frequencies, sines and tangents for `turn_bytes.wgsl`.
 *
 * @param frequencies [ropeDim / 2] radians per position.
 * @returns [ropeDim / 2 + STEPS + 2, 2]
 */
export function turnTable(frequencies: Float64Array): Int32Array<ArrayBuffer> {
  const pairs = frequencies.length;
  const table = new Int32Array((pairs + STEPS + 2) * 2);
  frequencies.forEach((frequency, pair) => {
    // Scaling by a power of two and taking the whole part away are exact.
    const turn = frequency / (2 * Math.PI) * 2 ** 32;
    const high = Math.floor(turn);
    table[2 * pair] = high >>> 0;
    table[2 * pair + 1] = Math.floor((turn - high) * 2 ** 32);
  });
  for (let i = 0; i < STEPS + 2; i++) {
    const angle = i / STEPS * Math.PI / 2;
    const at = (pairs + i) * 2;
    table[at] = Math.round(Math.sin(angle) * 2 ** DIGITS);
    table[at + 1] = Math.round(Math.tan(angle / 2) * 2 ** DIGITS);
  }
  return table;
}
