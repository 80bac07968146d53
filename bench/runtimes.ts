/**
 * The same dialogue on every runtime that this machine has: `deno task bench runtimes`. A fallback adapter is a CPU in
 * disguise; its figures say nothing of GPUs and are marked.
 *
 * @module
 */
import { METHODS } from "../src/cache/methods.ts";
import { methodLayout } from "../src/cache/method_layout.ts";
import { Planner } from "../src/cache/planner.ts";
import { STORE_NAMES, type StoreName } from "../src/cache/store/stores.ts";
import {
  createRuntime,
  type RuntimeChoice,
} from "../src/model/create_runtime.ts";
import { readGguf } from "../src/model/gguf.ts";
import type { KvCache, Runtime } from "../src/model/runtime.ts";
import type { WebGpuRuntime } from "../src/model/webgpu/runtime.ts";
import { describeAdapter } from "./adapter.ts";
import { readOptions } from "./arguments.ts";
import { findModel, tokensFrom, USUAL } from "./model.ts";
import { median } from "./quality/statistics.ts";
import { type Cell, table } from "./report.ts";

export const about =
  "prefill, decode, compactions and traffic of each runtime, simd and webgpu";

export const options = [
  "--blocks N        blocks of 64 tokens that are read; default: 8",
  "--tokens N        tokens that are decoded; default: 32",
  "--slots N         of each layer and head; default: 256",
  "--kv NAME         precision of the slots; default: int8",
  "--arithmetic NAME what a GPU multiplies queries with keys of 8 bits in: f32, f16; default: f32",
  "--model SOURCE    as for `deno task serve`",
].join("\n");

const BLOCK = USUAL.block;
/** Blocks at the start that are not timed: there, a GPU's kernels are compiled. */
const WARM = 1;
/** Of options; what is decoded must fit into one block. */
const MOST = { blocks: 1000, tokens: BLOCK - 1, slots: 100_000 };
const METHOD = METHODS.dual;

interface Arguments {
  readonly blocks: number;
  readonly tokens: number;
  readonly slots: number;
  readonly kv: StoreName;
  readonly arithmetic: "f32" | "f16";
  readonly model: string | null;
}

const HEAD = [
  "runtime",
  "device",
  "prefill tokens/s",
  "decode tokens/s",
  "ms a compaction",
  "bytes to the device, a token",
  "bytes back, a token",
];

/** Measures and prints the table. */
export async function run(args: readonly string[]): Promise<void> {
  const given = readArguments(args);
  const path = await findModel(given.model);
  const adapter = await describeAdapter();
  if (!adapter) console.log("There is no adapter for webgpu.\n");
  const choices: RuntimeChoice[] = adapter ? ["simd", "webgpu"] : ["simd"];
  const rows: Cell[][] = [];
  for (const choice of choices) {
    const file = readGguf(path);
    const runtime = await createRuntime(choice, file, {
      maxTokens: BLOCK,
      store: given.kv,
      arithmetic: given.arithmetic,
    });
    const device = choice === "webgpu" ? adapter! : "CPU";
    rows.push([choice, device, ...await measure(runtime, given)]);
    runtime.dispose();
  }
  console.log(`${table(HEAD, rows)}\n`);
  console.log(
    `dual, ${given.slots} slots in ${given.kv}, blocks of ${BLOCK}; medians. Traffic is of tokens that are decoded greedily,`,
  );
  console.log("without compactions.");
}

/** The cells of one runtime. */
async function measure(runtime: Runtime, given: Arguments): Promise<string[]> {
  const { slots, blocks, tokens } = given;
  const size = { slots, ...USUAL };
  const score = METHOD.score({});
  const layout = methodLayout(METHOD, score, runtime.config, {
    ...size,
    store: given.kv,
  });
  const cache = runtime.createCache(layout);
  const queryHeads = runtime.config.heads / runtime.config.kvHeads;
  const planner = new Planner(cache.slots, METHOD, score, size, queryHeads);
  const prefill: number[] = [], compaction: number[] = [], step: number[] = [];
  let at = 0;
  const forward = (count: number) => {
    const batch = tokensFrom(at, count);
    at += count;
    return time(() => take(runtime, cache, batch));
  };
  const compact = () =>
    time(async () => {
      const seen = await runtime.observe(cache, planner.needs);
      await runtime.apply(cache, await planner.plan(seen));
    });
  for (let block = 0; block < blocks; block++) {
    prefill.push(await forward(BLOCK));
    compaction.push(await compact());
  }
  // One more to warm up; a block has room for it and for all that follow.
  await forward(1);
  const before = trafficOf(runtime);
  for (let i = 0; i < tokens; i++) step.push(await forward(1));
  const after = trafficOf(runtime);
  cache.dispose();
  return [
    (BLOCK * 1000 / median(prefill.slice(WARM))).toFixed(1),
    (1000 / median(step)).toFixed(1),
    median(compaction.slice(WARM)).toFixed(1),
    ((after.written - before.written) / tokens).toFixed(0),
    ((after.read - before.read) / tokens).toFixed(0),
  ];
}

function take(
  runtime: Runtime,
  cache: KvCache,
  tokens: readonly number[],
): Promise<void> {
  // As for a greedy answer.
  return runtime.forward([{ cache, tokens, logits: "last", top: 1 }], () => {});
}

/** Nothing crosses over to a CPU. */
function trafficOf(runtime: Runtime): { written: number; read: number } {
  if (runtime.kind === "simd") return { written: 0, read: 0 };
  return { ...(runtime as WebGpuRuntime).traffic };
}

async function time(run: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** @throws {TypeError} If an option is unknown or wrong. */
function readArguments(args: readonly string[]): Arguments {
  const given = readOptions(args, {
    blocks: 8,
    tokens: 32,
    slots: 256,
    kv: ["int8", ...STORE_NAMES.filter((name) => name !== "int8")],
    arithmetic: ["f32", "f16"],
    model: null,
  });
  for (const [name, most] of Object.entries(MOST)) {
    if (given[name as keyof typeof MOST] <= most) continue;
    throw new TypeError(
      `Cannot read --${name}: expected a whole number from 1 to ${most}`,
    );
  }
  return { ...given, blocks: Math.max(given.blocks, WARM + 1) };
}
