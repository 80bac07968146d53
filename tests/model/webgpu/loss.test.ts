/** A device that goes away while it is in use. */
import { assertEquals, assertRejects } from "@std/assert";
import { withLearned } from "../../../src/cache/method.ts";
import { METHODS } from "../../../src/cache/methods.ts";
import { DeviceLostError } from "../../../src/engine/errors.ts";
import type { Engine, GenerateRequest } from "../../../src/engine/types.ts";
import { LossWatch } from "../../../src/model/webgpu/loss.ts";
import { loadEngine } from "../../../src/engine/engine.ts";
import {
  answersOf,
  ask,
  collect,
  someTokens,
  STAYS,
  tokensPrompt,
} from "../../helpers/generation.ts";
import { gpuTest, withTinyGpu } from "../../helpers/gpu.ts";
import { madeUpParts } from "../../helpers/learned.ts";
import { boundedCache, logitsOf, uniformCache } from "../../helpers/stream.ts";
import { writeTinyGguf } from "../../helpers/tiny_gguf.ts";

/** Runs `use` with a list of the devices that are opened meanwhile. */
async function withDevices(
  use: (devices: GPUDevice[]) => Promise<void>,
): Promise<void> {
  const { prototype } = GPUAdapter;
  const original = prototype.requestDevice;
  const devices: GPUDevice[] = [];
  prototype.requestDevice = async function (descriptor) {
    const device = await original.call(this, descriptor);
    devices.push(device);
    return device;
  };
  try {
    await use(devices);
  } finally {
    prototype.requestDevice = original;
  }
}

async function withEngine(use: (engine: Engine) => Promise<void>) {
  const { path, folder } = await writeTinyGguf();
  const engine = await loadEngine({
    modelPath: path,
    runtime: "webgpu",
    method: "dual",
    slots: 32,
    sinks: 4,
    window: 8,
    block: 16,
    queue: 4,
    maxTokens: 64,
  });
  try {
    await use(engine);
  } finally {
    engine.close();
    await Deno.remove(folder, { recursive: true });
  }
}

gpuTest(
  "a request fails when its GPU is lost, and later ones get the same answer as before",
  async () => {
    await withDevices((devices) =>
      withEngine(async (engine) => {
        const request = ask({ maxTokens: 40 });
        const other = ask({ prompt: tokensPrompt(someTokens(12, 50)) });
        const answer = async (request: GenerateRequest) =>
          answersOf(await collect(engine.generate(request, STAYS)));
        // Both dialogues are kept on the device, to be gone on with.
        const before = [await answer(request), await answer(other)];
        for (const losses of [1, 2]) {
          await assertRejects(
            async () => {
              for await (const { type } of engine.generate(request, STAYS)) {
                if (type === "text") devices.at(-1)!.destroy();
              }
            },
            Error,
            "Cannot run the model: the GPU is lost",
          );
          assertEquals(devices.length, losses);
          assertEquals([await answer(request), await answer(other)], before);
          assertEquals(devices.length, losses + 1);
        }
      })
    );
  },
);

gpuTest(
  "a step under way fails when its GPU is lost, and so does all that goes on with its dialogue",
  async () => {
    await withDevices((devices) =>
      withTinyGpu({}, async (runtime) => {
        const cache = uniformCache(runtime, 32, 16);
        const tokens = [1, 2, 3];
        const step = () =>
          runtime.forward([{ cache, tokens, logits: "last" }], () => {});
        await step();
        const running = assertRejects(step, Error, "the GPU is lost");
        devices[0].destroy();
        await running;
        await assertRejects(step, Error, "the dialogue was on it");
        await assertRejects(() => runtime.exportState(cache), Error, "is lost");
        const fresh = uniformCache(runtime, 32, 16);
        let count = 0;
        const batch = [{ cache: fresh, tokens, logits: "all" as const }];
        await runtime.forward(batch, () => count++);
        assertEquals(count, 3);
      })
    );
  },
);

gpuTest(
  "a compaction fails when its GPU is lost while convolutions are computed",
  async () => {
    await withDevices((devices) =>
      withTinyGpu({}, async (runtime) => {
        const parts = madeUpParts(runtime.config);
        const lococo = withLearned(METHODS.lococo, parts, {});
        const size = { slots: 16, block: 16, sinks: 2, window: 4 };
        const { cache, planner } = boundedCache(runtime, lococo, size);
        for (const _ of [1, 2]) {
          const seen = await runtime.observe(cache, planner.needs);
          await runtime.apply(cache, await planner.plan(seen));
          await logitsOf(runtime, cache, someTokens(16));
        }
        const seen = await runtime.observe(cache, planner.needs);
        const planning = assertRejects(
          () => planner.plan(seen),
          DeviceLostError,
          "the GPU is lost",
        );
        devices[0].destroy();
        await planning;
      })
    );
  },
);

/** Runs `use` while the adapters that are found say of themselves, one after the other, that they are fallbacks or not. */
async function withAdapters(
  fallbacks: readonly boolean[],
  use: () => Promise<void>,
): Promise<void> {
  const { prototype } = GPU;
  const original = prototype.requestAdapter;
  let found = 0;
  prototype.requestAdapter = async function (options) {
    const adapter = await original.call(this, options);
    const isFallbackAdapter = fallbacks[found++];
    const value = { description: "a card", isFallbackAdapter };
    return adapter && Object.defineProperty(adapter, "info", { value });
  };
  try {
    await use();
  } finally {
    prototype.requestAdapter = original;
  }
}

gpuTest("a GPU that is lost is not replaced by a fallback", async () => {
  await withAdapters(
    [false, true, false],
    () =>
      withDevices((devices) =>
        withTinyGpu({}, async (runtime) => {
          const step = () => {
            const cache = uniformCache(runtime, 32, 16);
            const sequence = { cache, tokens: [1], logits: "last" as const };
            return runtime.forward([sequence], () => {});
          };
          await step();
          devices[0].destroy();
          await devices[0].lost;
          await assertRejects(
            step,
            DeviceLostError,
            "the only adapter, a card, is a fallback",
          );
          await step();
        })
      ),
  );
});

Deno.test("LossWatch.wait() fails with the loss, whatever becomes of the work, and with what went wrong where there is none", async () => {
  const { promise: lost, resolve: lose } = Promise.withResolvers<
    GPUDeviceLostInfo
  >();
  const watch = new LossWatch({ lost } as GPUDevice);
  assertEquals(await watch.wait(Promise.resolve(1)), 1);
  const fails = () => Promise.reject(new TypeError("of another kind"));
  await assertRejects(() => watch.wait(fails()), TypeError);

  const waiting = watch.wait(new Promise(() => {}));
  const failing = watch.wait(fails());
  lose({ message: "pulled out" } as GPUDeviceLostInfo);
  for (const work of [waiting, failing, watch.wait(fails())]) {
    await assertRejects(() => work, DeviceLostError, "is lost: pulled out");
  }
  await assertRejects(() => watch.wait(fails()), DeviceLostError);
});
