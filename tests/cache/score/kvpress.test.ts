/**
 * Our scores against those that kvpress gives to the same attention and keys. kvpress compresses a prompt once; here its
 * prompt is the first block of a dialogue.
 */
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { createLayout } from "../../../src/cache/layout.ts";
import type { Score } from "../../../src/cache/method.ts";
import { maxPool } from "../../../src/cache/pool.ts";
import { h2oScore } from "../../../src/cache/score/h2o.ts";
import { keydiffScore } from "../../../src/cache/score/keydiff.ts";
import { loopserveScore } from "../../../src/cache/score/loopserve.ts";
import { snapkvScore } from "../../../src/cache/score/snapkv.ts";
import { tovaScore } from "../../../src/cache/score/tova.ts";
import { windowScore } from "../../../src/cache/score/window.ts";
import { SlotTable } from "../../../src/cache/slots.ts";
import { UnitView } from "../../../src/cache/unit_view.ts";
import {
  type KvpressScore,
  readKvpressOracle,
} from "../../helpers/kvpress_oracle.ts";
import { NOTHING_SEEN } from "../../helpers/observation.ts";

const oracle = await readKvpressOracle();
const { tokens, heads, kvHeads, headDim } = oracle;
const GROUP = heads / kvHeads;

/** Attention of the last `queries` queries to each key, summed over them and over a group's heads. */
function attentionSums(kvHead: number, queries: number): Float32Array {
  const sums = new Float64Array(tokens);
  for (let head = kvHead * GROUP; head < (kvHead + 1) * GROUP; head++) {
    for (let query = tokens - queries; query < tokens; query++) {
      const row = (head * tokens + query) * tokens;
      for (let key = 0; key < tokens; key++) {
        sums[key] += oracle.attention[row + key];
      }
    }
  }
  return Float32Array.from(sums);
}

/** What `create` gives to the tokens of one head, after they came as one block of which `queries` were observed. */
function scoresOf(
  create: () => Score,
  kvHead: number,
  queries: number,
  keys = oracle.plainKeys,
): Float32Array {
  const score = create();
  const layout = createLayout({
    layers: 1,
    kvHeads,
    headDim,
    slots: tokens,
    block: tokens,
    carried: score.carried,
    observed: queries,
  });
  const slots = new SlotTable(layout);
  slots.append(tokens);
  const view = new UnitView(slots, { sinks: 4, window: 8 }, GROUP).move(
    kvHead,
    {
      ...NOTHING_SEEN,
      attention: (unit) => attentionSums(unit, queries),
      keys: (unit) =>
        keys.subarray(unit * tokens * headDim, (unit + 1) * tokens * headDim),
      freshKeys: (unit) =>
        keys.subarray(unit * tokens * headDim, (unit + 1) * tokens * headDim),
    },
  );
  score.update?.(view);
  const out = new Float32Array(tokens);
  score.rank(view, out);
  return out;
}

function recorded(name: KvpressScore, kvHead: number): Float32Array {
  return oracle.scores[name].subarray(kvHead * tokens, (kvHead + 1) * tokens);
}

function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  count = expected.length,
): void {
  for (let i = 0; i < count; i++) {
    assertAlmostEquals(actual[i], expected[i], 2e-6, `at ${i}`);
  }
}

for (let head = 0; head < kvHeads; head++) {
  Deno.test(`h2oScore() is kvpress' observed attention: head ${head}`, () => {
    // kvpress divides by the same number of queries and takes the mean over the group, as we do.
    assertClose(scoresOf(h2oScore, head, tokens), recorded("h2o", head));
  });

  for (const window of [64, 32] as const) {
    Deno.test(`snapkvScore() without pooling is kvpress' mean attention of the last ${window} queries: head ${head}`, () => {
      const ours = scoresOf(() => snapkvScore({ pool: 1 }), head, window);
      const mean = ours.map((sum) => sum / (window * GROUP));
      // kvpress gives the window itself no score: it is always kept.
      assertClose(
        mean,
        recorded(`snapkv.w${window}.k1`, head),
        tokens - window,
      );
    });

    Deno.test(`snapkvScore() pools by the maximum, where kvpress takes the mean: ${window} queries, head ${head}`, () => {
      const plain = scoresOf(() => snapkvScore({ pool: 1 }), head, window);
      const expected = new Float32Array(tokens);
      maxPool(plain, 7, expected);
      const pooled = scoresOf(() => snapkvScore({ pool: 7 }), head, window);
      assertEquals(pooled, expected);
      const mean = recorded(`snapkv.w${window}.k7`, head);
      for (let key = 3; key < tokens - window - 3; key++) {
        assert(pooled[key] / (window * GROUP) >= mean[key] - 1e-6);
      }
    });
  }

  Deno.test(`loopserveScore() is snapkvScore() over the whole block without pooling: head ${head}`, () => {
    assertEquals(
      scoresOf(loopserveScore, head, 64),
      scoresOf(() => snapkvScore({ pool: 1 }), head, 64),
    );
  });

  Deno.test(`keydiffScore() is kvpress' but for 1: head ${head}`, () => {
    for (
      const [name, keys] of [
        ["keydiff.plain", oracle.plainKeys],
        ["keydiff", oracle.keys],
      ] as const
    ) {
      const ours = scoresOf(keydiffScore, head, 0, keys);
      assertClose(ours.map((score) => score - 1), recorded(name, head));
    }
  });

  Deno.test(`windowScore() chooses what kvpress' StreamingLLM keeps: head ${head}`, () => {
    const ours = scoresOf(windowScore, head, 0);
    const kept = recorded("streaming_llm", head);
    const sinks = 4, budget = kept.reduce((sum, one) => sum + one, 0);
    const best = [...ours.keys()]
      .sort((a, b) => ours[b] - ours[a]).slice(0, budget - sinks);
    const choice = new Set([0, 1, 2, 3, ...best]);
    kept.forEach((one, token) => assertEquals(choice.has(token), one === 1));
  });
}

Deno.test("tovaScore(), averaged over the heads of a layer, is kvpress' TOVA", () => {
  const rows = Array.from(
    { length: kvHeads },
    (_, head) => scoresOf(tovaScore, head, 1),
  );
  for (let head = 0; head < kvHeads; head++) {
    const mean = rows[0].map((_, key) =>
      rows.reduce((sum, row) => sum + row[key], 0) / heads
    );
    // kvpress puts the newest token above all others.
    assertClose(mean, recorded("tova", head), tokens - 1);
  }
});
