/** The real model on the GPU: short, for a software GPU takes seconds a token. */
import {
  assert,
  assertEquals,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import { readGguf } from "../../../src/model/gguf.ts";
import { findAdapter } from "../../../src/model/webgpu/adapter.ts";
import { gpuTest } from "../../helpers/gpu.ts";
import { Agreement } from "../../helpers/kl.ts";
import type { LoadRecord } from "../../helpers/load_memory.ts";
import {
  firstDeparture,
  readGreedySet,
  readKlSet,
} from "../../helpers/oracle.ts";
import { recordOf } from "../../helpers/own_process.ts";
import { realModelPath } from "../../helpers/real_model.ts";
import { argmax, run, uniformCache } from "../../helpers/stream.ts";
import { writeTinyGguf } from "../../helpers/tiny_gguf.ts";

/** Tokens of a text that are compared, and greedy tokens behind a prompt. */
const POSITIONS = 64, GREEDY = 4;

gpuTest(
  "WebGpuRuntime agrees with transformers on the real model, and goes on as it does",
  async () => {
    const { WebGpuRuntime } = await import(
      "../../../src/model/webgpu/runtime.ts"
    );
    const file = readGguf(realModelPath());
    const runtime = await WebGpuRuntime.load(file, await findAdapter());
    const [text] = await readKlSet();
    const cache = uniformCache(runtime, POSITIONS, 0);
    const agreement = new Agreement();
    await run(runtime, cache, text.tokens.slice(0, POSITIONS), (logits, i) => {
      agreement.add(text.next, i, logits);
    });
    assertEquals(agreement.positions, POSITIONS);
    // ARCHITECTURE.md quotes it.
    console.log(`mean KL ${agreement.meanKl.toExponential(1)}`);
    assertLess(agreement.meanKl, 0.01);

    const [chat] = await readGreedySet();
    const longer = uniformCache(runtime, chat.prompt.length + GREEDY, 0);
    const tokens: number[] = [];
    let next = [...chat.prompt];
    while (tokens.length < GREEDY) {
      await runtime.forward(
        [{ cache: longer, tokens: next, logits: "last" }],
        (logits) => tokens.push(argmax(logits)),
      );
      next = tokens.slice(-1);
    }
    const expected = { ...chat, tokens: chat.tokens.slice(0, GREEDY) };
    const departure = firstDeparture(expected, tokens);
    if (departure) {
      assertLessOrEqual(departure.gap, 0.3);
      assert(departure.toRunnerUp);
    }
    await runtime.dispose();
  },
);

gpuTest(
  "WebGpuRuntime.load() streams the weights into place: the process grows by at most 1.35 times their file",
  async () => {
    const { path, folder } = await writeTinyGguf();
    // What the engine compiles again, and when, is not the model's: so it compiles once.
    const flags = ["--v8-flags=--max-semi-space-size=1,--liftoff-only"];
    const script = "./load_gpu_memory.ts";
    const record = await recordOf<LoadRecord>(script, [
      ...flags,
      `--allow-read=.,${folder}`,
    ], [path]);
    await Deno.remove(folder, { recursive: true });
    const growth = (record.peak - record.before) / record.file;
    // ARCHITECTURE.md quotes it.
    console.log(`the process grew by ${growth.toFixed(2)} times the file`);
    assertLess(growth, 1.35);
  },
);
