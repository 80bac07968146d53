import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { createRandom, drawSeed } from "../../src/sampling/random.ts";

const take = (random: () => number, count: number) =>
  Array.from({ length: count }, random);

Deno.test("createRandom() repeats itself for the same seed and stream", () => {
  assertEquals(take(createRandom(7, 3), 50), take(createRandom(7, 3), 50));
});

Deno.test("createRandom() differs by seed and by stream, also between neighbours", () => {
  const starts = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    for (let stream = 0; stream < 40; stream++) {
      starts.add(createRandom(seed, stream)());
    }
  }
  assertEquals(starts.size, 1600);
  assertNotEquals(take(createRandom(1, 2), 5), take(createRandom(2, 1), 5));
});

Deno.test("createRandom() keeps its sequence, so that a seed means the same on every machine", () => {
  assertEquals(take(createRandom(42, 0), 3), [
    0.15283040785296254,
    0.7632962637893554,
    0.3520738827082186,
  ]);
});

Deno.test("createRandom() takes the largest seed", () => {
  const [first] = take(createRandom(2 ** 32 - 1, 0), 1);
  assert(first >= 0 && first < 1);
  assertNotEquals(first, createRandom(0, 0)());
});

Deno.test("createRandom() is uniform: chi-square over 64 cells", () => {
  const counts = new Uint32Array(64);
  const draws = 64 * 500;
  const random = createRandom(11, 0);
  for (let at = 0; at < draws; at++) counts[Math.floor(random() * 64)]++;
  let chiSquare = 0;
  for (const count of counts) chiSquare += (count - 500) ** 2 / 500;
  assert(chiSquare < 103.4, `${chiSquare}`); // 63 degrees, p = 0.001
});

Deno.test("drawSeed() gives an unsigned 32-bit integer, another each time", () => {
  const seeds = new Set(Array.from({ length: 8 }, drawSeed));
  assert(seeds.size > 1);
  for (const seed of seeds) assertEquals(seed, seed >>> 0);
});
