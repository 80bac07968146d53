/**
 * How speed grows: `deno task bench scale`. With threads, and with dialogues that take their steps together. Both sides of a
 * ratio run by turns.
 *
 * @module
 */
import process from "node:process";
import { METHODS } from "../src/cache/methods.ts";
import { STORE_NAMES, type StoreName } from "../src/cache/store/stores.ts";
import { Dialogue } from "../src/engine/dialogue.ts";
import { Steps } from "../src/engine/steps.ts";
import { readGguf } from "../src/model/gguf.ts";
import type { Runtime } from "../src/model/runtime.ts";
import { SimdRuntime } from "../src/model/simd/runtime.ts";
import { readOptions } from "./arguments.ts";
import { findModel, tokenAt } from "./model.ts";
import { median } from "./quality/statistics.ts";
import { type Cell, table } from "./report.ts";

export const about =
  "speed by threads, and by dialogues that take their steps together";

export const options = [
  "--threads N     to compare with one; default: 2",
  "--dialogues N   to compare with one; default: 4",
  "--kv NAME       precision of the slots; default: int8",
  "--rounds N      of which the median counts; default: 5",
  "--model SOURCE  as for `deno task serve`",
].join("\n");

const PROMPT = 128;
const STEPS = 32;
const STORE = "int8";
const NEVER = new AbortController().signal;

/** Measures and prints. */
export async function run(args: readonly string[]): Promise<void> {
  const given = readOptions(args, {
    threads: 2,
    dialogues: 4,
    kv: [STORE, ...STORE_NAMES.filter((name) => name !== STORE)],
    rounds: 5,
    model: null,
  });
  const path = await findModel(given.model);
  const file = readGguf(path);
  const { threads, dialogues, kv, rounds } = given;
  const one = await SimdRuntime.load(file);
  const several = await SimdRuntime.load(file, { threads });
  const sides: Record<string, Measured[]> = {};
  const measure = async (name: string, runtime: Runtime, count: number) => {
    (sides[name] ??= []).push(await measureOnce(runtime, count, kv));
  };
  for (let round = 0; round < rounds; round++) {
    await measure("one", one, 1);
    await measure("threads", several, 1);
    await measure("dialogues", one, dialogues);
  }
  several.dispose();
  const row = (
    name: string,
    pick: (measured: Measured) => number,
    [base, other]: [keyof typeof sides, keyof typeof sides],
    times = 1,
  ): Cell[] => {
    const ratios = sides[base].map((measured, round) =>
      times * pick(measured) / pick(sides[other][round])
    );
    return [name, median(ratios).toFixed(2)];
  };
  console.log(table(["tokens/s against one thread, one dialogue", "ratio"], [
    row(`prefill, ${threads} threads`, (m) => m.prefill, ["one", "threads"]),
    row(`decode, ${threads} threads`, (m) => m.decode, ["one", "threads"]),
    row(
      `decode, ${dialogues} dialogues at once, one thread, by CPU time`,
      (m) => m.decodeCpu,
      ["one", "dialogues"],
      dialogues,
    ),
  ]));
}

/** Milliseconds. */
interface Measured {
  /** Of all dialogues' prompts. */
  readonly prefill: number;
  /** Of all steps, each with a token of every dialogue; and what the process computed in it. */
  readonly decode: number;
  readonly decodeCpu: number;
}

/** Dialogues that go on together, as those of requests to a server do. */
async function measureOnce(
  runtime: Runtime,
  count: number,
  store: StoreName,
): Promise<Measured> {
  const steps = new Steps(runtime, count);
  const options = {
    methodName: "full",
    method: METHODS.full,
    slots: PROMPT + STEPS,
    block: 0,
    sinks: 0,
    window: 1,
    store,
  };
  const dialogues = Array.from(
    { length: count },
    () => new Dialogue(runtime, options, steps),
  );
  const prompt = Array.from({ length: PROMPT }, (_, i) => tokenAt(i));
  const start = performance.now();
  for (const dialogue of dialogues) {
    await dialogue.prefill(prompt, "last", () => {}, NEVER);
  }
  const prefill = performance.now() - start;
  const from = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(dialogues.map(async (dialogue) => {
    for (let step = 0; step < STEPS; step++) {
      await dialogue.step(tokenAt(PROMPT + step), () => {}, NEVER);
    }
  }));
  const { user, system } = process.cpuUsage(cpu);
  for (const dialogue of dialogues) dialogue[Symbol.dispose]();
  const decode = performance.now() - from;
  return { prefill, decode, decodeCpu: (user + system) / 1000 };
}
