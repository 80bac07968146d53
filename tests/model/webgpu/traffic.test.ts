/** What crosses over to the device, and what is created on it, while tokens pass. */
import { assertEquals, assertGreater } from "@std/assert";
import { withLearned } from "../../../src/cache/method.ts";
import { METHODS } from "../../../src/cache/methods.ts";
import { madeUpParts } from "../../helpers/learned.ts";
import type { BoundedCache } from "../../helpers/stream.ts";
import { boundedCache } from "../../helpers/stream.ts";
import { TOP_BYTES } from "../../../src/kernels/webgpu/top.ts";
import { gpuTest, withTinyGpu } from "../../helpers/gpu.ts";
import type { Runtime } from "../../../src/model/runtime.ts";
import { tinyGguf } from "../../helpers/tiny_gguf.ts";

const SIZE = {
  slots: 32,
  block: 32,
  sinks: 2,
  window: 4,
  store: "int8",
} as const;
const VOCAB = 320;

/** Runs `count` tokens one by one; gives the number of compactions. */
async function decode(
  runtime: Runtime,
  { cache, compact }: BoundedCache,
  count: number,
  top = Infinity,
): Promise<number> {
  let compactions = 0;
  for (let i = 0; i < count; i++) {
    if (cache.slots.room === 0) {
      await compact();
      compactions++;
    }
    const tokens = [(i * 53 + 7) % 300];
    await runtime.forward([{ cache, tokens, logits: "last", top }], () => {});
  }
  return compactions;
}

/** Calls of `createBuffer` on any device while `run` runs, its own and those of libraries. */
async function buffersCreated(run: () => Promise<void>): Promise<number> {
  const { prototype } = GPUDevice;
  const original = prototype.createBuffer;
  let count = 0;
  prototype.createBuffer = function (descriptor) {
    count++;
    return original.call(this, descriptor);
  };
  try {
    await run();
  } finally {
    prototype.createBuffer = original;
  }
  return count;
}

const OPTIONS = { layers: 1 };
const parts = madeUpParts(tinyGguf(OPTIONS).config);
const TRIED = [
  ["dual", METHODS.dual, 1000],
  ["lococo (learned)", withLearned(METHODS.lococo, parts, {}), 200],
  ["locoloop (learned)", withLearned(METHODS.locoloop, parts, {}), 200],
] as const;

for (const [name, method, tokens] of TRIED) {
  gpuTest(
    `${tokens} tokens and their compactions create no buffer on the GPU: ${name}`,
    async () => {
      await withTinyGpu(OPTIONS, async (runtime) => {
        const bounded = boundedCache(runtime, method, SIZE);
        const first = await buffersCreated(async () => {
          await decode(runtime, bounded, 100);
        });
        // The count sees buffers where there are any.
        assertGreater(first, 0);
        let compactions = 0;
        const later = await buffersCreated(async () => {
          compactions = await decode(runtime, bounded, tokens);
        });
        assertEquals(later, 0);
        assertEquals(compactions, Math.floor(tokens / SIZE.block));
      });
    },
  );
}

for (const [top, bytes] of [[Infinity, VOCAB * 4], [1, TOP_BYTES]]) {
  gpuTest(
    `a token takes its id and the step to the GPU, and brings ${bytes} bytes of logits back, whatever the slots`,
    async () => {
      await withTinyGpu({ layers: 1 }, async (runtime) => {
        const bounded = boundedCache(runtime, "dual", { ...SIZE, slots: 64 });
        await decode(runtime, bounded, 40, top);
        const { written, read } = runtime.traffic;
        await decode(runtime, bounded, 5, top);
        assertEquals(runtime.traffic.written - written, 5 * (4 + 16));
        assertEquals(runtime.traffic.read - read, 5 * bytes);
      });
    },
  );
}
