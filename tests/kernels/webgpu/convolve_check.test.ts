import { assertLess } from "@std/assert";
import {
  CONVOLVE_TOLERANCE,
  convolveError,
  testConvolve,
} from "../../../src/kernels/webgpu/convolve_check.ts";
import { gpuTest, withDevice } from "../../helpers/gpu.ts";

/** Size of a head, rows, taps, and vectors of each request; the last is the paper's. */
const SHAPES = [
  [16, 1, 1, [1]],
  [4, 3, 5, [2, 9, 1]],
  [80, 9, 3, [64, 65]],
  [64, 128, 21, [130]],
] as const;

for (const [headDim, rows, taps, counts] of SHAPES) {
  gpuTest(
    `convolve agrees with the reference: ${rows} rows, ${taps} taps of ${headDim}, ${counts} places`,
    async () => {
      await withDevice(async (device) => {
        const error = await convolveError(device, {
          headDim,
          rows,
          taps,
          counts,
        });
        assertLess(error, CONVOLVE_TOLERANCE);
      });
    },
  );
}

gpuTest("testConvolve() passes on this adapter", async () => {
  await withDevice(testConvolve);
});
