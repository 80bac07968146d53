/**
 * What kvpress' presses give to the keys of one attention layer, as recorded by `tests/oracles/kvpress_scores.py`, which
 * says what each computes and where this product departs from it.
 *
 * @module
 */
import { Safetensors } from "./safetensors.ts";

/** Every record, by the name it has in the file. */
export const KVPRESS_SCORES = [
  "h2o",
  "snapkv.w64.k1",
  "snapkv.w64.k5",
  "snapkv.w64.k7",
  "snapkv.w32.k1",
  "snapkv.w32.k5",
  "snapkv.w32.k7",
  "tova",
  "keydiff",
  "keydiff.plain",
  "streaming_llm",
  "knorm",
] as const;

export type KvpressScore = typeof KVPRESS_SCORES[number];

/** A layer that has read all its tokens at once, and the scores of its keys. */
export interface KvpressOracle {
  readonly tokens: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** [head, token, headDim], rotated by positions from 0. */
  readonly queries: Float32Array;
  /** [kvHead, token, headDim], rotated alike. */
  readonly keys: Float32Array;
  /** [kvHead, token, headDim], not rotated. */
  readonly plainKeys: Float32Array;
  /** [kvHead, token, headDim] */
  readonly values: Float32Array;
  /** [head, query, key] f32, 0 where the key is newer than the query. A group's heads are neighbours. */
  readonly attention: Float32Array;
  /** [kvHead, token] each. */
  readonly scores: Readonly<Record<KvpressScore, Float32Array>>;
}

export async function readKvpressOracle(): Promise<KvpressOracle> {
  const url = new URL(
    "../fixtures/kvpress_scores.safetensors",
    import.meta.url,
  );
  const file = new Safetensors(await Deno.readFile(url));
  const [heads, tokens, headDim] = file.shape("queries");
  const [kvHeads] = file.shape("keys");
  const scores = KVPRESS_SCORES.map((name) => [name, file.f32(name)]);
  return {
    tokens,
    heads,
    kvHeads,
    headDim,
    queries: file.f32("queries"),
    keys: file.f32("keys"),
    plainKeys: file.f32("keys.plain"),
    values: file.f32("values"),
    attention: readAttention(file, heads, tokens),
    scores: Object.fromEntries(scores),
  };
}

/** Puts the rows of the first queries, cut to the keys that they can see, and the rows of the rest together. */
function readAttention(
  file: Safetensors,
  heads: number,
  tokens: number,
): Float32Array {
  const first = file.f32("attention.first"); // [head, split, split]
  const last = file.f32("attention.last"); // [head, tokens - split, tokens]
  const [, split] = file.shape("attention.first");
  const rows = new Float32Array(heads * tokens * tokens);
  const rest = (tokens - split) * tokens;
  for (let head = 0; head < heads; head++) {
    const start = head * tokens * tokens;
    for (let query = 0; query < split; query++) {
      const from = (head * split + query) * split;
      rows.set(first.subarray(from, from + split), start + query * tokens);
    }
    const part = last.subarray(head * rest, (head + 1) * rest);
    rows.set(part, start + split * tokens);
  }
  return rows;
}
