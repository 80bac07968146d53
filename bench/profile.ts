/**
 * Where time goes, operation by operation: `deno task bench profile`. Beside each stands the share of what the machine's
 * core could do at best in WebAssembly, measured in the same run.
 *
 * @module
 */
import { METHOD_NAMES, METHODS } from "../src/cache/methods.ts";
import { STORE_NAMES } from "../src/cache/store/stores.ts";
import { Dialogue } from "../src/engine/dialogue.ts";
import { loadSimdKernels } from "../src/kernels/simd.ts";
import { readGguf } from "../src/model/gguf.ts";
import type { Runtime } from "../src/model/runtime.ts";
import { SimdRuntime } from "../src/model/simd/runtime.ts";
import { resolveModel } from "../src/model/source.ts";
import { readOptions } from "./arguments.ts";
import { measurePeaks, type Peaks } from "./profile/peaks.ts";
import { KernelClock } from "./profile/timed_kernels.ts";
import { type Cell, table } from "./report.ts";

export const about =
  "where a decode step and a prefill chunk spend their time, beside the machine's peak";

export const options = [
  "--method NAME   default: dual",
  "--slots N       default: 512",
  "--kv NAME       precision of the slots; default: f32",
  "--behind N      tokens of the dialogue before; default: 1024",
  "--model SOURCE  as for `deno task serve`",
].join("\n");

/** A multiple of the block, so that compactions count as they do in the long run. */
const STEPS = 128;
const BLOCK = 64;
const METHOD = "dual";
const NEVER = new AbortController().signal;

/** Measures and prints. */
export async function run(args: readonly string[]): Promise<void> {
  const given = readOptions(args, {
    method: [METHOD, ...METHOD_NAMES.filter((name) => name !== METHOD)],
    kv: STORE_NAMES,
    slots: 512,
    behind: 1024,
    model: null,
  });
  const peaks = await measurePeaks();
  console.log(describe(peaks));
  const clock = new KernelClock(peaks);
  const path = await resolveModel(given.model, {
    cacheDir: ".cache/models",
    log: (line) => console.log(line),
    progress: false,
  }, NEVER);
  const runtime = await SimdRuntime.load(await readGguf(path), {
    kernels: async (memory) => clock.wrap(await loadSimdKernels(memory)),
  });
  const steps = timeSteps(runtime);
  using dialogue = new Dialogue(steps.runtime, {
    methodName: given.method,
    method: METHODS[given.method],
    slots: given.slots,
    store: given.kv,
    block: BLOCK,
    sinks: 4,
    window: 32,
  });
  const tokens = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => 100 + (from + i) * 7919 % 40_000);
  const prefill = (from: number, count: number) =>
    dialogue.prefill(tokens(from, count), "last", () => {}, NEVER);
  await prefill(0, given.behind);
  for (const token of tokens(given.behind, BLOCK)) {
    await dialogue.step(token, () => {}, NEVER);
  }
  const measure = async (
    title: string,
    unit: number,
    run: () => Promise<void>,
  ) => {
    clock.reset();
    steps.reset();
    const start = performance.now();
    await run();
    const total = performance.now() - start;
    console.log(`\n${title}: ${(total / unit).toFixed(2)} ms\n`);
    console.log(table(HEAD, rows(clock, total, steps.milliseconds(), unit)));
  };
  await measure("a decode step", STEPS, async () => {
    for (const token of tokens(given.behind + BLOCK, STEPS)) {
      await dialogue.step(token, () => {}, NEVER);
    }
  });
  const chunks = STEPS / BLOCK;
  await measure(`a prefill chunk of ${BLOCK} tokens`, chunks, async () => {
    await prefill(given.behind + BLOCK + STEPS, STEPS);
  });
}

/** A runtime that adds up how long its steps take. */
function timeSteps(runtime: Runtime) {
  let total = 0;
  return {
    runtime: new Proxy(runtime, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        if (name !== "forward") return value.bind(target);
        return async (...args: Parameters<Runtime["forward"]>) => {
          const start = performance.now();
          await target.forward(...args);
          total += performance.now() - start;
        };
      },
    }),
    milliseconds: () => total,
    reset: () => total = 0,
  };
}

const HEAD = ["operation", "calls", "ms", "% of time", "% of peak"];

function rows(
  clock: KernelClock,
  total: number,
  forward: number,
  unit: number,
): Cell[][] {
  const costs = [...clock.costs].toSorted(([, a], [, b]) =>
    b.milliseconds - a.milliseconds
  );
  const row = (name: string, calls: Cell, ms: number, peak: Cell): Cell[] => [
    name,
    calls,
    (ms / unit).toFixed(3),
    (100 * ms / total).toFixed(1),
    peak,
  ];
  const inKernels = costs.reduce((sum, [, cost]) => sum + cost.milliseconds, 0);
  return [
    ...costs.map(([name, cost]) =>
      row(
        name,
        Math.round(cost.calls / unit),
        cost.milliseconds,
        Number.isNaN(cost.atBest)
          ? ""
          : Math.round(100 * cost.atBest / cost.milliseconds).toString(),
      )
    ),
    row("outside kernels", "", total - inKernels, ""),
    row("(compactions, kernels and all)", "", total - forward, ""),
  ];
}

function describe(peaks: Peaks): string {
  const giga = (perMillisecond: number) => (perMillisecond / 1e6).toFixed(1);
  return `at best: ${giga(peaks.memory)} GB/s from memory, ` +
    `${giga(peaks.cache)} from the first cache; sums of products: ` +
    `${giga(peaks.bytes)} G/s of bytes, ${giga(peaks.words)} of 16 bits, ` +
    `${giga(peaks.floats)} of f32`;
}
