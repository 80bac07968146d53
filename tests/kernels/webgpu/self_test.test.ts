import { assertLess } from "@std/assert";
import { STORE_NAMES, STORES } from "../../../src/cache/store/stores.ts";
import type { Operation } from "../../../src/kernels/webgpu/kernel_case.ts";
import {
  kernelErrors,
  selfTest,
  tolerances,
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

/** Stores, and what they are attended in. */
const FORMS = [
  ...STORE_NAMES.map((store) => [store, "f32", []] as const),
  ...(["int8", "k8v4"] as const)
    .map((store) => [store, "f16", ["shader-f16"]] as const),
];

for (const [store, arithmetic, needed] of FORMS) {
  for (const [group, headDim, ropeDim, base, tokens] of SHAPES) {
    if (headDim % STORES[store].multiple !== 0) continue;
    for (const share of [0, 0.4]) {
      const corrected = share ? "corrected" : "as it is";
      gpuTest(
        `all kernels agree with the reference: ${store} in ${arithmetic}, ${group} heads of ${headDim}, ${base} + ${tokens} slots, ${corrected}`,
        async () => {
          await withDevice(async (device) => {
            const errors = await kernelErrors(device, {
              store,
              arithmetic,
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
                tolerances(arithmetic)[name as Operation],
                `${name} is wrong by ${error}`,
              );
            }
          });
        },
        needed,
      );
    }
  }

  gpuTest(
    `selfTest() passes on this adapter: ${store} in ${arithmetic}`,
    async () => {
      await withDevice((device) => selfTest(device, store, arithmetic));
    },
    needed,
  );
}
