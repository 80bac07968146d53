import { assertEquals, assertRejects } from "@std/assert";
import { ModelError } from "../../src/engine/errors.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { readGguf } from "../../src/model/gguf.ts";
import type { GgufValue } from "../helpers/gguf_writer.ts";
import { type TinyGgufOptions, writeTinyGguf } from "../helpers/tiny_gguf.ts";

/** The configuration that is read from a tiny model. */
async function load(options: TinyGgufOptions): Promise<ModelConfig> {
  const { path, folder } = await writeTinyGguf(options);
  try {
    return readGguf(path).config;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

type Metadata = Readonly<Record<string, GgufValue | null>>;

Deno.test("readConfig() derives what may be missing", async () => {
  const config = await load({
    kvHeads: 4,
    metadata: {
      "general.name": null,
      "llama.attention.head_count_kv": null,
      "llama.attention.key_length": null,
      "llama.attention.value_length": null,
      "llama.rope.freq_base": null,
      "llama.rope.dimension_count": null,
      "llama.vocab_size": null,
    },
  });
  assertEquals(config.name, "llama");
  assertEquals(config.kvHeads, 4);
  assertEquals(config.headDim, 16);
  assertEquals(config.ropeDim, 16);
  assertEquals(config.ropeBase, 10_000);
});

Deno.test("readConfig() takes linear rope scaling, and only that", async () => {
  const scale = async (metadata: Metadata) =>
    (await load({ metadata })).ropeScale;
  const factor = { "llama.rope.scaling.factor": { f32: 4 } };
  const type = (string: string) => ({ "llama.rope.scaling.type": { string } });
  assertEquals(await scale({}), 1);
  assertEquals(await scale(factor), 4);
  assertEquals(await scale({ ...type("linear"), ...factor }), 4);
  assertEquals(await scale({ ...type("none"), ...factor }), 1);
  assertEquals(await scale({ "llama.rope.scale_linear": { f32: 2 } }), 2);
  await assertRejects(
    () => scale({ ...type("yarn"), ...factor }),
    ModelError,
    "rope scaling of the type yarn is not supported",
  );
});

/** Metadata that is refused, and why. */
const REFUSED: readonly [Metadata, string][] = [
  [
    { "general.architecture": { string: "qwen2" } },
    "the architecture qwen2 is not supported, only llama",
  ],
  [{ "general.architecture": null }, "it has no general.architecture"],
  [{ "general.architecture": { u32: 1 } }, "general.architecture is no text"],
  [
    { "llama.expert_count": { u32: 8 } },
    "a mixture of 8 experts is not supported",
  ],
  [{ "split.count": { u32: 3 } }, "it is one of 3 parts of a model"],
  [{ "llama.block_count": null }, "it has no llama.block_count"],
  [
    { "llama.block_count": { u32: 0 } },
    "llama.block_count is 0, not a count",
  ],
  [
    { "llama.block_count": { u32: 2 ** 31 } },
    "20 tensors are too few for 2147483648 layers",
  ],
  [
    { "llama.embedding_length": { f32: 64.5 } },
    "llama.embedding_length is 64.5, not a count",
  ],
  [
    { "llama.attention.head_count_kv": { i32s: [2, 2] } },
    "llama.attention.head_count_kv is an array, which is not supported",
  ],
  [
    { "llama.attention.head_count_kv": { u32: 3 } },
    "4 heads do not share 3 KV heads evenly",
  ],
  [
    {
      "llama.attention.head_count": { u32: 3 },
      "llama.attention.key_length": null,
    },
    "3 heads do not share 64 values evenly",
  ],
  [
    { "llama.attention.value_length": { u32: 8 } },
    "values of 8 with keys of 16 are not supported",
  ],
  [
    { "llama.rope.dimension_count": { u32: 32 } },
    "32 of 16 values cannot be rotated",
  ],
  [
    { "llama.rope.freq_base": { f32: -1 } },
    "llama.rope.freq_base is -1, not a positive number",
  ],
  [
    { "llama.attention.layer_norm_rms_epsilon": { f32: NaN } },
    "llama.attention.layer_norm_rms_epsilon is NaN, not a positive number",
  ],
  [
    { "llama.vocab_size": { u32: 319 } },
    "319 tokens are declared, but 320 are there",
  ],
];

for (const [metadata, why] of REFUSED) {
  Deno.test(`readConfig() refuses: ${why}`, async () => {
    await assertRejects(() => load({ metadata }), ModelError, `: ${why}`);
  });
}
