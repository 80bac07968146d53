/** The default model past 20,000 tokens in 256 slots. */
import {
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
} from "@std/assert";
import type { EndlessRecord } from "../helpers/endless_dialogue.ts";
import { recordOf } from "../helpers/own_process.ts";

const MIB = 2 ** 20;

Deno.test("a dialogue under streaming_llm goes past 20,000 tokens in 256 slots, in flat memory and in language", async (t) => {
  const { lap, seen, stretches, second, last, tail } = await recordOf<
    EndlessRecord
  >(
    "./endless_dialogue.ts",
  );

  await t.step(
    "all tokens went through, never in more than the slots and a block",
    () => {
      assertGreater(seen, 20_000);
      for (const { resident } of stretches) {
        assertLessOrEqual(resident, 256 + 64);
      }
    },
  );

  await t.step(
    "the model's memory never grows, the process stays where it was",
    () => {
      assertEquals(new Set(stretches.map(({ memory }) => memory)).size, 1);
      // In the first quarter, garbage of loading may still be there.
      const quarter = stretches.length / 4;
      const most = (from: number) =>
        Math.max(
          ...stretches.slice(from, from + quarter).map(({ rss }) => rss),
        );
      // Less than garbage collection may leave lying around; 10,000 tokens more in a cache would be 460 MB.
      const growth = most(3 * quarter) - most(quarter);
      assertLess(growth / MIB, 8);
    },
  );

  // The last lap sees the same text through the same slots as the second, 15,360 tokens later: whatever decays
  // (positions, sums, keys turned again and again) would show as worse predictions of it.
  await t.step(
    "the text is predicted as well at the end as at the start",
    () => {
      assertEquals(lap, 2560);
      assertGreater(second, -3);
      assertAlmostEquals(last, second, 0.02);
    },
  );

  // What is drawn from a model's own distribution has as its mean log-probability minus the entropy, about 3 nats for
  // this model on text. A dialogue in a rut is far above (a loop: near 0), word salad far below (evenly drawn tokens:
  // -10.8). The full cache as judge sees the same as the slots do, unless those have lost the thread.
  await t.step(
    "what the model says then is language, in the eyes of the full cache too",
    () => {
      assertEquals(tail.ids.length, 256);
      assertGreaterOrEqual(tail.inFull, -4.5);
      assertLessOrEqual(tail.inFull, -1.5);
      assertAlmostEquals(tail.inFull, tail.inSlots, 0.3);
      const fours = tail.ids.slice(3).map((_, i) => tail.ids.slice(i, i + 4));
      const different = new Set(fours.map((four) => four.join())).size;
      assertGreater(different / fours.length, 0.75);
    },
  );
});
