import { assertEquals } from "@std/assert";
import { largestNear, maxPool } from "../../src/cache/pool.ts";

const VALUES = Float32Array.of(4, 1, 2, 9, 3, 5, 0, 6);

Deno.test("largestNear() looks as far as the width to both sides, and not past the ends", () => {
  assertEquals(largestNear(VALUES, 0, 3), 4);
  assertEquals(largestNear(VALUES, 1, 3), 4);
  assertEquals(largestNear(VALUES, 5, 3), 5);
  assertEquals(largestNear(VALUES, 5, 5), 9);
  assertEquals(largestNear(VALUES, 7, 3), 6);
  assertEquals(largestNear(VALUES, 4, 99), 9);
});

Deno.test("maxPool() gives every slot the largest near it, itself alone with a width of 1", () => {
  const out = new Float32Array(VALUES.length);
  maxPool(VALUES, 3, out);
  assertEquals([...out], [4, 4, 9, 9, 9, 5, 6, 6]);
  maxPool(VALUES, 1, out);
  assertEquals(out, VALUES);
});
