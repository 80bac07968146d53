/**
 * @module
 */
import type { Score } from "../method.ts";

/**
 * **Idea.** The null that every score must beat: what stays is a fair sample of all tokens so far. **Formula.** score =
 * a hash of the token's index and the head, so that the same tokens stay until better ones come (reservoir sampling with
 * fixed keys). **Cost.** None. **Options.** `seed`: another sample.
 */
export function randomScore({ seed = 1 }: { seed?: number } = {}): Score {
  return {
    needs: {},
    carried: 0,
    rank({ unit, token }, out) {
      for (let slot = 0; slot < token.length; slot++) {
        out[slot] = hash(token[slot], unit * 0x9e3779b1 + seed);
      }
    },
  };
}

/** Two numbers to one in [0, 1), each bit of which depends on all bits of both (the finaliser of MurmurHash3). */
function hash(a: number, b: number): number {
  let h = (a ^ Math.imul(b, 0x85ebca6b)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}
