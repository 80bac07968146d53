import { assertLess } from "@std/assert";
import {
  kernelErrors,
  selfTest,
  TOLERANCES,
} from "../../../src/kernels/webgpu/self_test.ts";
import { gpuTest, withDevice } from "../../helpers/gpu.ts";

/** Heads of a unit, their size, the rotated part of it, slots before the step, and its tokens: as for the SIMD kernels. */
const SHAPES = [
  [1, 16, 16, 0, 1],
  [3, 64, 64, 0, 9],
  [3, 64, 32, 317, 5],
  [2, 80, 40, 2, 3],
  [4, 4, 4, 30, 2],
  [1, 32, 32, 63, 64],
  [2, 128, 128, 200, 3],
] as const;

for (const [group, headDim, ropeDim, base, tokens] of SHAPES) {
  for (const share of [0, 0.4]) {
    const corrected = share ? "corrected" : "as it is";
    gpuTest(
      `rotate, append, attend, score and gather agree with the reference: ${group} heads of ${headDim}, ${base} + ${tokens} slots, ${corrected}`,
      async () => {
        await withDevice(async (device) => {
          const errors = await kernelErrors(device, {
            heads: 2 * group,
            kvHeads: 2,
            headDim,
            ropeDim,
            live: base - Math.min(base, 2),
            appended: Math.min(base, 2),
            tokens,
            observed: Math.floor(tokens / 3),
            position: base * 1000 - 7,
            share,
          });
          for (const [name, error] of Object.entries(errors)) {
            assertLess(
              error,
              TOLERANCES[name as keyof typeof TOLERANCES],
              `${name} is wrong by ${error}`,
            );
          }
        });
      },
    );
  }
}

gpuTest("selfTest() passes on this adapter", async () => {
  await withDevice(selfTest);
});
