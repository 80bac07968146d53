import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  createRuntime,
  type RuntimeChoice,
} from "../../src/model/create_runtime.ts";
import { type GgufFile, readGguf } from "../../src/model/gguf.ts";
import type { Runtime } from "../../src/model/runtime.ts";
import project from "../../deno.json" with { type: "json" };
import { standInImports } from "../../tools/deno.ts";
import type { RuntimeRecord } from "../helpers/choose_runtime.ts";
import { gpuTest } from "../helpers/gpu.ts";
import { recordOf } from "../helpers/own_process.ts";
import { writeTinyGguf } from "../helpers/tiny_gguf.ts";

/** What came of a choice. */
interface Outcome {
  readonly kind: string;
  readonly lines: readonly string[];
}

/** Loads a tiny model; `adapter` is what the platform answers when asked for one, where it is given. */
async function choose(
  choice: RuntimeChoice,
  { adapter, check, devices = ["null", "dri"] }: {
    adapter?: unknown;
    check?: (runtime: Runtime) => void;
    devices?: readonly string[];
  } = {},
): Promise<Outcome> {
  const { path, folder } = await writeTinyGguf();
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  const load = (file: GgufFile) =>
    createRuntime(choice, file, {
      maxTokens: 16,
      check,
      log,
      devices: () => Promise.resolve(devices),
    });
  try {
    const file = readGguf(path);
    const runtime = adapter === undefined
      ? await load(file)
      : await withAdapter(adapter, () => load(file));
    await runtime.dispose();
    return { kind: runtime.kind, lines };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Lets the platform answer with `adapter` while `run` runs. */
async function withAdapter<T>(
  adapter: unknown,
  run: () => Promise<T>,
): Promise<T> {
  const gpu = { requestAdapter: () => Promise.resolve(adapter) };
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  try {
    return await run();
  } finally {
    // What is left is the platform's own.
    Reflect.deleteProperty(navigator, "gpu");
  }
}

/** An adapter whose buffers hold next to nothing. */
const SMALL = {
  info: { description: "small", isFallbackAdapter: false },
  limits: { maxBufferSize: 1 << 28, maxStorageBufferBindingSize: 5000 },
};
const TOO_SMALL = "Cannot hold the model on the GPU: tensor token_embd.weight" +
  " takes 20480 bytes, a buffer at most 5000";

Deno.test("createRuntime() takes simd where that is asked for, and says nothing", async () => {
  assertEquals(await choose("simd"), { kind: "simd", lines: [] });
});

Deno.test("createRuntime() takes simd under auto, and says why: no adapter", async () => {
  assertEquals(await choose("auto", { adapter: null }), {
    kind: "simd",
    lines: ["Taking the runtime simd: Cannot use WebGPU: there is no adapter"],
  });
});

Deno.test("createRuntime() takes simd under auto, and says why: no GPU, so that no adapter is asked for", async () => {
  const adapter = Promise.reject(new Error("it was asked for"));
  adapter.catch(() => {});
  assertEquals(await choose("auto", { adapter, devices: ["null", "nvme0"] }), {
    kind: "simd",
    lines: [
      "Taking the runtime simd: Cannot use WebGPU: this machine has no GPU",
    ],
  });
});

Deno.test("createRuntime() takes simd under auto, and says why: buffers too small for the model", async () => {
  assertEquals(await choose("auto", { adapter: SMALL }), {
    kind: "simd",
    lines: [`Taking the runtime simd: ${TOO_SMALL}`],
  });
});

Deno.test("createRuntime() takes simd under auto, and says why: a fallback adapter", async () => {
  const adapter = {
    ...SMALL,
    info: { description: "made up", isFallbackAdapter: true },
  };
  assertEquals(await choose("auto", { adapter }), {
    kind: "simd",
    lines: [
      "Taking the runtime simd: Cannot use WebGPU: the only adapter, made up, is a fallback",
    ],
  });
});

Deno.test("createRuntime() fails where webgpu is asked for and cannot be had", async () => {
  await assertRejects(
    () => choose("webgpu", { adapter: null }),
    Error,
    "Cannot use WebGPU: there is no adapter",
  );
  await assertRejects(
    () => choose("webgpu", { adapter: SMALL }),
    RangeError,
    TOO_SMALL,
  );
});

gpuTest(
  "createRuntime() takes any adapter where webgpu is asked for, and warns of a fallback",
  async () => {
    const adapter = await navigator.gpu.requestAdapter();
    const { kind, lines } = await choose("webgpu");
    assertEquals(kind, "webgpu");
    assertEquals(lines.length, adapter!.info.isFallbackAdapter ? 1 : 0);
    for (const line of lines) assertStringIncludes(line, "is a fallback");
  },
);

gpuTest(
  "createRuntime() takes a GPU under auto that is no fallback, unless it lacks what is asked of it",
  async () => {
    const real = await navigator.gpu.requestAdapter();
    // The adapter of this machine, as if it were none.
    const adapter = {
      info: { description: "real", isFallbackAdapter: false },
      limits: real!.limits,
      features: real!.features,
      requestDevice: (wanted: GPUDeviceDescriptor) =>
        real!.requestDevice(wanted),
    };
    assertEquals(await choose("auto", { adapter }), {
      kind: "webgpu",
      lines: [],
    });
    const again = { ...adapter, requestDevice: freshDevice };
    const check = ({ kind }: Runtime) => {
      if (kind === "webgpu") throw new RangeError("Cannot do that on the GPU");
    };
    assertEquals(await choose("auto", { adapter: again, check }), {
      kind: "simd",
      lines: ["Taking the runtime simd: Cannot do that on the GPU"],
    });
  },
);

/** A device of an adapter of its own: an adapter gives only one. */
async function freshDevice(wanted: GPUDeviceDescriptor): Promise<GPUDevice> {
  const { prototype } = Object.getPrototypeOf(navigator).constructor;
  const { get } = Object.getOwnPropertyDescriptor(prototype, "gpu")!;
  const adapter = await (get!.call(navigator) as GPU).requestAdapter();
  return adapter!.requestDevice(wanted);
}

gpuTest(
  "createRuntime() fails where a kernel of the device computes wrongly",
  async () => {
    const { prototype } = GPUDevice;
    const original = prototype.createShaderModule;
    prototype.createShaderModule = function (descriptor) {
      const code = descriptor.code.replace("* SCALE *", "* 1.01 * SCALE *")
        .replace("product * SCALE + bias", "product * SCALE * 1.01 + bias");
      return original.call(this, { ...descriptor, code });
    };
    try {
      await assertRejects(
        () => choose("webgpu"),
        Error,
        "Cannot trust the GPU: its kernel attend over int8 slots in f32 is wrong by",
      );
    } finally {
      prototype.createShaderModule = original;
    }
  },
);

/** A module that cannot be loaded unnoticed. */
const TRAP = `data:text/javascript,throw new Error("it is being loaded")`;

gpuTest(
  "createRuntime() loads ONNX Runtime where webgpu is chosen, and nowhere else",
  async () => {
    const imports = standInImports(project.imports);
    const map = await Deno.makeTempFile({ suffix: ".json" });
    const trapped = { ...imports, "onnxruntime-web/jspi": TRAP };
    await Deno.writeTextFile(map, JSON.stringify({ imports: trapped }));
    const flags = [`--import-map=${map}`];
    const { simd, webgpu } = await recordOf<RuntimeRecord>(
      "./choose_runtime.ts",
      flags,
    );
    await Deno.remove(map);
    assertEquals(simd, "simd");
    assertStringIncludes(webgpu, "it is being loaded");
  },
);
