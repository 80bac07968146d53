/**
 * Does what a server does, part by part, and tells after each what the process has taken: a process of its own, run by
 * `bench/memory.ts` and `bench/start.ts` with the slots, their store, and the tokens to read. Prints a {@link Part} a line.
 *
 * @module
 */
import process from "node:process";
import type { StoreName } from "../../src/cache/store/stores.ts";

/** What was there after a part of the way. */
export interface Part {
  readonly name: string;
  /** Bytes of the process in memory. */
  readonly bytes: number;
  /** The most that they ever were, or NaN where the system does not tell. */
  readonly peak: number;
  /** Milliseconds of processor time since the process began. */
  readonly time: number;
}

/** Tokens of a short prompt. */
const SHORT = 32;
const NEVER = new AbortController().signal;

function tell(name: string): void {
  const { user, system } = process.cpuUsage();
  const part: Part = {
    name,
    bytes: Deno.memoryUsage().rss,
    peak: peakBytes(),
    time: (user + system) / 1000,
  };
  console.log(JSON.stringify(part));
}

function peakBytes(): number {
  try {
    const status = Deno.readTextFileSync("/proc/self/status");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
  } catch {
    return NaN;
  }
}

async function run(slots: number, store: StoreName, tokens: number) {
  tell("an empty process");
  // Imported here, so that what they take is seen.
  await import("../../src/server.ts");
  const { readGguf } = await import("../../src/model/gguf.ts");
  const { findModel } = await import("../model.ts");
  const { SimdRuntime } = await import("../../src/model/simd/runtime.ts");
  const { loadTokenizer } = await import("../../src/text/bpe_tokenizer.ts");
  const { Dialogue } = await import("../../src/engine/dialogue.ts");
  const { findLearned } = await import(
    "../../src/model/learned/find_learned.ts"
  );
  const { DEFAULT_MODEL } = await import(
    "../../src/model/sources/default_model.ts"
  );
  const { parseConfig } = await import("../../src/config.ts");
  const { METHODS } = await import("../../src/cache/methods.ts");
  const { withLearned } = await import("../../src/cache/method.ts");
  tell("the program");
  const path = await findModel(null, console.error);
  tell("the model file's sum checked");
  const file = readGguf(path);
  tell("metadata");
  const tokenizer = loadTokenizer(file);
  tell("tokenizer");
  const { sha256 } = DEFAULT_MODEL;
  const learned = await findLearned(null, { ...file, sha256 });
  tell("learned parts");
  const runtime = await SimdRuntime.load(file);
  tell("weights and scratch space");
  const { method, block, sinks, window } = parseConfig([], {});
  using dialogue = new Dialogue(runtime, {
    methodName: method,
    method: withLearned(METHODS[method], learned, {}),
    slots,
    store,
    block,
    sinks,
    window,
  });
  const prompt = Array.from(
    { length: Math.max(SHORT, tokens) },
    (_, i) => 100 + i * 7919 % (tokenizer.vocabSize - 100),
  );
  const ignore = () => {};
  await dialogue.prefill(prompt.slice(0, SHORT), "last", ignore, NEVER);
  tell(`${slots} slots in ${store}, ${SHORT} tokens read`);
  if (tokens <= SHORT) return;
  await dialogue.prefill(prompt.slice(SHORT), "last", ignore, NEVER);
  tell(`${tokens} tokens read`);
  dialogue.beforeAnswer = await dialogue.save();
  tell("the state before an answer");
}

if (import.meta.main) {
  const [slots, store, tokens] = Deno.args;
  await run(Number(slots), store as StoreName, Number(tokens));
}
