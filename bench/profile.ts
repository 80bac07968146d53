/**
 * Where time goes, operation by operation: `deno task bench profile`. Beside each stands the share of what the machine's
 * core could do at best in WebAssembly, measured in the same run.
 *
 * @module
 */
import { METHOD_NAMES } from "../src/cache/methods.ts";
import { STORE_NAMES } from "../src/cache/store/stores.ts";
import { Dialogue } from "../src/engine/dialogue.ts";
import { loadSimdKernels } from "../src/kernels/simd.ts";
import { readGguf } from "../src/model/gguf.ts";
import { findLearned } from "../src/model/learned/find_learned.ts";
import type { Runtime } from "../src/model/runtime.ts";
import { SimdRuntime } from "../src/model/simd/runtime.ts";
import { readOptions } from "./arguments.ts";
import { findModel, tokensFrom, USUAL, usualCache } from "./model.ts";
import { measurePeaks, type Peaks } from "./profile/peaks.ts";
import { KernelClock, millisecondsOf } from "./profile/timed_kernels.ts";
import { median } from "./quality/statistics.ts";
import { type Cell, table } from "./report.ts";

export const about =
  "where a decode step and a prefill chunk spend their time, beside the machine's peak";

export const options = [
  "--method NAME   default: locoloop",
  "--slots N       default: 512",
  "--kv NAME       precision of the slots; default: int8",
  "--behind N      tokens of the dialogue before; default: 1024",
  "--model SOURCE  as for `deno task serve`",
].join("\n");

/** A multiple of the block, so that compactions count as they do in the long run. */
const STEPS = 128;
const BLOCK = USUAL.block;
const METHOD = "locoloop";
const STORE = "int8";
const NEVER = new AbortController().signal;

/** Measures and prints. */
export async function run(args: readonly string[]): Promise<void> {
  const given = readOptions(args, {
    method: [METHOD, ...METHOD_NAMES.filter((name) => name !== METHOD)],
    kv: [STORE, ...STORE_NAMES.filter((name) => name !== STORE)],
    slots: 512,
    behind: 1024,
    model: null,
  });
  const peaks = await measurePeaks();
  console.log(describe(peaks));
  const clock = new KernelClock(peaks);
  const path = await findModel(given.model);
  const file = readGguf(path);
  const learned = await findLearned(null, file);
  const runtime = await SimdRuntime.load(file, {
    kernels: async (memory) => clock.wrap(await loadSimdKernels(memory)),
  });
  const steps = timeSteps(runtime, clock);
  const { method, slots, kv: store } = given;
  const options = usualCache(method, learned, { slots, store });
  using dialogue = new Dialogue(steps.runtime, options);
  const prefill = (from: number, count: number) =>
    dialogue.prefill(tokensFrom(from, count), "last", () => {}, NEVER);
  await prefill(0, given.behind);
  for (const token of tokensFrom(given.behind, BLOCK)) {
    await dialogue.step(token, () => {}, NEVER);
  }
  const measure = async (
    title: string,
    unit: number,
    run: () => Promise<void>,
  ) => {
    clock.reset();
    steps.reset();
    await run();
    const compaction = steps.compaction();
    console.log(
      `\n${title}: ${steps.step().toFixed(2)} ms; a compaction behind ` +
        `every ${BLOCK} tokens: ${compaction.toFixed(2)} ms\n`,
    );
    console.log(table(HEAD, rows(clock, steps, unit)));
  };
  await measure("a decode step", STEPS, async () => {
    for (const token of tokensFrom(given.behind + BLOCK, STEPS)) {
      await dialogue.step(token, () => {}, NEVER);
    }
  });
  const chunks = STEPS / BLOCK;
  const behind = given.behind + BLOCK + STEPS;
  await measure(`a prefill chunk of ${BLOCK} tokens`, chunks, async () => {
    await prefill(behind, STEPS);
  });
}

/** Times the steps of a runtime. */
interface Steps {
  readonly runtime: Runtime;
  /** The median step, and the median compaction, from what is observed to what has moved. */
  step(): number;
  compaction(): number;
  reset(): void;
}

/** The kernels' clock runs during steps only: compactions are timed as a whole. */
function timeSteps(runtime: Runtime, clock: KernelClock): Steps {
  const steps: number[] = [], compactions: number[] = [];
  let begun = 0;
  const timed: Pick<Runtime, "forward" | "observe" | "apply"> = {
    async forward(batch, sink) {
      clock.isRunning = true;
      const start = performance.now();
      await runtime.forward(batch, sink);
      steps.push(performance.now() - start);
      clock.isRunning = false;
    },
    observe(cache, needs) {
      begun = performance.now();
      return runtime.observe(cache, needs);
    },
    async apply(cache, plan) {
      await runtime.apply(cache, plan);
      compactions.push(performance.now() - begun);
    },
  };
  return {
    runtime: new Proxy(runtime, {
      get(target, name) {
        const mine = Reflect.get(timed, name);
        if (mine !== undefined) return mine;
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
    step: () => median(steps),
    compaction: () => median(compactions),
    reset: () => steps.length = compactions.length = 0,
  };
}

const HEAD = ["operation", "calls", "ms", "% of time", "% of peak"];

function rows(clock: KernelClock, steps: Steps, unit: number): Cell[][] {
  const costs = [...clock.costs]
    .map(([name, cost]) => ({ name, cost, ms: millisecondsOf(cost) / unit }))
    .toSorted((a, b) => b.ms - a.ms);
  const forward = steps.step();
  const inKernels = costs.reduce((sum, { ms }) => sum + ms, 0);
  const all = [
    ...costs,
    { name: "outside kernels", cost: null, ms: forward - inKernels },
  ];
  return all.map(({ name, cost, ms }) => {
    const known = cost && !Number.isNaN(cost.atBest);
    const peak = known ? cost.atBest / unit / ms : NaN;
    return [
      name,
      cost ? Math.round(cost.samples.length / unit) : "",
      ms.toFixed(3),
      (100 * ms / forward).toFixed(1),
      known ? Math.round(100 * peak).toString() : "",
    ];
  });
}

function describe(peaks: Peaks): string {
  const giga = (perMillisecond: number) => (perMillisecond / 1e6).toFixed(1);
  return `at best: ${giga(peaks.memory)} GB/s from memory, ` +
    `${giga(peaks.cache)} from the first cache; sums of products: ` +
    `${giga(peaks.bytes)} G/s of bytes, ${giga(peaks.words)} of 16 bits, ` +
    `${giga(peaks.floats)} of f32`;
}
