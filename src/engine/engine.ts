/**
 * Loads a model and answers requests with it.
 *
 * @module
 */
import { type MethodName, METHODS } from "../cache/methods.ts";
import type { LearnedParts } from "../cache/learned_parts.ts";
import { type Method, withLearned } from "../cache/method.ts";
import { type OptionValues, readOptions } from "../cache/options.ts";
import { defaultStore, type StoreName } from "../cache/store/stores.ts";
import { createChatTemplate } from "../chat/template.ts";
import { createRuntime, type RuntimeChoice } from "../model/create_runtime.ts";
import { type GgufFile, readGguf } from "../model/gguf.ts";
import { findLearned } from "../model/learned/find_learned.ts";
import { loadTokenizer } from "../text/bpe_tokenizer.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { createDrawSpace } from "./choice.ts";
import { Collector } from "./collector.ts";
import type { CacheOptions } from "./dialogue.ts";
import { chooseSize } from "./engine_size.ts";
import { generate, type GenerateParts } from "./generate.ts";
import { checkCache, chooseCache, describeMethods } from "./kv_choice.ts";
import { KeptDialogues } from "./kept_dialogues.ts";
import { RequestQueue } from "./queue.ts";
import { Steps } from "./steps.ts";
import type {
  Engine,
  GenerateEvent,
  GenerateRequest,
  KvChoice,
  ModelInfo,
} from "./types.ts";

/** How to load and run a model. */
export interface EngineOptions {
  /** A GGUF file. */
  readonly modelPath: string;
  /** Its SHA-256, where it was just checked; else it is summed up where learned parts ask for that. */
  readonly modelSha256?: string | null;
  readonly runtime: RuntimeChoice;
  /** How many threads compute; default 1. */
  readonly threads?: number | "auto";
  readonly method: MethodName;
  /** Slots of each layer and head; null for 512, fewer where `memory` wants it, or the model's context where nothing is evicted. */
  readonly slots: number | null;
  readonly sinks: number;
  readonly window: number;
  /** Tokens between two compactions. */
  readonly block: number;
  /** Options of the method; what is missing has its fallback. */
  readonly methodOptions?: OptionValues;
  /** Precision of the slots; null or missing for int8, or f32 where the model's heads have no multiple of 16 values. */
  readonly store?: StoreName | null;
  /** Share of attention that prefill must compute where there are many slots; missing: 1, all of it. */
  readonly coverage?: number;
  /** A file of learned parts; null for the one that comes with the program, where there is one; `off` for none. */
  readonly learned?: string | null;
  /** Requests that may wait. */
  readonly queue: number;
  /** Requests that are answered at once; default 1. */
  readonly parallel?: number;
  /**
   * Dialogues that exist at once, no fewer than `parallel`; 0 keeps none between requests. Null or missing: as many as
   * `memory` lets, or as `parallel` says.
   */
  readonly keep?: number | null;
  /** Megabytes that the process may take at most; decides how many slots and dialogues there are where that is open. */
  readonly memory?: number | null;
  /** Most tokens of an answer that names no bound. */
  readonly maxTokens: number;
  /** Collects all garbage, where the program can ask for that; called when nothing runs, not too often. */
  readonly collect?: () => void;
  /** Receives what is worth knowing about how the model was loaded, a line at a time. */
  readonly log?: (line: string) => void;
}

/**
 * Loads a model.
 *
 * @throws {ModelError} If the file is missing, damaged, or of a kind that is not supported, or the learned parts are.
 * @throws {RangeError} If the slots cannot hold the sinks and the window, or do not fit into memory, or if fewer dialogues
 * are to be kept than run at once.
 */
export async function loadEngine(options: EngineOptions): Promise<Engine> {
  const file = readGguf(options.modelPath);
  const { parallel = 1 } = options;
  const { slots, keep, runtime: choice } = chooseSize(file, options);
  const tokenizer = loadTokenizer(file);
  const template = createChatTemplate(
    templateSource(file),
    tokenizer,
    specialTexts(file, tokenizer),
  );
  const learned = await findLearned(options.learned ?? null, {
    ...file,
    sha256: options.modelSha256,
  });
  const cache = cacheOptions(options, file, slots, learned);
  const runtime = await createRuntime(choice, file, {
    maxTokens: options.block + parallel - 1,
    threads: options.threads ?? 1,
    store: cache.store,
    check: (runtime) => checkCache(runtime, cache),
    log: options.log,
  });
  const { mtime } = await Deno.stat(options.modelPath);
  return new LoadedEngine({
    runtime,
    tokenizer,
    template,
    cache,
    steps: new Steps(runtime, parallel),
    spaces: Array.from(
      { length: parallel },
      () => createDrawSpace(file.config.vocab),
    ),
    queue: new RequestQueue(options.queue, parallel),
    kept: new KeptDialogues(keep),
    maxTokens: options.maxTokens,
  }, {
    id: modelId(options.modelPath),
    created: Math.floor((mtime?.getTime() ?? 0) / 1000),
    contextLength: file.config.contextLength,
    method: options.method,
    slots,
    runtime: runtime.kind,
    learned: learned?.name ?? null,
    methods: describeMethods(learned),
  }, options.collect && new Collector(options.collect));
}

/** A model goes by the name of its file, without the folder and the ending. */
function modelId(path: string): string {
  return path.replace(/^.*[/\\]/, "").replace(/\.gguf$/i, "");
}

function cacheOptions(
  options: EngineOptions,
  { config }: GgufFile,
  slots: number,
  learned: LearnedParts | null,
): CacheOptions {
  const method: Method = METHODS[options.method];
  const { sinks, window, block } = options;
  const values = readOptions(
    method.options ?? {},
    options.methodOptions ?? {},
    "method option",
  );
  return {
    methodName: options.method,
    method: withLearned(method, learned, values),
    learned,
    values,
    slots,
    block,
    sinks,
    window,
    store: options.store ?? defaultStore(config.headDim),
    coverage: options.coverage,
  };
}

function templateSource({ metadata }: GgufFile): string | null {
  const source = metadata.get("tokenizer.chat_template");
  return typeof source === "string" ? source : null;
}

function specialTexts({ metadata }: GgufFile, tokenizer: Tokenizer) {
  const text = (key: string) => {
    const id = metadata.get(`tokenizer.ggml.${key}_token_id`);
    if (typeof id !== "number") return "";
    return new TextDecoder().decode(tokenizer.bytes(id));
  };
  return { bos: text("bos"), eos: text("eos") };
}

class LoadedEngine implements Engine {
  readonly info: ModelInfo;
  readonly #parts: GenerateParts;
  readonly #collector: Collector | null;
  readonly #closing = new AbortController();

  constructor(
    parts: GenerateParts,
    info: ModelInfo,
    collector: Collector | null = null,
  ) {
    this.#parts = parts;
    this.info = info;
    this.#collector = collector;
  }

  get load(): { readonly running: number; readonly waiting: number } {
    const { running, waiting } = this.#parts.queue;
    return { running, waiting };
  }

  async *generate(
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerateEvent, void, void> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    try {
      yield* generate(this.#parts, request, either);
    } finally {
      if (this.load.running + this.load.waiting === 0) this.#collector?.rest();
    }
  }

  checkKv(choice: KvChoice): void {
    const { runtime, cache } = this.#parts;
    chooseCache(runtime, cache, choice);
  }

  tokenBytes(id: number): Uint8Array {
    return this.#parts.tokenizer.bytes(id);
  }

  close(): void {
    this.#closing.abort(
      new Error("Cannot answer the request: the engine is closed"),
    );
    this.#parts.queue.close();
    this.#parts.kept[Symbol.dispose]();
    this.#parts.runtime.dispose();
  }
}
