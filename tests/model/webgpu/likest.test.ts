import { assertAlmostEquals, assertEquals } from "@std/assert";
import { likestOf } from "../../../src/model/webgpu/likest.ts";
import { likestOf as byDefinition } from "../../helpers/observation.ts";
import { normal } from "../../helpers/random.ts";

const LIVE = 12, DIM = 8;
const KEPT = Int32Array.of(0, 2, 3, 7, 11);

Deno.test("likestOf() finds what the definition does, the first of twins, and -1 among none", () => {
  const keys = normal(5, LIVE * DIM);
  keys.copyWithin(7 * DIM, 3 * DIM, 4 * DIM);
  const vectors = Array.from(
    { length: LIVE },
    (_, slot) => keys.subarray(slot * DIM, (slot + 1) * DIM),
  );
  const seekers = [[1, 0, 5], [4, 1, 4], [7, 2, 5], [8, 0, 1], [9, 2, 2]];
  const list = Int32Array.from(seekers.flat());
  const actual = likestOf(keys, DIM, KEPT, list);
  const expected = byDefinition((slot) => vectors[slot], KEPT, list);
  assertEquals(actual.targets, expected.targets);
  assertEquals(actual.targets[2], 3);
  assertEquals(actual.targets[4], -1);
  for (const i of [0, 1, 2, 3]) {
    assertAlmostEquals(actual.cosines[i], expected.cosines[i], 1e-6);
  }
});
