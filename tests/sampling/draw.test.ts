import { assertEquals } from "@std/assert";
import { draw } from "../../src/sampling/draw.ts";
import { candidatesOf } from "./stages.ts";

Deno.test("draw() gives each candidate its share of the unit interval", () => {
  const candidates = candidatesOf([0.5, 0, 1, 0.5]); // 1/4, 0, 1/2, 1/4
  const cases: [point: number, id: number][] = [
    [0, 0],
    [0.249, 0],
    [0.25, 2],
    [0.749, 2],
    [0.75, 3],
    [1 - 2 ** -53, 3],
  ];
  for (const [point, id] of cases) {
    assertEquals(draw(candidates, point), id, `point = ${point}`);
  }
});

Deno.test("draw() never gives a candidate without weight", () => {
  assertEquals(draw(candidatesOf([0, 1, 0]), 0), 1);
  assertEquals(draw(candidatesOf([0, 1, 0]), 1 - 2 ** -53), 1);
});
