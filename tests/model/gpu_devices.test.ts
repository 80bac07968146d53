import { assertEquals } from "@std/assert";
import { mayHaveGpu } from "../../src/model/gpu_devices.ts";

const COMMON = [
  "cpu_dma_latency",
  "full",
  "null",
  "nvme0",
  "nvram",
  "vga_arbiter",
];

Deno.test("mayHaveGpu() is false where no device is a GPU", async () => {
  assertEquals(await mayHaveGpu(() => Promise.resolve(COMMON)), false);
});

for (
  const name of [
    "dri",
    "nvidia0",
    "nvidiactl",
    "nvhost-gpu",
    "nvmap",
    "dxg",
    "kfd",
    "mali0",
    "kgsl-3d0",
  ]
) {
  Deno.test(`mayHaveGpu() is true where there is /dev/${name}`, async () => {
    const names = [...COMMON, name];
    assertEquals(await mayHaveGpu(() => Promise.resolve(names)), true);
  });
}

Deno.test("mayHaveGpu() is true where nobody can tell", async () => {
  const fail = () => Promise.reject(new Deno.errors.NotCapable("no"));
  assertEquals(await mayHaveGpu(fail), true);
});
