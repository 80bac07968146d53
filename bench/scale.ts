/**
 * How speed grows: `deno task bench scale`. With threads, with dialogues that take their steps together, and with what was
 * said before. Both sides of a ratio run by turns.
 *
 * @module
 */
import process from "node:process";
import type { LearnedParts } from "../src/cache/learned_parts.ts";
import { STORE_NAMES, type StoreName } from "../src/cache/store/stores.ts";
import { Dialogue } from "../src/engine/dialogue.ts";
import { Steps } from "../src/engine/steps.ts";
import { readGguf } from "../src/model/gguf.ts";
import { findLearned } from "../src/model/learned/find_learned.ts";
import type { Runtime } from "../src/model/runtime.ts";
import { SimdRuntime } from "../src/model/simd/runtime.ts";
import { readOptions } from "./arguments.ts";
import { findModel, tokenAt, tokensFrom, USUAL, usualCache } from "./model.ts";
import { median } from "./quality/statistics.ts";
import { type Cell, table } from "./report.ts";

export const about =
  "speed by threads, by dialogues that take their steps together, and by length";

export const options = [
  "--threads N     to compare with one; default: 2",
  "--dialogues N   to compare with one; default: 4",
  "--length N      tokens behind a decode, to compare with 600; default: 7500",
  "--kv NAME       precision of the slots; default: int8",
  "--rounds N      of which the median counts; default: 5",
  "--model SOURCE  as for `deno task serve`",
].join("\n");

const PROMPT = 128;
const STEPS = 32;
const STORE = "int8";
/** The dialogues whose length is compared: tokens of the shorter one, and slots. */
const SHORT = 600;
const SLOTS = 512;
const NEVER = new AbortController().signal;

/** Measures and prints. */
export async function run(args: readonly string[]): Promise<void> {
  const given = readOptions(args, {
    threads: 2,
    dialogues: 4,
    length: 7500,
    kv: [STORE, ...STORE_NAMES.filter((name) => name !== STORE)],
    rounds: 5,
    model: null,
  });
  const path = await findModel(given.model);
  const file = readGguf(path);
  const { threads, dialogues, length, kv, rounds } = given;
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
  const learned = await findLearned(null, file);
  const lengths = await measureLengths(one, learned, length, rounds, kv);
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
  const decode = `decode of \`locoloop\`, ${SLOTS} slots`;
  console.log(table(["tokens/s against one thread, one dialogue", "ratio"], [
    row(`prefill, ${threads} threads`, (m) => m.prefill, ["one", "threads"]),
    row(`decode, ${threads} threads`, (m) => m.decode, ["one", "threads"]),
    row(
      `decode, ${dialogues} dialogues at once, one thread, by CPU time`,
      (m) => m.decodeCpu,
      ["one", "dialogues"],
      dialogues,
    ),
    [
      `${decode}, after ${length} tokens against after ${SHORT}`,
      median(lengths).toFixed(2),
    ],
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

/** How fast a long dialogue goes on against a short one, each with one compaction, in every round. */
async function measureLengths(
  runtime: Runtime,
  learned: LearnedParts | null,
  length: number,
  rounds: number,
  store: StoreName,
): Promise<number[]> {
  const options = usualCache("locoloop", learned, { slots: SLOTS, store });
  const sides: Side[] = [];
  for (const tokens of [SHORT, length]) {
    const dialogue = new Dialogue(runtime, options);
    await dialogue.prefill(tokensFrom(0, tokens), "last", () => {}, NEVER);
    sides.push({ dialogue, milliseconds: [] });
  }
  for (let round = 0; round < rounds; round++) {
    for (const { dialogue, milliseconds } of sides) {
      const start = performance.now();
      for (let step = 0; step < USUAL.block; step++) {
        const token = tokenAt(dialogue.tokens.length);
        await dialogue.step(token, () => {}, NEVER);
      }
      milliseconds.push(performance.now() - start);
    }
  }
  const [short, long] = sides.map(({ dialogue, milliseconds }) => {
    dialogue[Symbol.dispose]();
    return milliseconds;
  });
  return short.map((milliseconds, round) => milliseconds / long[round]);
}

/** A dialogue, and what each of its rounds took. */
interface Side {
  readonly dialogue: Dialogue;
  readonly milliseconds: number[];
}

/** Dialogues that go on together, as those of requests to a server do. */
async function measureOnce(
  runtime: Runtime,
  count: number,
  store: StoreName,
): Promise<Measured> {
  const steps = new Steps(runtime, count);
  const options = usualCache("full", null, { slots: PROMPT + STEPS, store });
  const dialogues = Array.from(
    { length: count },
    () => new Dialogue(runtime, options, steps),
  );
  const prompt = tokensFrom(0, PROMPT);
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
