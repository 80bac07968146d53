import { assertEquals, assertNotEquals } from "@std/assert";
import { Draw, range } from "../../../bench/quality/draw.ts";

const LETTERS = [..."abcdefghij"];

Deno.test("Draw gives the same for the same seed and stream, and other for others", () => {
  const some = (seed: number, stream: number) =>
    new Draw(seed, stream).some(LETTERS, 10).join("");
  assertEquals(some(1, 0), some(1, 0));
  assertNotEquals(some(1, 0), some(1, 1));
  assertNotEquals(some(1, 0), some(2, 0));
});

Deno.test("Draw.some() takes each at most once and leaves the list alone", () => {
  const letters = [...LETTERS];
  const drawn = new Draw(1, 0).some(letters, 10);
  assertEquals(drawn.toSorted(), LETTERS);
  assertEquals(letters, LETTERS);
});

Deno.test("Draw.below() reaches every number and no other", () => {
  const draw = new Draw(1, 0);
  const drawn = new Set(range(200).map(() => draw.below(4)));
  assertEquals([...drawn].sort(), [0, 1, 2, 3]);
});
