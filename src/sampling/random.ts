/**
 * Reproducible random numbers.
 *
 * @module
 */

/** Rounds after which every bit of the state depends on every bit of the seed. */
const WARM_UP = 16;

/**
 * Uniform numbers in [0, 1) with 53 random bits, from Chris Doty-Humphrey's sfc32 (PractRand). The same
 * seed and stream give the same numbers; other streams of a seed are independent of each other.
 *
 * @param seed Unsigned 32-bit.
 * @param stream Unsigned 32-bit, e.g. the index of a choice.
 */
export function createRandom(seed: number, stream: number): () => number {
  let a = 0, b = seed | 0, c = stream | 0, counter = 1;

  function next(): number {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  for (let round = 0; round < WARM_UP; round++) next();
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/** A seed that nobody can foresee: unsigned 32-bit. */
export function drawSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0];
}
