import { assertThrows } from "@std/assert";
import {
  GpuBuffers,
  largestBuffer,
} from "../../../src/kernels/webgpu/buffers.ts";
import { gpuTest, withDevice } from "../../helpers/gpu.ts";

gpuTest(
  "GpuBuffers refuses a buffer that is too large for the device, by its name",
  async () => {
    await withDevice((device) => {
      const gpu = new GpuBuffers(device);
      const most = largestBuffer(device.limits);
      assertThrows(
        () => gpu.storage(most + 1, "plans"),
        RangeError,
        `Cannot hold plans on the GPU: they take ${
          most + 16
        } bytes, a buffer at most ${most}`,
      );
      return Promise.resolve();
    });
  },
);
