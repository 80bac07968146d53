/**
 * @module
 */

/** A vector turned to a position in neighbouring pairs, all of it and in double precision. */
export function rotated(
  vector: readonly number[],
  position: number,
  ropeBase: number,
): number[] {
  const out = [...vector];
  for (let i = 0; i < out.length; i += 2) {
    const angle = position * ropeBase ** (-i / out.length);
    out[i] = vector[i] * Math.cos(angle) - vector[i + 1] * Math.sin(angle);
    out[i + 1] = vector[i + 1] * Math.cos(angle) + vector[i] * Math.sin(angle);
  }
  return out;
}
