import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { allocate } from "../../../src/cache/budget/allocate.ts";

const SIZES = [64, 128, 256];
const BOUNDS = { least: 40, most: 400 };

/** Losses that fall off with a power of the slots. */
function power(scale: number, exponent: number): number[] {
  return SIZES.map((size) => scale * (size / 64) ** -exponent);
}

function sum(values: Int32Array): number {
  return values.reduce((a, b) => a + b, 0);
}

Deno.test("allocate() shares everything out, within the bounds", () => {
  const losses = [power(1, 1), power(0.1, 1), power(0.01, 2), power(3, 0.5)];
  for (const mean of [40, 41, 77, 128, 256, 399, 400]) {
    const slots = allocate(SIZES, losses, mean, BOUNDS);
    assertEquals(sum(slots), mean * losses.length);
    assert(slots.every((count) => count >= 40 && count <= 400));
  }
});

Deno.test("allocate() gives the same to the same", () => {
  const losses = [power(1, 1), power(1, 1), power(1, 1)];
  assertEquals([...allocate(SIZES, losses, 80, BOUNDS)], [80, 80, 80]);
});

Deno.test("allocate() reaches the shares at which a slot is worth the same everywhere", () => {
  // d/dc of s/c is s/c²: the best shares go with the square root of the scale.
  const losses = [power(9, 1), power(1, 1)];
  const [more, less] = allocate(SIZES, losses, 200, BOUNDS);
  assert(Math.abs(more / less - 3) < 0.4, `${more} and ${less}`);
});

Deno.test("allocate() sees past a plateau to where the loss falls", () => {
  const losses = [[1, 1, 0.001], [0.1, 0.09, 0.08]];
  const [first] = allocate(SIZES, losses, 160, { least: 64, most: 300 });
  assertGreater(first, 200);
});

Deno.test("allocate() takes a loss that rises with the slots for a level one", () => {
  const noisy = [[0.001, 0.003, 0.002], power(0.01, 1)];
  const level = [[0.001, 0.001, 0.001], power(0.01, 1)];
  assertEquals(
    allocate(SIZES, noisy, 200, BOUNDS),
    allocate(SIZES, level, 200, BOUNDS),
  );
});

Deno.test("allocate() goes on beyond the sizes that were measured", () => {
  const losses = [power(9, 1), power(1, 1)];
  const [more, less] = allocate(SIZES, losses, 512, { least: 40, most: 1024 });
  assert(Math.abs(more / less - 3) < 0.4, `${more} and ${less}`);
});

Deno.test("allocate() refuses what the bounds do not allow", () => {
  const losses = [power(1, 1)];
  for (const mean of [39, 401]) {
    assertThrows(
      () => allocate(SIZES, losses, mean, BOUNDS),
      RangeError,
      `Cannot share out ${mean} slots: every head needs 40, at most 400`,
    );
  }
});

Deno.test("allocate() refuses losses from which no slope can be told", () => {
  assertThrows(
    () => allocate([64], [[1], [2]], 100, BOUNDS),
    RangeError,
    "Cannot share out slots by losses at 1 sizes: 2 are needed",
  );
});
