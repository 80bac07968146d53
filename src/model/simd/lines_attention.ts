/**
 * Attention of a chunk of prefill over the lines that count.
 *
 * @module
 */
import type { Attention } from "../../kernels/kernels.ts";
import { ColumnChooser } from "../prefill/lines.ts";
import type { ForwardTools } from "./forward_tools.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import { VALUES_BEHIND } from "./slot_store.ts";

/** Newest queries of a chunk that see everything, and by whose attention the lines are chosen. */
const SAMPLE = 8;
/** Slots before the chunk that are always computed: a band of diagonals. */
const BAND = 64;
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

/** A chunk of a unit: slots before it, its tokens, how many of them are not observed, and where attention is summed up. */
interface Chunk {
  readonly live: number;
  readonly tokens: number;
  readonly cut: number;
  readonly mass: number;
}

/** Attends in buffers of its own. */
export class LinesAttention {
  readonly #tools: ForwardTools;
  readonly #chooser = new ColumnChooser();
  #capacity = 0;
  #chosen = new Int32Array(0);
  /** [slots] u32 */
  #indices = 0;
  /** [slots] f32: attention of the sample, and of the others over what is gathered. */
  #sampled = 0;
  #computed = 0;
  /** [slots] f32 */
  #bias = 0;
  /** Keys, values and their scales in the form of any store. */
  #slots = 0;
  #chunks = 0;
  #covered = 0;
  #total = 0;
  #cells = 0;
  #allCells = 0;

  constructor(tools: ForwardTools) {
    this.#tools = tools;
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
    if (slots <= this.#capacity) return;
    const { memory, config } = this.#tools;
    if (this.#capacity) {
      memory.free(this.#indices);
      memory.free(this.#sampled);
      memory.free(this.#computed);
      memory.free(this.#bias);
      memory.free(this.#slots);
    }
    this.#capacity = slots;
    this.#chosen = new Int32Array(slots);
    this.#indices = memory.allocate(slots * 4);
    this.#sampled = memory.allocate(slots * 4);
    this.#computed = memory.allocate(slots * 4);
    this.#bias = memory.allocate(slots * 4);
    this.#slots = memory.allocate((slots + VALUES_BEHIND) * config.headDim * 8);
  }

  /** Whether a chunk behind `live` slots gains by it; the sample must be observed as a whole, or not at all. */
  pay(
    { slots }: SimdKvCache,
    live: number,
    tokens: number,
    observed: number,
  ): boolean {
    return slots.layout.coverage < 1 && live >= LEAST_SLOTS &&
      tokens >= LEAST_TOKENS && (observed === 0 || observed >= SAMPLE);
  }

  /** Attention of a chunk at which `attention` points, over the slots at which it points. */
  attend(cache: SimdKvCache, attention: Attention, chunk: Chunk): void {
    const { live, tokens, cut, mass } = chunk;
    const { query, output } = attention;
    const others = tokens - SAMPLE;
    this.#attendSample(cache, attention, chunk);
    const count = this.#choose(cache, live, tokens);
    const lift = { from: attention.liftFrom, to: attention.liftTo };
    this.#gather(cache, attention, live, tokens, count);
    const first = Math.min(cut, others);
    this.#attendOthers(cache, attention, query, output, count, 0, first);
    const { f32 } = this.#tools.memory;
    const sums = this.#computed / 4;
    f32.fill(0, sums, sums + count + tokens);
    if (mass) attention.mass = this.#computed;
    this.#attendOthers(cache, attention, query, output, count, first, others);
    if (mass) this.#sumUp(chunk, count, others - first);
    attention.liftFrom = lift.from;
    attention.liftTo = lift.to;
  }

  /** The newest queries over all slots. */
  #attendSample(
    { store }: SimdKvCache,
    attention: Attention,
    { live, tokens }: Chunk,
  ): void {
    const { f32 } = this.#tools.memory;
    const { query, output, stride } = attention;
    const others = tokens - SAMPLE;
    f32.fill(0, this.#sampled / 4, this.#sampled / 4 + live + tokens);
    attention.mass = this.#sampled;
    attention.query = query + others * stride;
    attention.output = output + others * stride;
    attention.base = live + others;
    attention.tokens = SAMPLE;
    store.run(attention);
    attention.mass = 0;
  }

  /** Fills in the slots before the chunk that the other queries see; gives their number. */
  #choose({ slots }: SimdKvCache, live: number, tokens: number): number {
    const { memory, config, kernels } = this.#tools;
    kernels.settle();
    const start = this.#sampled / 4;
    const sampled = memory.f32.subarray(start, start + live + tokens);
    const far = live - BAND;
    let missing = 0;
    for (let i = SINKS; i < far; i++) missing += sampled[i];
    const total = SAMPLE * config.heads / config.kvHeads;
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
    this.#cells += (tokens - SAMPLE) * count + SAMPLE * live + within;
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
    const all = count + tokens;
    for (let t = 0; t < tokens; t++) this.#chosen[count + t] = live + t;
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
      attention.bias = this.#bias;
    }
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

  /** The queries `from` … `until` - 1 of the chunk over what was gathered. */
  #attendOthers(
    { store }: SimdKvCache,
    attention: Attention,
    query: number,
    output: number,
    count: number,
    from: number,
    until: number,
  ): void {
    if (from >= until) return;
    attention.query = query + from * attention.stride;
    attention.output = output + from * attention.stride;
    attention.base = count + from;
    attention.tokens = until - from;
    store.run(attention);
  }

  /** Adds the chunk's attention to its sums. Where `others` queries did not look, the sample stands for them. */
  #sumUp({ live, tokens, mass }: Chunk, count: number, others: number): void {
    const { kernels, memory } = this.#tools;
    kernels.settle();
    const { f32 } = memory;
    const sums = mass / 4, sampled = this.#sampled / 4;
    const computed = this.#computed / 4;
    const missed = 1 + others / SAMPLE;
    let next = 0;
    for (let i = 0; i < live + tokens; i++) {
      if (next < count + tokens && this.#chosen[next] === i) {
        f32[sums + i] += f32[sampled + i] + f32[computed + next++];
      } else f32[sums + i] += f32[sampled + i] * missed;
    }
  }
}
