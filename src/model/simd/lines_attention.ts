/**
 * Attention of a chunk of prefill over the lines that count.
 *
 * @module
 */
import { GrowingBlock } from "../../kernels/growing_block.ts";
import type { Attention } from "../../kernels/kernels.ts";
import { ColumnChooser, UNFORESEEN } from "../prefill/lines.ts";
import type { ForwardTools } from "./forward_tools.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import { type LinesRange, LinesSample } from "./lines_sample.ts";
import {
  type LinesCount,
  type LinesReport,
  LinesTally,
} from "./lines_tally.ts";
import { RestSlot } from "./rest_slot.ts";
import { VALUES_BEHIND } from "./slot_store.ts";

/** Queries of a chunk, at even distances, that see everything, and by whose attention the lines are chosen. */
const SAMPLE = 8;
/** Slots before the chunk that are always computed: a band of diagonals. */
const BAND = 128;
/** First slots that are always computed. */
const SINKS = 4;
/** Fewest slots before a chunk, and tokens in it, for which leaving out pays; see `deno task bench prefill`. */
const LEAST_SLOTS = 1024;
const LEAST_TOKENS = 32;

/** A chunk of a unit: slots before it, its tokens, and where the attention of all of them is summed up, or 0. */
interface Chunk {
  readonly live: number;
  readonly tokens: number;
  readonly mass: number;
}

/** Attends in buffers of its own. */
export class LinesAttention {
  readonly #tools: ForwardTools;
  readonly #chooser = new ColumnChooser();
  readonly #sample: LinesSample;
  readonly #rest: RestSlot;
  #chosen = new Int32Array(0);
  /** All that is [slots], and the keys, values and scales of the slots in the form of any store. */
  readonly #block: GrowingBlock;
  /** [slots] u32 */
  #indices = 0;
  /** [slots] f32: attention of the queries outside the sample, over what is gathered. */
  #computed = 0;
  /** [slots] f32 */
  #bias = 0;
  #slots = 0;
  readonly #tally = new LinesTally();

  constructor(tools: ForwardTools) {
    this.#tools = tools;
    this.#sample = new LinesSample(tools.memory, this.#chooser);
    this.#rest = new RestSlot(tools);
    this.#block = new GrowingBlock(tools.memory);
  }

  /** See {@link LinesReport}. */
  get report(): LinesReport {
    return this.#tally.report;
  }

  /** Makes room for units of at most `slots` slots. */
  reserve(slots: number): void {
    // One slot more stands for those that were not chosen.
    const all = slots + 1;
    if (all <= this.#chosen.length) return;
    const { headDim } = this.#tools.config;
    const bytes = all * 4;
    this.#chosen = new Int32Array(all);
    const vectors = (all + VALUES_BEHIND) * headDim * 8;
    this.#indices = this.#block.reserve(5 * bytes + vectors);
    this.#sample.place(this.#indices + bytes, all);
    this.#computed = this.#indices + 3 * bytes;
    this.#bias = this.#computed + bytes;
    this.#slots = this.#bias + bytes;
  }

  /** Whether a chunk behind `live` slots gains by it; all of its queries must be observed, or none. */
  pay(
    { slots }: SimdKvCache,
    live: number,
    tokens: number,
    observed: number,
  ): boolean {
    return slots.layout.coverage < 1 && live >= LEAST_SLOTS &&
      tokens >= LEAST_TOKENS && (observed === 0 || observed === tokens);
  }

  /** Attention of a chunk at which `attention` points, over the slots at which it points. */
  attend(cache: SimdKvCache, attention: Attention, chunk: Chunk): void {
    const { live, tokens, mass } = chunk;
    const { query, output, stride, liftFrom, liftTo } = attention;
    const { kernels } = this.#tools;
    const { store, slots } = cache;
    const gap = gapOf(tokens);
    const run = (from: number, until: number, before: number) => {
      if (from >= until) return;
      attention.query = query + from * stride;
      attention.output = output + from * stride;
      attention.base = before + from;
      attention.tokens = until - from;
      // Whose attention is summed up must wait for one another.
      if (!attention.mass) kernels.task();
      store.run(attention);
    };
    const runOthers = (before: number) => {
      for (let t = 0; t < tokens; t += gap) {
        run(t, Math.min(t + gap - 1, tokens), before);
      }
    };
    const sample = this.#takeSample(attention, chunk, run);
    const range = this.#rangeOf(chunk, sample, slots.layout.coverage);
    const unforeseen = this.#sample.unforeseen(range);
    const sampled = this.#sample.join(live + tokens);
    if (unforeseen > UNFORESEEN * (1 - range.coverage)) {
      attention.mass = mass;
      runOthers(live);
      this.#tally.add(wholeCount(chunk, range));
      if (mass) this.#addSample(chunk, sampled);
      return;
    }
    const chosen = this.#choose(chunk, range, sampled, sample);
    this.#gather(cache, attention, chunk, chosen, sampled);
    const before = chosen + 1;
    const { f32 } = this.#tools.memory;
    f32.fill(0, this.#computed / 4, this.#computed / 4 + before + tokens);
    attention.mass = mass ? this.#computed : 0;
    runOthers(before);
    if (mass) this.#sumUp(chunk, sampled, chosen);
    attention.liftFrom = liftFrom;
    attention.liftTo = liftTo;
  }

  /** Lets the queries of the sample see everything, and sums up their attention; gives their number. */
  #takeSample(
    attention: Attention,
    { live, tokens }: Chunk,
    run: (from: number, until: number, before: number) => void,
  ): number {
    const gap = gapOf(tokens);
    const count = Math.floor(tokens / gap);
    this.#sample.clear(live + tokens);
    for (let i = 0; i < count; i++) {
      const t = (i + 1) * gap - 1;
      attention.mass = this.#sample.half(i);
      run(t, t + 1, live);
    }
    this.#tools.kernels.settle();
    return count;
  }

  /** Where lines are chosen: what is nearer, and the sinks, is always computed. */
  #rangeOf({ live }: Chunk, sample: number, coverage: number): LinesRange {
    const { heads, kvHeads } = this.#tools.config;
    const total = sample * heads / kvHeads;
    return { from: SINKS, until: live - BAND, total, coverage };
  }

  /** Fills in the slots before the chunk that the queries outside the sample see; gives their number. */
  #choose(
    { live, tokens }: Chunk,
    { from, until, total, coverage }: LinesRange,
    pointer: number,
    sample: number,
  ): number {
    const { f32 } = this.#tools.memory;
    const sampled = f32.subarray(pointer / 4, pointer / 4 + live);
    let missing = 0;
    for (let i = from; i < until; i++) missing += sampled[i];
    const chosen = this.#chosen;
    for (let i = 0; i < from; i++) chosen[i] = i;
    const wanted = missing - (1 - coverage) * total;
    const found = this.#chooser
      .choose(sampled, from, until, wanted, chosen, from);
    let { count } = found;
    for (let i = until; i < live; i++) chosen[count++] = i;
    const all = wholeCount({ live, tokens }, { total });
    this.#tally.add({
      ...all,
      covered: total - missing + found.covered,
      cells: all.cells - (tokens - sample) * (live - count),
    });
    return count;
  }

  /** Adds the sample's attention to the chunk's sums. */
  #addSample({ live, tokens, mass }: Chunk, sampled: number): void {
    const { kernels, memory } = this.#tools;
    kernels.settle();
    const { f32 } = memory;
    const from = sampled / 4, to = mass / 4;
    for (let i = 0; i < live + tokens; i++) f32[to + i] += f32[from + i];
  }

  /** Puts the chosen slots and the chunk's own side by side, and points there. */
  #gather(
    { store }: SimdKvCache,
    attention: Attention,
    { live, tokens }: Chunk,
    count: number,
    sampled: number,
  ): void {
    const { memory, kernels } = this.#tools;
    const chosen = this.#chosen.subarray(0, count);
    this.#rest.sumUp(store, attention, live, chosen, sampled);
    // The place of the slot that stands for the rest is filled in below.
    const all = count + 1 + tokens;
    this.#chosen[count] = 0;
    for (let t = 0; t < tokens; t++) this.#chosen[count + 1 + t] = live + t;
    memory.u32.set(this.#chosen.subarray(0, all), this.#indices / 4);
    const { vector, scale } = store.form;
    let to = this.#slots;
    const put = (from: number, bytes: number, behind: number) => {
      kernels.slots.gather(from, to, this.#indices, all, bytes);
      const at = to;
      to += (all + behind) * bytes;
      return at;
    };
    attention.keys = put(attention.keys, vector, 0);
    attention.values = put(attention.values, vector, VALUES_BEHIND);
    if (scale) {
      attention.keyScales = put(attention.keyScales, scale, 0);
      attention.valueScales = put(attention.valueScales, scale, 0);
    }
    if (attention.bias) {
      const { bias } = attention;
      kernels.slots.gather(bias, this.#bias, this.#indices, all, 4);
    } else memory.f32.fill(0, this.#bias / 4, this.#bias / 4 + all);
    attention.bias = this.#bias;
    memory.f32[this.#bias / 4 + count] = this.#rest.entropy;
    this.#rest.put(store, attention, count);
    if (attention.lift) this.#liftChosen(attention, count);
  }

  /** The range of slots that are lifted, among the chosen. */
  #liftChosen(attention: Attention, count: number): void {
    const { liftFrom, liftTo } = attention;
    let from = 0, to = 0;
    for (let i = 0; i < count; i++) {
      if (this.#chosen[i] < liftFrom) from++;
      if (this.#chosen[i] < liftTo) to++;
    }
    attention.liftFrom = from;
    attention.liftTo = to;
  }

  /** Adds the chunk's attention to its sums; what the slot for the rest got is shared out as the sample shares it. */
  #sumUp(
    { live, tokens, mass }: Chunk,
    samplePointer: number,
    count: number,
  ): void {
    const { kernels, memory } = this.#tools;
    kernels.settle();
    const { f32 } = memory;
    const sums = mass / 4, sampled = samplePointer / 4;
    const computed = this.#computed / 4;
    const { mass: rest } = this.#rest;
    const more = rest && f32[computed + count] / rest;
    let next = 0;
    for (let i = 0; i < live; i++) {
      const own = f32[sampled + i];
      const isChosen = next < count && this.#chosen[next] === i;
      f32[sums + i] += own + (isChosen ? f32[computed + next++] : own * more);
    }
    for (let t = 0; t < tokens; t++) {
      f32[sums + live + t] += f32[sampled + live + t] +
        f32[computed + count + 1 + t];
    }
  }
}

/** One query of so many is in the sample: the last of them. */
function gapOf(tokens: number): number {
  return Math.ceil(tokens / SAMPLE);
}

/** A chunk of which all is computed. */
function wholeCount(
  { live, tokens }: Pick<Chunk, "live" | "tokens">,
  { total }: Pick<LinesRange, "total">,
): LinesCount {
  const cells = tokens * live + tokens * (tokens + 1) / 2;
  return { total, covered: total, allCells: cells, cells };
}
