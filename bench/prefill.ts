/**
 * Prefill over all slots and over the lines that count, side by side: `deno task bench prefill`.
 *
 * @module
 */
import { STORE_NAMES } from "../src/cache/store/stores.ts";
import { Dialogue } from "../src/engine/dialogue.ts";
import { readGguf } from "../src/model/gguf.ts";
import { COVERAGE } from "../src/model/prefill/lines.ts";
import { SimdRuntime } from "../src/model/simd/runtime.ts";
import { logprobs } from "../src/sampling/logprobs.ts";
import { loadTokenizer } from "../src/text/bpe_tokenizer.ts";
import { readOptions } from "./arguments.ts";
import { findModel, USUAL, usualCache } from "./model.ts";
import { loadCorpus } from "./quality/corpus.ts";
import { median } from "./quality/statistics.ts";
import { type Cell, table } from "./report.ts";

export const about =
  "prefill over all slots and over the lines that count: speed and perplexity by slots";

export const options = [
  "--slots N,…      tokens read before, all of them in slots; default: 512,1024,2048,4096,8192",
  `--coverage SHARE of attention that the lines cover; default: ${COVERAGE}`,
  "--kv NAME        precision of the slots; default: int8",
  "--chunks N       that are timed, by turns; default: 4",
  "--text FOLDER    of .txt files that are read; default: bench/texts",
  "--model SOURCE   as for `deno task serve`",
].join("\n");

const CHUNK = USUAL.block;
/** Tokens before the first that is scored. */
const UNSCORED = 512;
const NEVER = new AbortController().signal;

/** A dialogue that nothing is evicted from, and what it has made of the text. */
interface Side {
  readonly dialogue: Dialogue;
  /** Milliseconds of each timed chunk. */
  readonly times: number[];
  nats: number;
}

/** Measures and prints. */
export async function run(args: readonly string[]): Promise<void> {
  const given = readOptions(args, {
    slots: null,
    coverage: null,
    kv: ["int8", ...STORE_NAMES.filter((name) => name !== "int8")],
    chunks: 4,
    text: null,
    model: null,
  });
  const coverage = Number(given.coverage ?? COVERAGE);
  const path = await findModel(given.model);
  const file = readGguf(path);
  const { stream } = await loadCorpus(given.text ?? "bench/texts");
  const text = loadTokenizer(file).encode(stream, "plain");
  const rows: Cell[][] = [];
  const sizes = (given.slots ?? "512,1024,2048,4096,8192").split(",");
  for (const slots of sizes.map(Number)) {
    // New for each, so that its report is of these dialogues alone.
    const runtime = await SimdRuntime.load(file);
    const tokens = repeat(text, slots + given.chunks * CHUNK);
    const sides = [1, coverage].map((coverage): Side => ({
      dialogue: new Dialogue(runtime, {
        ...usualCache("full", null, { slots: tokens.length, store: given.kv }),
        coverage,
      }),
      times: [],
      nats: NaN,
    }));
    for (const side of sides) await readText(side, tokens.slice(0, slots));
    for (let at = slots; at < tokens.length; at += CHUNK) {
      const chunk = tokens.slice(at, at + CHUNK);
      for (const side of sides) await timeChunk(side, chunk);
    }
    rows.push(row(slots, sides, runtime.prefillLines));
    console.error(rows.at(-1)!.join(" | "));
    for (const { dialogue } of sides) dialogue[Symbol.dispose]();
  }
  console.log(`lines that cover ${coverage}, slots in ${given.kv}\n`);
  console.log(table(HEAD, rows));
}

const HEAD = [
  "slots",
  "all, tokens/s",
  "lines, tokens/s",
  "ratio",
  "covered",
  "whole",
  "cells",
  "all, nats",
  "lines, nats",
  "perplexity",
];

function row(
  slots: number,
  [all, lines]: readonly Side[],
  report: SimdRuntime["prefillLines"],
): Cell[] {
  const speed = (side: Side) => 1000 * CHUNK / median(side.times);
  const percent = 100 * (Math.exp(lines.nats - all.nats) - 1);
  const computed = report.chunks > 0;
  return [
    slots,
    speed(all).toFixed(1),
    speed(lines).toFixed(1),
    // A ratio for each pair of chunks that ran side by side.
    median(all.times.map((ms, i) => ms / lines.times[i])).toFixed(2),
    computed ? `${(100 * report.coverage).toFixed(1)} %` : "off",
    computed ? `${(100 * report.whole).toFixed(1)} %` : "",
    computed ? `${(100 * report.cells).toFixed(1)} %` : "",
    ...(slots > UNSCORED
      ? [
        all.nats.toFixed(4),
        lines.nats.toFixed(4),
        `${percent < 0 ? "" : "+"}${percent.toFixed(2)} %`,
      ]
      : ["", "", ""]),
  ];
}

/** The text again and again, up to `length` tokens. */
function repeat(text: readonly number[], length: number): number[] {
  return Array.from({ length }, (_, i) => text[i % text.length]);
}

async function readText(side: Side, tokens: readonly number[]): Promise<void> {
  let sum = 0, scored = 0;
  const head = tokens.slice(0, UNSCORED);
  await side.dialogue.prefill(head, "last", () => {}, NEVER);
  const rest = tokens.slice(UNSCORED);
  await side.dialogue.prefill(rest, "all", (logits, index) => {
    const next = rest[index + 1];
    if (next === undefined) return;
    sum -= logprobs(logits, next, 0).logprob;
    scored++;
  }, NEVER);
  side.nats = sum / scored;
}

async function timeChunk(side: Side, chunk: readonly number[]): Promise<void> {
  const start = performance.now();
  await side.dialogue.prefill(chunk, "last", () => {}, NEVER);
  side.times.push(performance.now() - start);
}
