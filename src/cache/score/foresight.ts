/**
 * @module
 */
import { HORIZON } from "../horizon.ts";
import { logAttention } from "../log_attention.ts";
import type { Score } from "../method.ts";
import { maxPool } from "../pool.ts";
import { Ranking } from "../ranking.ts";
import type { UnitView } from "../unit_view.ts";

/** Weights of the two regressions. */
export interface ForesightWeights {
  /**
   * [units, headDim + 5]: of the key, of the logarithms of mean attention, of the largest one nearby and of age, of the
   * key's length, and a constant; for the loss of all tokens of a text.
   */
  readonly text: Float32Array;
  /** As `text`, for the loss of the answers of a dialogue. */
  readonly chat: Float32Array;
  /** Share of the free slots that go by `chat`. */
  readonly share: number;
  /** Width of "nearby", odd. */
  readonly pool: number;
}

/** Choices of {@link foresightScore}. */
export interface ForesightOptions {
  /** Instead of the weights' own share. */
  readonly share?: number;
}

/** Weights beside those of the key. */
const EXTRAS = 5;
/** By how much a slot's worth to text falls with each unit of log age beyond {@link HORIZON}. */
const FALL = 4;
const LOG_HORIZON = Math.log(HORIZON);

/**
 * **Idea.** A token is worth what the loss of the tokens after it would grow by if it were gone, which is not the attention
 * that it gets; most of that worth can be seen in its key. **Formula.** For later queries q, I = Σ (Σ over the group's heads
 * of A / (1 − A) · g · (v − o))², with g the gradient of the loss at the attention output o: the squared first-order change
 * when the token is dropped. ln I is foreseen by a regression on the key, the logarithms of the mean attention from the
 * block's queries, of the largest mean attention among the `pool` slots around, and of the age in tokens, on the key's
 * length, and a constant: once for the loss of text, once for that of answers in dialogues. The best `share` of the free
 * slots go by the second, the others by the first, which falls by {@link FALL} for each unit of log age beyond
 * {@link HORIZON}: of all slots of a long dialogue those live on whose worth is foreseen too high. The second does not fall:
 * what may be asked for is to be remembered. **Cost.** The part of the key is a constant of the token: two numbers a slot,
 * computed at its first compaction; then three logarithms a slot. **Options.** `share`: more keeps more of what may be asked
 * for, less foresees running text better. **Source.** Our own; `training/` makes the weights.
 */
export function foresightScore(
  weights: ForesightWeights,
  { share = weights.share }: ForesightOptions = {},
): Score {
  const ranking = new Ranking();
  let scratch = new Float32Array(0);
  return {
    needs: { queries: "block", keys: "fresh" },
    carried: 2,
    update(unit) {
      weighKeys(unit, weights.text, unit.carried(0));
      weighKeys(unit, weights.chat, unit.carried(1));
    },
    rank(unit, out) {
      const { attention, live, start, end, free } = unit;
      if (scratch.length < live * 2) scratch = new Float32Array(live * 4);
      const nearby = scratch.subarray(0, live);
      const chat = scratch.subarray(live, live * 2);
      maxPool(attention, weights.pool, nearby);
      foresee(unit, nearby, weights, out, chat);
      const count = Math.floor(free * share);
      for (const slot of ranking.best(chat, start, end, count)) {
        out[slot] = Infinity;
      }
    },
  };
}

/** Writes what the keys of the last block's slots, and their lengths, are worth. */
function weighKeys(
  { unit, freshKeys: keys, headDim, live, fresh }: UnitView,
  weights: Float32Array,
  out: Float32Array,
): void {
  const first = unit * (headDim + EXTRAS);
  const length = weights[first + headDim + 3];
  for (let i = 0; i < fresh; i++) {
    const at = i * headDim;
    let worth = 0, squares = 0;
    for (let d = 0; d < headDim; d++) {
      const k = keys[at + d];
      worth += weights[first + d] * k;
      squares += k * k;
    }
    out[live - fresh + i] = worth + length * Math.sqrt(squares);
  }
}

/** Completes both regressions for every slot; `nearby` is the pooled attention. */
function foresee(
  view: UnitView,
  nearby: Float32Array,
  weights: ForesightWeights,
  text: Float32Array,
  chat: Float32Array,
): void {
  const { unit, attention, token, seen, live, rows, headDim } = view;
  const textKeys = view.carried(0), chatKeys = view.carried(1);
  const at = unit * (headDim + EXTRAS) + headDim;
  const [t0, t1, t2, , t4] = weights.text.subarray(at, at + EXTRAS);
  const [c0, c1, c2, , c4] = weights.chat.subarray(at, at + EXTRAS);
  for (let slot = 0; slot < live; slot++) {
    const own = logAttention(attention[slot], rows);
    const near = logAttention(nearby[slot], rows);
    const age = Math.log(Math.max(1, seen - token[slot]));
    const fall = FALL * Math.max(0, age - LOG_HORIZON);
    text[slot] = textKeys[slot] + t0 * own + t1 * near + t2 * age + t4 - fall;
    chat[slot] = chatKeys[slot] + c0 * own + c1 * near + c2 * age + c4;
  }
}
