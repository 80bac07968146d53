/**
 * Against native llama.cpp on the same file: `deno task bench peers`. Both sides run by turns on the same core, so that a
 * machine whose speed drifts is the same to both; the figures to look at are the ratios.
 *
 * @module
 */
import process from "node:process";
import type { LearnedParts } from "../src/cache/learned_parts.ts";
import { METHOD_NAMES } from "../src/cache/methods.ts";
import { STORE_NAMES } from "../src/cache/store/stores.ts";
import { Dialogue } from "../src/engine/dialogue.ts";
import { readGguf } from "../src/model/gguf.ts";
import { findLearned } from "../src/model/learned/find_learned.ts";
import type { Runtime } from "../src/model/runtime.ts";
import { SimdRuntime } from "../src/model/simd/runtime.ts";
import { readOptions } from "./arguments.ts";
import { findModel, tokenAt, tokensFrom, usualCache } from "./model.ts";
import { type Clock, LlamaCpp } from "./peers/llama_cpp.ts";
import { median } from "./quality/statistics.ts";
import { type Cell, table } from "./report.ts";

export const about =
  "speed of prefill and decode, side by side with native llama.cpp, one thread each";

export const options = [
  "--method NAME     default: locoloop",
  "--slots N         default: 512",
  "--kv NAME         precision of the slots; default: int8",
  "--rounds N        of which the median counts; default: 3",
  "--lengths N,…     tokens behind a decode; default: 64,600,7500",
  "--clock NAME      wall, or cpu: what a process computed, on a machine that others use; default: wall",
  "--python COMMAND  a Python with the peer (pip install llama-cpp-python); default: python3",
  "--model SOURCE    as for `deno task serve`",
  "",
  "For one core under both sides: taskset -c 0 deno task bench peers",
].join("\n");

/** Tokens that are decoded for one figure: a block, so that one compaction is in each. */
const DECODED = 64;
const PREFILLS = [128, 512];
const METHOD = "locoloop";
const STORE = "int8";
const NEVER = new AbortController().signal;

type Arguments = ReturnType<typeof readArguments>;

/** Milliseconds by what was measured, for one side. */
type Timings = Map<string, number[]>;

/** One side: a text that is read and gone on with. */
interface Side {
  reset(): Promise<void>;
  /** Milliseconds. */
  prefill(tokens: number): Promise<number>;
  /** Milliseconds for all. */
  decode(count: number): Promise<number>;
}

/** Measures and prints the table. */
export async function run(args: readonly string[]): Promise<void> {
  const given = readArguments(args);
  const path = await findModel(given.model);
  const context = Math.max(...given.lengths, ...PREFILLS) + DECODED + 64;
  const peer = await LlamaCpp.start(
    given.python,
    path,
    context,
    given.clock,
  );
  if (peer === null) {
    console.log(
      `Skipped: ${given.python} has no llama-cpp-python; install it with: pip install llama-cpp-python`,
    );
    return;
  }
  const file = readGguf(path);
  const runtime = await SimdRuntime.load(file);
  const learned = await findLearned(null, file);
  const sides = [new Ours(runtime, given, learned), peer];
  const timings: Timings[] = [new Map(), new Map()];
  try {
    for (let round = 0; round < given.rounds; round++) {
      console.log(`round ${round + 1} of ${given.rounds}`);
      await measureRound(sides, timings, given.lengths);
    }
  } finally {
    await peer.close();
  }
  console.log(`\n${title(path, given, peer.version)}\n`);
  console.log(table(HEAD, rows(timings)));
}

/** Every figure once, by turns. */
async function measureRound(
  sides: readonly Side[],
  timings: readonly Timings[],
  lengths: readonly number[],
): Promise<void> {
  const turns = async (
    name: string,
    measure: (side: Side) => Promise<number>,
  ) => {
    for (const [i, side] of sides.entries()) {
      const list = timings[i].get(name) ?? [];
      list.push(await measure(side));
      timings[i].set(name, list);
    }
  };
  for (const tokens of PREFILLS) {
    await turns(`prefill of ${tokens} tokens`, async (side) => {
      await side.reset();
      return await side.prefill(tokens) / tokens;
    });
  }
  for (const side of sides) await side.reset();
  let behind = 0;
  for (const length of lengths) {
    for (const side of sides) await side.prefill(length - behind);
    await turns(
      `decode after ${length} tokens`,
      async (side) => await side.decode(DECODED) / DECODED,
    );
    behind = length + DECODED;
  }
}

/** This product, over the dialogue that serves. */
class Ours implements Side {
  readonly #runtime: Runtime;
  readonly #given: Arguments;
  readonly #learned: LearnedParts | null;
  #dialogue: Dialogue | null = null;
  #at = 0;

  constructor(
    runtime: Runtime,
    given: Arguments,
    learned: LearnedParts | null,
  ) {
    this.#runtime = runtime;
    this.#given = given;
    this.#learned = learned;
  }

  reset(): Promise<void> {
    const { method, slots, kv } = this.#given;
    this.#dialogue?.[Symbol.dispose]();
    const options = usualCache(method, this.#learned, { slots, store: kv });
    this.#dialogue = new Dialogue(this.#runtime, options);
    this.#at = 0;
    return Promise.resolve();
  }

  async prefill(count: number): Promise<number> {
    const tokens = tokensFrom(this.#at, count);
    this.#at += count;
    const start = now(this.#given.clock);
    await this.#dialogue!.prefill(tokens, "last", () => {}, NEVER);
    return now(this.#given.clock) - start;
  }

  async decode(count: number): Promise<number> {
    const start = now(this.#given.clock);
    for (let i = 0; i < count; i++) {
      await this.#dialogue!.step(tokenAt(this.#at++), () => {}, NEVER);
    }
    return now(this.#given.clock) - start;
  }
}

/** Milliseconds by a clock. */
function now(clock: Clock): number {
  if (clock === "wall") return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const HEAD = ["figure", "locoloop tokens/s", "llama.cpp tokens/s", "ratio"];

function rows([ours, theirs]: readonly Timings[]): Cell[][] {
  return [...ours].map(([name, mine]) => {
    const others = theirs.get(name)!;
    // A ratio for each round, in which both ran side by side.
    const ratio = median(mine.map((ms, round) => others[round] / ms));
    return [
      name,
      (1000 / median(mine)).toFixed(1),
      (1000 / median(others)).toFixed(1),
      ratio.toFixed(2),
    ];
  });
}

function title(path: string, given: Arguments, version: string): string {
  const name = path.replace(/^.*[/\\]/, "");
  return `${name}, one thread each; locoloop: ${given.method}, ${given.slots} slots in ${given.kv}; ` +
    `llama-cpp-python ${version}; ${given.clock} time; median of ${given.rounds} rounds`;
}

/** @throws {TypeError} If an option is unknown or wrong. */
function readArguments(args: readonly string[]) {
  const given = readOptions(args, {
    method: [METHOD, ...METHOD_NAMES.filter((name) => name !== METHOD)],
    slots: 512,
    kv: [STORE, ...STORE_NAMES.filter((name) => name !== STORE)],
    rounds: 3,
    lengths: null,
    clock: ["wall", "cpu"],
    python: null,
    model: null,
  });
  const lengths = (given.lengths ?? "64,600,7500").split(",").map((text) => {
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    throw new TypeError(`Cannot read ${text}: expected a whole number`);
  });
  return { ...given, lengths, python: given.python ?? "python3" };
}
