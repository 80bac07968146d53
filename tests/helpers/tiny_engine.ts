/**
 * The engine over a tiny model of random weights.
 *
 * @module
 */
import { METHODS } from "../../src/cache/methods.ts";
import { createChatTemplate } from "../../src/chat/template.ts";
import { type EngineOptions, loadEngine } from "../../src/engine/engine.ts";
import { createDrawSpace } from "../../src/engine/choice.ts";
import type { GenerateParts } from "../../src/engine/generate.ts";
import { KeptDialogues } from "../../src/engine/kept_dialogues.ts";
import { RequestQueue } from "../../src/engine/queue.ts";
import { Steps } from "../../src/engine/steps.ts";
import type { Engine } from "../../src/engine/types.ts";
import { readGguf } from "../../src/model/gguf.ts";
import { SimdRuntime } from "../../src/model/simd/runtime.ts";
import { loadTokenizer } from "../../src/text/bpe_tokenizer.ts";
import { type TinyGgufOptions, writeTinyGguf } from "./tiny_gguf.ts";

/** Options of the engine, each with a default, and of the model's file. */
export interface TinyEngineOptions
  extends Partial<Omit<EngineOptions, "modelPath" | "runtime">> {
  readonly gguf?: TinyGgufOptions;
}

/** 32 slots and blocks of 16, so that few tokens make many compactions. */
const DEFAULTS = {
  method: "streaming_llm",
  slots: 32,
  sinks: 4,
  window: 8,
  block: 16,
  queue: 4,
  maxTokens: 64,
} as const;

/** An engine as users load it. */
export function tinyEngine(options: TinyEngineOptions = {}): Promise<Engine> {
  const { gguf, ...rest } = options;
  return withTinyFile(
    gguf,
    (modelPath) =>
      loadEngine({ ...DEFAULTS, ...rest, modelPath, runtime: "simd" }),
  );
}

/** The parts of an engine, for tests that look into them; no dialogue is kept unless `keep` says so. */
export function tinyParts(
  options: TinyEngineOptions = {},
): Promise<GenerateParts & { readonly runtime: SimdRuntime }> {
  const { gguf, method, slots, sinks, window, block, maxTokens, ...rest } = {
    ...DEFAULTS,
    ...options,
  };
  const { queue, parallel = 1, keep } = rest;
  return withTinyFile(gguf, async (path) => {
    const file = readGguf(path);
    const tokenizer = loadTokenizer(file);
    const most = block + parallel - 1;
    const runtime = await SimdRuntime.load(file, { maxTokens: most });
    return {
      runtime,
      steps: new Steps(runtime, parallel),
      tokenizer,
      template: createChatTemplate(null, tokenizer, { bos: "", eos: "" }),
      queue: new RequestQueue(queue, parallel),
      kept: new KeptDialogues(keep ?? 0),
      cache: {
        methodName: method,
        method: METHODS[method],
        slots: slots ?? file.config.contextLength,
        block,
        sinks,
        window,
      },
      spaces: Array.from(
        { length: parallel },
        () => createDrawSpace(file.config.vocab),
      ),
      maxTokens,
    };
  });
}

async function withTinyFile<T>(
  options: TinyGgufOptions | undefined,
  use: (path: string) => Promise<T>,
): Promise<T> {
  const { path, folder } = await writeTinyGguf(options);
  try {
    return await use(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
