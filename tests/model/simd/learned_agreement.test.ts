/** The engine with learned parts against the simulator that they are learned in (`training/agreement.py`). */
import { assert, assertEquals, assertLess } from "@std/assert";
import { type Method, withLearned } from "../../../src/cache/method.ts";
import { METHODS } from "../../../src/cache/methods.ts";
import { methodLayout } from "../../../src/cache/method_layout.ts";
import { Planner } from "../../../src/cache/planner.ts";
import { readGguf } from "../../../src/model/gguf.ts";
import { readLearned } from "../../../src/model/learned/read_learned.ts";
import { SimdRuntime } from "../../../src/model/simd/runtime.ts";
import { logitsOf } from "../../helpers/stream.ts";
import { Safetensors } from "../../helpers/safetensors.ts";
import { writeTinyGguf } from "../../helpers/tiny_gguf.ts";

const FIXTURES = new URL("../../fixtures/", import.meta.url);
/** Stands in `kept` where a unit has fewer slots than the largest. */
const NONE = 65535;

interface About {
  readonly modelSha256: string;
  readonly weightsSha256: string;
  readonly mean: number;
  readonly block: number;
  readonly sinks: number;
  readonly recent: number;
}

const record = new Safetensors(
  await Deno.readFile(new URL("learned_agreement.safetensors", FIXTURES)),
);
const about: About = JSON.parse(record.metadata.about);

/** The model that was recorded, with its learned parts. */
async function load() {
  const { path, folder, config } = await writeTinyGguf({
    type: "F32",
    embeddingType: "F32",
  });
  try {
    const runtime = await SimdRuntime.load(readGguf(path));
    const file = new URL("learned_tiny.safetensors", FIXTURES);
    const parts = readLearned(await Deno.readFile(file), {
      name: "tiny",
      sha256: about.weightsSha256,
      modelSha256: about.modelSha256,
      config,
    });
    return { runtime, parts };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("locoloop keeps the same tokens and gives the same logits as the simulator it was trained in", async () => {
  const { runtime, parts } = await load();
  const { block, sinks } = about;
  const size = { slots: about.mean, block, sinks, window: about.recent };
  const method: Method = withLearned(METHODS.locoloop, parts, {});
  const score = method.score!({});
  const { config } = runtime;
  const layout = methodLayout(method, score, config, size);
  assertEquals([...layout.slots], [...record.u16("slots")]);

  const corrected = { ...size, corrections: method.corrections! };
  const cache = runtime.createCache(layout, corrected);
  const { slots } = cache;
  const queryHeads = config.heads / config.kvHeads;
  const planner = new Planner(slots, method, score, size, queryHeads);
  const tokens = [...record.u16("tokens")];
  const rows: Float32Array[] = [];
  for (let first = 0; first < tokens.length; first += block) {
    const text = tokens.slice(first, first + block);
    rows.push(...await logitsOf(runtime, cache, text));
    const seen = await runtime.observe(cache, planner.needs);
    await runtime.apply(cache, await planner.plan(seen));
    for (const unit of layout.slots.keys()) {
      const start = slots.offsets[unit];
      const kept = slots.token.subarray(start, start + slots.live[unit]);
      const where = `unit ${unit} after ${first + block} tokens`;
      assertEquals([...kept], recorded(first / block, unit), where);
    }
  }
  assert(slots.fused.includes(1), "nothing was fused");
  cache.dispose();

  const [last, vocab] = record.shape("logits");
  const expected = record.f32("logits");
  const found = rows.slice(-last).flatMap((row) => [...row]);
  assertEquals(found.length, last * vocab);
  const apart = found.map((logit, i) => Math.abs(logit - expected[i]));
  assertLess(Math.max(...apart), 1e-3);
});

/** Tokens that stay in a unit at a compaction. */
function recorded(compaction: number, unit: number): number[] {
  const [, units, width] = record.shape("kept");
  const start = (compaction * units + unit) * width;
  const row = record.u16("kept").subarray(start, start + width);
  return [...row].filter((token) => token !== NONE);
}
