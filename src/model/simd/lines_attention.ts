/**
 * Attention of a chunk of prefill over the lines that count.
 *
 * @module
 */
import { GrowingBlock } from "../../kernels/growing_block.ts";
import type { Attention } from "../../kernels/kernels.ts";
import { ColumnChooser } from "../prefill/lines.ts";
import type { ForwardTools } from "./forward_tools.ts";
import type { SimdKvCache } from "./kv_cache.ts";
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

/** What was computed, over all chunks, layers and key/value heads in which lines were left out. */
export interface LinesReport {
  /** Chunks of a unit. */
  readonly chunks: number;
  /** Share of the sampled queries' attention that fell on what was computed. */
  readonly coverage: number;
  /** Share of all pairs of a query and a slot that were computed. */
  readonly cells: number;
}

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
  readonly #rest: RestSlot;
  #chosen = new Int32Array(0);
  /** All that is [slots], and the keys, values and scales of the slots in the form of any store. */
  readonly #block: GrowingBlock;
  /** [slots] u32 */
  #indices = 0;
  /** [slots] f32: attention of the sample, and of the others over what is gathered. */
  #sampled = 0;
  #computed = 0;
  /** [slots] f32 */
  #bias = 0;
  #slots = 0;
  #chunks = 0;
  #covered = 0;
  #total = 0;
  #cells = 0;
  #allCells = 0;

  constructor(tools: ForwardTools) {
    this.#tools = tools;
    this.#rest = new RestSlot(tools);
    this.#block = new GrowingBlock(tools.memory);
  }

  /** See {@link LinesReport}. */
  get report(): LinesReport {
    return {
      chunks: this.#chunks,
      coverage: this.#total ? this.#covered / this.#total : 1,
      cells: this.#allCells ? this.#cells / this.#allCells : 1,
    };
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
    this.#indices = this.#block.reserve(4 * bytes + vectors);
    this.#sampled = this.#indices + bytes;
    this.#computed = this.#sampled + bytes;
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
    const { f32 } = this.#tools.memory;
    const { store } = cache;
    const gap = Math.ceil(tokens / SAMPLE);
    const run = (from: number, until: number, before: number) => {
      if (from >= until) return;
      attention.query = query + from * stride;
      attention.output = output + from * stride;
      attention.base = before + from;
      attention.tokens = until - from;
      store.run(attention);
    };
    f32.fill(0, this.#sampled / 4, this.#sampled / 4 + live + tokens);
    attention.mass = this.#sampled;
    for (let t = gap - 1; t < tokens; t += gap) run(t, t + 1, live);
    const sample = Math.floor(tokens / gap);
    const count = this.#choose(cache, live, tokens, sample);
    this.#gather(cache, attention, live, tokens, count);
    const before = count + 1;
    f32.fill(0, this.#computed / 4, this.#computed / 4 + before + tokens);
    attention.mass = mass ? this.#computed : 0;
    for (let t = 0; t < tokens; t += gap) {
      run(t, Math.min(t + gap - 1, tokens), before);
    }
    if (mass) this.#sumUp(chunk, count);
    attention.liftFrom = liftFrom;
    attention.liftTo = liftTo;
  }

  /** Fills in the slots before the chunk that the other queries see; gives their number. */
  #choose(
    { slots }: SimdKvCache,
    live: number,
    tokens: number,
    sample: number,
  ): number {
    const { memory, config, kernels } = this.#tools;
    kernels.settle();
    const start = this.#sampled / 4;
    const sampled = memory.f32.subarray(start, start + live + tokens);
    const far = live - BAND;
    let missing = 0;
    for (let i = SINKS; i < far; i++) missing += sampled[i];
    const total = sample * config.heads / config.kvHeads;
    const chosen = this.#chosen;
    for (let i = 0; i < SINKS; i++) chosen[i] = i;
    const wanted = missing - (1 - slots.layout.coverage) * total;
    const found = this.#chooser
      .choose(sampled, SINKS, far, wanted, chosen, SINKS);
    let { count } = found;
    for (let i = far; i < live; i++) chosen[count++] = i;
    this.#chunks++;
    this.#total += total;
    this.#covered += total - missing + found.covered;
    const within = tokens * (tokens + 1) / 2;
    this.#allCells += tokens * live + within;
    this.#cells += (tokens - sample) * count + sample * live + within;
    return count;
  }

  /** Puts the chosen slots and the chunk's own side by side, and points there. */
  #gather(
    { store }: SimdKvCache,
    attention: Attention,
    live: number,
    tokens: number,
    count: number,
  ): void {
    const { memory, kernels } = this.#tools;
    const chosen = this.#chosen.subarray(0, count);
    this.#rest.sumUp(store, attention, live, chosen, this.#sampled);
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
  #sumUp({ live, tokens, mass }: Chunk, count: number): void {
    const { kernels, memory } = this.#tools;
    kernels.settle();
    const { f32 } = memory;
    const sums = mass / 4, sampled = this.#sampled / 4;
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
