import { assertAlmostEquals, assertEquals } from "@std/assert";
import { createLayout } from "../../../src/cache/layout.ts";
import { HORIZON } from "../../../src/cache/horizon.ts";
import { foresightScore } from "../../../src/cache/score/foresight.ts";
import { SlotTable } from "../../../src/cache/slots.ts";
import { UnitView } from "../../../src/cache/unit_view.ts";
import { NOTHING_SEEN } from "../../helpers/observation.ts";

/** Two heads of two values; the weights are of the key, then attention, nearby, age, length, and 1. */
const WEIGHTS = {
  text: Float32Array.of(9, 9, 9, 9, 9, 9, 9, 1, -2, 0.5, 0.25, 2, 0.1, 10),
  chat: Float32Array.of(9, 9, 9, 9, 9, 9, 9, 0, 1, 2, 0, -1, 0, 0.5),
  share: 0.5,
  pool: 3,
};

/** Keys of six tokens of head 1, of lengths 5, 1, 0, 2, 13 and 10. */
const KEYS = [[3, 4], [1, 0], [0, 0], [0, -2], [5, 12], [-6, 8]];
/** Sums over two queries and two query heads. */
const ATTENTION = [4, 0, 0.4, 0, 2, 0.04];

function dialogue() {
  const score = foresightScore(WEIGHTS);
  const layout = createLayout({
    layers: 1,
    kvHeads: 2,
    headDim: 2,
    slots: 4,
    block: 6,
    carried: score.carried,
    observed: 2,
  });
  const slots = new SlotTable(layout);
  const protection = { sinks: 1, window: 1 };
  const view = new UnitView(slots, protection, 2);
  const see = (keys: number[][], attention: number[]) =>
    view.move(
      1,
      {
        ...NOTHING_SEEN,
        attention: () => Float32Array.from(attention),
        freshKeys: () => Float32Array.from(keys.flat()),
      },
    );
  return { score, slots, see };
}

const near = (a: number) => Math.log(a + 1e-4);

Deno.test("foresightScore() is the regression on key, attention, age and length, by hand", () => {
  const { score, slots, see } = dialogue();
  slots.append(6);
  const view = see(KEYS, ATTENTION);
  score.update?.(view);
  const out = new Float32Array(6);
  score.rank(view, out);
  // Means of attention 1, 0, .1, 0, .5, .01, and largest of three around: 1, 1, .1, .5, .5, .5. Ages 6, 5, 4, 3, 2, 1.
  const chat = [
    4 + 2 * near(1) - Math.log(6) + 0.5,
    0 + 2 * near(0) - Math.log(5) + 0.5,
    0 + 2 * near(0.1) - Math.log(4) + 0.5,
    -2 + 2 * near(0) - Math.log(3) + 0.5,
    12 + 2 * near(0.5) - Math.log(2) + 0.5,
    8 + 2 * near(0.01) - Math.log(1) + 0.5,
  ];
  const text = [
    3 - 8 + 0.5 * near(1) + 0.25 * near(1) + 2 * Math.log(6) + 0.5 + 10,
    1 + 0.5 * near(0) + 0.25 * near(1) + 2 * Math.log(5) + 0.1 + 10,
    0 + 0.5 * near(0.1) + 0.25 * near(0.1) + 2 * Math.log(4) + 10,
    4 + 0.5 * near(0) + 0.25 * near(0.5) + 2 * Math.log(3) + 0.2 + 10,
    5 - 24 + 0.5 * near(0.5) + 0.25 * near(0.5) + 2 * Math.log(2) + 1.3 + 10,
    -6 - 16 + 0.5 * near(0.01) + 0.25 * near(0.5) + 2 * Math.log(1) + 1 + 10,
  ];
  // Two slots are free, and the better half by chat, of those between sink and window, is slot 4.
  assertEquals(chat.slice(1, 5).indexOf(Math.max(...chat.slice(1, 5))), 3);
  text[4] = Infinity;
  assertEquals(out[4], Infinity);
  out.forEach((value, slot) => {
    if (slot !== 4) assertAlmostEquals(value, text[slot], 1e-4);
  });
});

Deno.test("foresightScore() asks for the keys of new slots alone, and remembers the rest", () => {
  const whole = dialogue(), parts = dialogue();
  whole.slots.append(6);
  whole.score.update?.(whole.see(KEYS, ATTENTION));
  parts.slots.append(4);
  parts.score.update?.(parts.see(KEYS.slice(0, 4), ATTENTION.slice(0, 4)));
  parts.slots.pending = 0;
  parts.slots.append(2);
  const view = parts.see(KEYS.slice(4), ATTENTION);
  parts.score.update?.(view);
  const expected = new Float32Array(6), out = new Float32Array(6);
  whole.score.rank(whole.see(KEYS, ATTENTION), expected);
  parts.score.rank(view, out);
  assertEquals(out, expected);
});

Deno.test("foresightScore() goes by text alone where the share is 0, by chat alone where it is 1", () => {
  const kept = [0, 1].map((share) => {
    const { slots, see } = dialogue();
    const score = foresightScore(WEIGHTS, { share });
    slots.append(6);
    const view = see(KEYS, ATTENTION);
    score.update?.(view);
    const out = new Float32Array(6);
    score.rank(view, out);
    return [1, 2, 3, 4].filter((slot) => out[slot] === Infinity);
  });
  assertEquals(kept, [[], [2, 4]]);
});

Deno.test("foresightScore() lets what text needs fall with age beyond the horizon, and not what may be asked for", () => {
  /** Worth of the slots when slot 2 is so old, with all free slots going by text, or by chat. */
  const worth = (age: number, share: number) => {
    const { slots, see } = dialogue();
    const score = foresightScore(WEIGHTS, { share });
    slots.append(6);
    const view = see(KEYS, ATTENTION);
    score.update?.(view);
    slots.token[slots.offsets[1] + 2] = slots.seen - age;
    const out = new Float32Array(6);
    score.rank(view, out);
    return out;
  };
  // The learned weight of log age is 2 for text; the fall is 4.
  for (const age of [1, 100, HORIZON]) {
    assertAlmostEquals(
      worth(age, 0)[2] - worth(1, 0)[2],
      2 * Math.log(age),
      1e-4,
    );
  }
  for (const times of [1.5, 4, 100]) {
    assertAlmostEquals(
      worth(HORIZON * times, 0)[2] - worth(HORIZON, 0)[2],
      (2 - 4) * Math.log(times),
      1e-4,
    );
  }
  const chosen = (age: number) =>
    [1, 2, 3, 4].filter((slot) => worth(age, 1)[slot] === Infinity);
  // For chat the weight of log age is -1; with the fall slot 3 or 1 would be better than slot 2 here.
  assertEquals(chosen(100 * HORIZON), [2, 4]);
});
