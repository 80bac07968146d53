/** The records are what their script says: each is computed anew from the attention or the keys beside it. */
import { assertAlmostEquals, assertEquals, assertGreater } from "@std/assert";
import {
  KVPRESS_SCORES,
  type KvpressScore,
  readKvpressOracle,
} from "./kvpress_oracle.ts";

const oracle = await readKvpressOracle();
const { tokens, heads, kvHeads, headDim, attention } = oracle;
const group = heads / kvHeads;

/** Attention of a query of one head to a key. */
const seen = (head: number, query: number, key: number) =>
  attention[(head * tokens + query) * tokens + key];

/** The mean of `of(i)` over `from` … `to` - 1. */
function mean(from: number, to: number, of: (i: number) => number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += of(i);
  return sum / (to - from);
}

/** The mean over a group's heads. */
const overGroup = (kvHead: number, of: (head: number) => number) =>
  mean(kvHead * group, (kvHead + 1) * group, of);

/** Fails unless the record has these scores for the keys before `end`, and the layer's largest plus 1 for the others. */
function assertScores(
  name: KvpressScore,
  end: number,
  score: (kvHead: number, key: number) => number,
): void {
  const recorded = oracle.scores[name];
  assertEquals(recorded.length, kvHeads * tokens);
  let largest = -Infinity;
  for (let i = 0; i < recorded.length; i++) {
    const [kvHead, key] = [Math.floor(i / tokens), i % tokens];
    if (key >= end) continue;
    assertAlmostEquals(recorded[i], score(kvHead, key), 1e-5, `${name} ${i}`);
    largest = Math.max(largest, recorded[i]);
  }
  for (let i = 0; i < recorded.length; i++) {
    if (i % tokens < end) continue;
    assertAlmostEquals(recorded[i], largest + 1, 1e-5, `${name} ${i}`);
  }
}

Deno.test("readKvpressOracle() gives arrays of the shapes that it tells", () => {
  assertEquals([tokens, heads, kvHeads, headDim], [96, 6, 2, 16]);
  assertEquals(oracle.queries.length, heads * tokens * headDim);
  for (const name of ["keys", "plainKeys", "values"] as const) {
    assertEquals(oracle[name].length, kvHeads * tokens * headDim);
  }
  assertEquals(Object.keys(oracle.scores), [...KVPRESS_SCORES]);
});

Deno.test("readKvpressOracle() gives the attention of its own queries and keys", () => {
  const { queries, keys } = oracle;
  for (let head = 0; head < heads; head++) {
    const keysFrom = Math.floor(head / group) * tokens;
    for (let query = 0; query < tokens; query++) {
      const logits = Array.from({ length: query + 1 }, (_, key) => {
        let dot = 0;
        for (let i = 0; i < headDim; i++) {
          dot += queries[(head * tokens + query) * headDim + i] *
            keys[(keysFrom + key) * headDim + i];
        }
        return dot / Math.sqrt(headDim);
      });
      const total = logits.reduce((sum, x) => sum + Math.exp(x), 0);
      for (let key = 0; key < tokens; key++) {
        const expected = key > query ? 0 : Math.exp(logits[key]) / total;
        assertAlmostEquals(seen(head, query, key), expected, 1e-5);
      }
    }
  }
});

Deno.test("h2o is the attention of all queries, by the number of them that could see the key", () => {
  assertScores("h2o", tokens, (kvHead, key) =>
    overGroup(
      kvHead,
      (head) => mean(key, tokens, (query) => seen(head, query, key)),
    ));
});

for (const window of [64, 32] as const) {
  for (const kernel of [1, 5, 7] as const) {
    Deno.test(`snapkv is the mean attention of the last ${window} queries, averaged over ${kernel} neighbours`, () => {
      const end = tokens - window;
      const observed = (head: number, key: number) =>
        key < 0 || key >= end
          ? 0
          : mean(end, tokens, (query) => seen(head, query, key));
      const reach = (kernel - 1) / 2;
      assertScores(
        `snapkv.w${window}.k${kernel}`,
        end,
        (kvHead, key) =>
          overGroup(
            kvHead,
            (head) =>
              mean(key - reach, key + reach + 1, (i) => observed(head, i)),
          ),
      );
    });
  }
}

Deno.test("tova is the last query's attention over all heads", () => {
  assertScores(
    "tova",
    tokens - 1,
    (_, key) => mean(0, heads, (head) => seen(head, tokens - 1, key)),
  );
});

/** Minus the cosine of each key with the mean of the normalised keys of its head. */
function unlikeness(keys: Float32Array): (head: number, key: number) => number {
  const norm = (vector: Float32Array) => Math.hypot(...vector);
  const keyOf = (head: number, key: number) => {
    const start = (head * tokens + key) * headDim;
    return keys.subarray(start, start + headDim);
  };
  const anchors = Array.from(
    { length: kvHeads },
    (_, head) =>
      Float32Array.from(
        { length: headDim },
        (_, i) =>
          mean(
            0,
            tokens,
            (key) => keyOf(head, key)[i] / norm(keyOf(head, key)),
          ),
      ),
  );
  return (head, key) => {
    const vector = keyOf(head, key);
    const dot = vector.reduce((sum, x, i) => sum + x * anchors[head][i], 0);
    return -dot / (norm(vector) * norm(anchors[head]));
  };
}

Deno.test("keydiff is minus the cosine with the mean direction, of keys rotated and not", () => {
  assertScores("keydiff", tokens, unlikeness(oracle.keys));
  assertScores("keydiff.plain", tokens, unlikeness(oracle.plainKeys));
});

Deno.test("streaming_llm chooses four sinks and the newest half less those", () => {
  const dropped = (key: number) => key >= 4 && key < 4 + tokens / 2;
  assertScores("streaming_llm", tokens, (_, key) => dropped(key) ? 0 : 1);
});

Deno.test("knorm is minus the length of the key, rotated or not", () => {
  const length = (keys: Float32Array) => (head: number, key: number) => {
    const start = (head * tokens + key) * headDim;
    return -Math.hypot(...keys.subarray(start, start + headDim));
  };
  assertScores("knorm", tokens, length(oracle.keys));
  assertScores("knorm", tokens, length(oracle.plainKeys));
});

Deno.test("readKvpressOracle() holds scores that tell keys apart", () => {
  for (const name of KVPRESS_SCORES) {
    const different = new Set(oracle.scores[name]).size;
    if (name === "streaming_llm") assertEquals(different, 2);
    else assertGreater(different, 30, name);
  }
});
