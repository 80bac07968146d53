import { assertEquals, assertRejects } from "@std/assert";
import { findAdapter } from "../../../src/model/webgpu/adapter.ts";
import { StoreKernels } from "../../../src/model/webgpu/store_kernels.ts";
import { gpuTest, withDevice } from "../../helpers/gpu.ts";

const SHAPE = { headDim: 32, heads: 2, kvHeads: 1, ropeDim: 32 };

/** Whether the kernels of attention that are compiled are in f16, where that is asked for, on a device that sees `change` of their code. */
async function areHalf(
  store: "f32" | "int8",
  change = (code: string) => code,
): Promise<boolean[]> {
  const { prototype } = GPUDevice;
  const original = prototype.createShaderModule;
  const halves: boolean[] = [];
  prototype.createShaderModule = function (descriptor) {
    const { label, code } = descriptor;
    if (label === "attend") halves.push(code.startsWith("enable f16"));
    return original.call(this, { ...descriptor, code: change(code) });
  };
  try {
    await withDevice(async (device) => {
      await new StoreKernels(device, SHAPE, "f16").of(store);
    });
  } finally {
    prototype.createShaderModule = original;
  }
  return halves;
}

gpuTest(
  "StoreKernels.of() tests and gives kernels in f16 where keys have 8 bits, and in f32 otherwise",
  async () => {
    assertEquals(await areHalf("int8"), [true, true]);
    assertEquals(await areHalf("f32"), [false, false]);
  },
  ["shader-f16"],
);

gpuTest(
  "StoreKernels.of() refuses a device that is wrong in f16",
  async () => {
    const spoil = (code: string) =>
      code.replaceAll("product * SCALE", "product * 1.1 * SCALE");
    await assertRejects(
      () => areHalf("int8", spoil),
      Error,
      "its kernel attend over int8 slots in f16 is wrong by",
    );
  },
  ["shader-f16"],
);

gpuTest("StoreKernels.of() refuses f16 where the device lacks it", async () => {
  const device = await (await findAdapter()).requestDevice();
  await assertRejects(
    () => new StoreKernels(device, SHAPE, "f16").of("int8"),
    Error,
    "Cannot attend in f16: the GPU has no shader-f16",
  );
  device.destroy();
});
