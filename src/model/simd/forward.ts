/**
 * One step of the model over new tokens (the `llama` architecture: RMS norm, rotary positions, grouped queries, SwiGLU).
 *
 * @module
 */
import { GrowingBlock } from "../../kernels/growing_block.ts";
import {
  type Attention,
  scoreBytes,
  wordBytes,
} from "../../kernels/kernels.ts";
import { unpackRow } from "../../kernels/matrix.ts";
import { checkBatch } from "../check_batch.ts";
import type { LogitsSink, Sequence } from "../runtime.ts";
import { type ForwardTools, prepare } from "./forward_tools.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import { LinesAttention } from "./lines_attention.ts";
import { LogitsHead } from "./logits_head.ts";
import { createScratch, type Scratch } from "./scratch.ts";
import type { LayerWeights } from "./weights.ts";

/** Runs steps, in buffers of its own. Rows of all buffers are the batch's tokens, sequence after sequence. */
export class Forward {
  readonly maxTokens: number;
  readonly #tools: ForwardTools;
  readonly #scratch: Scratch;
  /** [hidden] */
  readonly #embedding: Float32Array;
  readonly #attention: Attention;
  readonly #head: LogitsHead;
  /** Attention where prefill leaves out what hardly counts. */
  readonly #lines: LinesAttention;
  readonly #scores: GrowingBlock;
  readonly #words: GrowingBlock;
  readonly #spread: GrowingBlock;

  /** @param maxTokens Most tokens of one step. */
  constructor(tools: ForwardTools, maxTokens: number) {
    const { headDim, heads, kvHeads, hidden } = tools.config;
    this.maxTokens = maxTokens;
    this.#tools = tools;
    this.#scratch = createScratch(tools.memory, tools.config, maxTokens);
    this.#embedding = new Float32Array(hidden);
    this.#scores = new GrowingBlock(tools.memory);
    this.#words = new GrowingBlock(tools.memory);
    this.#spread = new GrowingBlock(tools.memory);
    this.#head = new LogitsHead(tools, this.#scratch, maxTokens);
    this.#lines = new LinesAttention(tools);
    this.#attention = {
      query: 0,
      output: 0,
      stride: heads * headDim * 4,
      keys: 0,
      keyScales: 0,
      values: 0,
      valueScales: 0,
      bias: 0,
      lift: 0,
      liftFrom: 0,
      liftTo: 0,
      scores: 0,
      scratch: 0,
      spread: 0,
      mass: 0,
      heads: heads / kvHeads,
      headDim,
      base: 0,
      tokens: 0,
      scale: 1 / Math.sqrt(headDim),
    };
  }

  /** Makes room for attention over `slots` slots. */
  reserveScores(slots: number): void {
    const { headDim } = this.#tools.config;
    this.#attention.scores = this.#scores.reserve(scoreBytes(slots));
    this.#attention.scratch = this.#words.reserve(wordBytes(slots, headDim));
  }

  /** Makes room for the slots of a unit in the form that attention reads, where a store does not hold them so. */
  reserveSpread(bytes: number): void {
    this.#attention.spread = this.#spread.reserve(bytes);
  }

  /** What prefill has computed of the attention of dialogues that need not all of it. */
  get lines(): LinesAttention {
    return this.#lines;
  }

  /** See `Runtime.forward`. */
  run(batch: readonly Sequence[], sink: LogitsSink): void {
    const tokens = checkBatch(batch, this.#tools.config, this.maxTokens);
    try {
      this.#embed(batch);
      this.#runLayers(batch, tokens);
      this.#tools.kernels.settle();
      for (const { cache, tokens } of batch) cache.slots.append(tokens.length);
      this.#head.run(batch, sink);
    } finally {
      this.#tools.kernels.settle();
    }
  }

  #runLayers(batch: readonly Sequence[], tokens: number): void {
    const { weights, kernels, config } = this.#tools;
    const { residual, update } = this.#scratch;
    for (let layer = 0; layer < config.layers; layer++) {
      this.#attend(weights.layers[layer], layer, batch, tokens);
      kernels.add(residual, update, tokens, config.hidden);
      this.#feedForward(weights.layers[layer], tokens);
      kernels.add(residual, update, tokens, config.hidden);
    }
  }

  #embed(batch: readonly Sequence[]): void {
    const { memory, weights, config } = this.#tools;
    let row = this.#scratch.residual / 4;
    for (const { tokens } of batch) {
      for (let i = 0; i < tokens.length; i++, row += config.hidden) {
        unpackRow(memory, weights.embedding, tokens[i], this.#embedding);
        memory.f32.set(this.#embedding, row);
      }
    }
  }

  /** update = attention of the layer over the caches, which gain the new keys and values. */
  #attend(
    layer: LayerWeights,
    index: number,
    batch: readonly Sequence[],
    tokens: number,
  ): void {
    const { kernels, config } = this.#tools;
    const { normed, query, key, value, attended, update } = this.#scratch;
    this.#normalise(layer.attentionNorm, tokens);
    prepare(kernels, normed, tokens, layer.query, layer.key, layer.value);
    kernels.matmul(layer.query, normed, query, tokens);
    kernels.matmul(layer.key, normed, key, tokens);
    kernels.matmul(layer.value, normed, value, tokens);
    let row = 0;
    for (const sequence of batch) {
      for (let head = 0; head < config.kvHeads; head++) {
        kernels.task();
        this.#appendHead(sequence, index, head, row);
        this.#attendHead(sequence, index, head, row);
      }
      row += sequence.tokens.length;
    }
    prepare(kernels, attended, tokens, layer.output);
    kernels.matmul(layer.output, attended, update, tokens);
  }

  /** Turns queries and keys of one sequence's tokens, which start at `row`, and puts keys and values into their slots. */
  #appendHead(
    { cache: device, tokens }: Sequence,
    layer: number,
    head: number,
    row: number,
  ): void {
    const { kernels, config, rope, memory } = this.#tools;
    const { kvHeads, headDim, ropeDim } = config;
    const { key, value } = this.#scratch;
    const { slots, store, biases } = device as SimdKvCache;
    const count = tokens.length;
    const unit = layer * kvHeads + head;
    const first = slots.offsets[unit] + slots.live[unit];
    const { heads, stride } = this.#attention;
    const group = this.#groupAt(row, head);
    const position = slots.next[unit];
    for (let t = 0; t < count;) {
      const some = rope.span(position + t, count - t);
      const rows = rope.rowsOf(position + t, some);
      const at = group + t * stride;
      kernels.rotate(at, stride, rows, some, heads, headDim, ropeDim);
      t += some;
    }
    const step = kvHeads * headDim * 4;
    const from = row * step + head * headDim * 4;
    store.write(first, key + from, value + from, position, step, count);
    if (biases) {
      memory.f32.fill(0, biases / 4 + first, biases / 4 + first + count);
    }
  }

  /** Pointer to the queries of a row that belong to a key/value head. */
  #groupAt(row: number, head: number): number {
    const { heads, headDim, stride } = this.#attention;
    return this.#scratch.query + row * stride + head * heads * headDim * 4;
  }

  /** Attention of one sequence's tokens, which start at `row`, in the group of one key/value head. */
  #attendHead(
    { cache, tokens }: Sequence,
    layer: number,
    head: number,
    row: number,
  ): void {
    const { query, attended } = this.#scratch;
    const attention = this.#attention;
    attention.query = this.#groupAt(row, head);
    attention.output = attended.values + attention.query - query;
    const unit = layer * this.#tools.config.kvHeads + head;
    this.#attendCorrected(cache as SimdKvCache, unit, tokens.length);
  }

  /** As `#attendSlots`, with what corrects attention for the tokens that the unit has no slot for. */
  #attendCorrected(cache: SimdKvCache, unit: number, tokens: number): void {
    const { slots, corrections } = cache;
    const attention = this.#attention;
    const { output, stride, heads, headDim } = attention;
    const share = corrections ? slots.evictedShare(unit) : 0;
    attention.lift = 0;
    if (!corrections || share === 0) {
      return this.#attendSlots(cache, unit, tokens);
    }
    corrections.aim(attention, slots, unit, share);
    this.#attendSlots(cache, unit, tokens);
    this.#tools.kernels.correct(
      output,
      corrections.gain(unit),
      corrections.offset(unit),
      share,
      heads * headDim,
      stride,
      tokens,
    );
  }

  /** Attention of `tokens` tokens, at which `#attention` points, over the unit's slots; the last queries are observed. */
  #attendSlots(cache: SimdKvCache, unit: number, tokens: number): void {
    const { slots, biases, attention: sums } = cache;
    const { block, observed } = slots.layout;
    const start = slots.offsets[unit];
    const attention = this.#attention;
    attention.bias = biases ? biases + start * 4 : 0;
    const unseen = Math.max(block - observed - slots.pending, 0);
    const cut = sums ? Math.min(unseen, tokens) : tokens;
    const live = slots.live[unit];
    const mass = sums ? sums + start * 4 : 0;
    cache.store.point(attention, start, live + tokens);
    if (this.#lines.pay(cache, live, tokens, tokens - cut)) {
      const observed = cut === 0 ? mass : 0;
      this.#lines.attend(cache, attention, { live, tokens, mass: observed });
      return;
    }
    this.#attendTokens(cache, cut, live, 0);
    this.#attendTokens(cache, tokens - cut, live + cut, mass);
  }

  /** Attention of the next `tokens` tokens at which `#attention` points; moves it behind them. */
  #attendTokens(
    cache: SimdKvCache,
    tokens: number,
    base: number,
    mass: number,
  ): void {
    if (tokens === 0) return;
    const attention = this.#attention;
    attention.base = base;
    attention.tokens = tokens;
    attention.mass = mass;
    cache.store.run(attention);
    attention.query += tokens * attention.stride;
    attention.output += tokens * attention.stride;
  }

  /** update = the layer's gated feed-forward. */
  #feedForward(layer: LayerWeights, tokens: number): void {
    const { kernels, config } = this.#tools;
    const { normed, gate, up, update } = this.#scratch;
    this.#normalise(layer.ffnNorm, tokens);
    prepare(kernels, normed, tokens, layer.gate, layer.up);
    kernels.matmul(layer.gate, normed, gate.values, tokens);
    kernels.matmul(layer.up, normed, up, tokens);
    kernels.swiglu(gate.values, up, tokens, config.ffn);
    prepare(kernels, gate, tokens, layer.down);
    kernels.matmul(layer.down, gate, update, tokens);
  }

  /** normed = the residual stream, normalised. */
  #normalise(weight: number, tokens: number): void {
    const { kernels, config } = this.#tools;
    const { residual, normed } = this.#scratch;
    const { hidden, rmsEpsilon } = config;
    kernels.rmsNorm(
      residual,
      weight,
      normed.values,
      tokens,
      hidden,
      rmsEpsilon,
    );
  }
}
