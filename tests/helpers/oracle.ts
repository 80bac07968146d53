/**
 * What transformers computes with the default model and with tiny ones, as recorded under `tests/fixtures` by the
 * scripts in `tests/oracles`, which say how.
 *
 * @module
 */
import type { ChatMessage } from "../../src/engine/types.ts";
import { Safetensors } from "./safetensors.ts";
import type { TinyGgufOptions } from "./tiny_gguf.ts";

/** Distributions of the next token, one a position, cut to the likeliest. Logarithms are natural. */
export interface TopLogprobs {
  readonly positions: number;
  /** How many tokens each position holds. */
  readonly top: number;
  /** [position, top], likeliest first. */
  readonly ids: Uint16Array;
  /** [position, top] log-probability of each of `ids`. */
  readonly logprobs: Float32Array;
  /** [position] logarithm of the probability of all other tokens together. */
  readonly rest: Float32Array;
}

/** A text of 256 tokens, read from an empty context. */
export interface KlText {
  readonly name: string;
  readonly tokens: readonly number[];
  /** Position i holds what follows `tokens[0..i]`. */
  readonly next: TopLogprobs;
}

/** Ten texts of many kinds. */
export async function readKlSet(): Promise<KlText[]> {
  const file = await readTensors("forward_kl");
  const { names } = about<{ names: string[] }>(file);
  const [texts, length] = file.shape("tokens");
  const tokens = file.u16("tokens");
  const all = topLogprobsOf(file, "", texts * length);
  return names.map((name, text) => ({
    name,
    tokens: [...tokens.subarray(text * length, (text + 1) * length)],
    next: positionsOf(all, text * length, (text + 1) * length),
  }));
}

/** A conversation and what greedy decoding appends to it; it goes on past stop tokens. */
export interface GreedyChat {
  readonly messages: readonly ChatMessage[];
  /** Ids of the rendered conversation. */
  readonly prompt: readonly number[];
  /** 64 ids. */
  readonly tokens: readonly number[];
  /** Index of the first stop token in `tokens`, or -1. */
  readonly stopAt: number;
  /** The second best token of each step. */
  readonly runnerUp: readonly number[];
  /** Logit of `tokens`, by step. */
  readonly best: readonly number[];
  /** Logit of `runnerUp`, by step. */
  readonly second: readonly number[];
}

/** Ten conversations, the first of which is 'What is the capital of France?'. */
export async function readGreedySet(): Promise<GreedyChat[]> {
  const json = await Deno.readTextFile(fixture("forward_greedy.json"));
  return JSON.parse(json).chats;
}

/** Where greedy decoding left the reference. */
export interface Departure {
  readonly step: number;
  /** How far the reference's two best logits lie apart there. */
  readonly gap: number;
  /** Whether the token taken instead is the reference's second best. */
  readonly toRunnerUp: boolean;
}

/** The first step at which `tokens` differs from the reference; null if it never does. */
export function firstDeparture(
  chat: GreedyChat,
  tokens: readonly number[],
): Departure | null {
  const step = chat.tokens.findIndex((id, index) => tokens[index] !== id);
  if (step < 0) return null;
  return {
    step,
    gap: chat.best[step] - chat.second[step],
    toRunnerUp: tokens[step] === chat.runnerUp[step],
  };
}

/** A text streamed through a cache that keeps the first tokens and the newest; see `tests/oracles/slots.py`. */
export interface SlidingSet {
  /** 700 ids. */
  readonly tokens: readonly number[];
  readonly sinks: number;
  /** Entries left after a compaction; the cache may hold `slots + block`. */
  readonly slots: number;
  readonly block: number;
  /** Index of the first token recorded; the others follow to the end. */
  readonly first: number;
  /** All tokens in chunks of `block`. */
  readonly prefill: TopLogprobs;
  /** The tokens before `first` in chunks of `block`, the last one shorter; then one by one. */
  readonly decode: TopLogprobs;
}

export async function readSlidingSet(): Promise<SlidingSet> {
  const file = await readTensors("forward_sliding");
  const rule = about<Pick<SlidingSet, "sinks" | "slots" | "block" | "first">>(
    file,
  );
  const tokens = [...file.u16("tokens")];
  const recorded = tokens.length - rule.first;
  return {
    tokens,
    sinks: rule.sinks,
    slots: rule.slots,
    block: rule.block,
    first: rule.first,
    prefill: topLogprobsOf(file, "prefill.", recorded),
    decode: topLogprobsOf(file, "decode.", recorded),
  };
}

/** A model of random weights and what it answers. */
export interface TinyRecord {
  /** "f32", "f16", "q8_0", "q4_0", "q4_1", or "odd" for uncommon sizes. */
  readonly name: string;
  /** Make the model's file with `tinyGguf()`. */
  readonly options: TinyGgufOptions;
  /** Of that file, in hexadecimal. */
  readonly sha256: string;
  /** 40 ids. */
  readonly tokens: readonly number[];
  /** [token, vocab] after each token, by the dequantised weights in f32. */
  readonly logits: Float32Array;
}

/** Tiny models, one of each encoding of tensors and one of uncommon sizes. */
export async function readTinySet(): Promise<TinyRecord[]> {
  const file = await readTensors("forward_tiny");
  const { models } = about<
    { models: Record<string, Pick<TinyRecord, "options" | "sha256">> }
  >(file);
  return Object.entries(models).map(([name, { options, sha256 }]) => ({
    name,
    options,
    sha256,
    tokens: [...file.u16("tokens")],
    logits: file.f32(name),
  }));
}

function fixture(name: string): URL {
  return new URL(`../fixtures/${name}`, import.meta.url);
}

async function readTensors(name: string): Promise<Safetensors> {
  return new Safetensors(await Deno.readFile(fixture(`${name}.safetensors`)));
}

/** What the script noted beside the arrays. */
function about<T>(file: Safetensors): T {
  return JSON.parse(file.metadata.about);
}

function topLogprobsOf(
  file: Safetensors,
  prefix: string,
  positions: number,
): TopLogprobs {
  const ids = file.u16(`${prefix}ids`);
  return {
    positions,
    top: ids.length / positions,
    ids,
    logprobs: file.f32(`${prefix}logprobs`),
    rest: file.f32(`${prefix}rest`),
  };
}

function positionsOf(
  all: TopLogprobs,
  start: number,
  end: number,
): TopLogprobs {
  const { top } = all;
  return {
    positions: end - start,
    top,
    ids: all.ids.subarray(start * top, end * top),
    logprobs: all.logprobs.subarray(start * top, end * top),
    rest: all.rest.subarray(start, end),
  };
}
