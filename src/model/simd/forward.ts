/**
 * One step of the model over new tokens (the `llama` architecture: RMS norm, rotary positions, grouped queries, SwiGLU).
 *
 * @module
 */
import type { Activations, Attention, Kernels } from "../../kernels/kernels.ts";
import { type Matrix, unpackRow } from "../../kernels/matrix.ts";
import type { LinearMemory } from "../../kernels/memory.ts";
import type { ModelConfig } from "../config.ts";
import type { LogitsSink, Sequence } from "../runtime.ts";
import type { SimdKvCache } from "./kv_cache.ts";
import type { RopeTable } from "./rope_table.ts";
import { createScratch, LOGIT_ROWS, type Scratch } from "./scratch.ts";
import type { LayerWeights, Weights } from "./weights.ts";

/** What a step works with. */
export interface ForwardTools {
  readonly config: ModelConfig;
  readonly memory: LinearMemory;
  readonly kernels: Kernels;
  readonly weights: Weights;
  readonly rope: RopeTable;
}

/** Runs steps, in buffers of its own. Rows of all buffers are the batch's tokens, sequence after sequence. */
export class Forward {
  readonly maxTokens: number;
  readonly #tools: ForwardTools;
  readonly #scratch: Scratch;
  /** [hidden] */
  readonly #embedding: Float32Array;
  readonly #attention: Attention;
  /** [maxTokens]: of each row whose logits are wanted, its token in the sequence, and the sequence. */
  readonly #token: Int32Array;
  readonly #sequence: Int32Array;
  /** [LOGIT_ROWS] */
  readonly #logitsRows: Float32Array[] = [];
  #scoreCapacity = 0;

  /** @param maxTokens Most tokens of one step. */
  constructor(tools: ForwardTools, maxTokens: number) {
    const { headDim, heads, kvHeads, hidden } = tools.config;
    this.maxTokens = maxTokens;
    this.#tools = tools;
    this.#scratch = createScratch(tools.memory, tools.config, maxTokens);
    this.#embedding = new Float32Array(hidden);
    this.#token = new Int32Array(maxTokens);
    this.#sequence = new Int32Array(maxTokens);
    this.#attention = {
      query: 0,
      output: 0,
      stride: heads * headDim * 4,
      keys: 0,
      keyMeta: 0,
      values: 0,
      valueMeta: 0,
      bias: 0,
      scores: 0,
      scratch: 0,
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
    if (slots <= this.#scoreCapacity) return;
    const { memory, config } = this.#tools;
    const attention = this.#attention;
    if (this.#scoreCapacity) {
      memory.free(attention.scores);
      memory.free(attention.scratch);
    }
    attention.scores = memory.allocate((slots + 3) * 4);
    attention.scratch = memory.allocate(2 * config.headDim + 2 * slots + 16);
    this.#scoreCapacity = slots;
  }

  /** See `Runtime.forward`. */
  run(batch: readonly Sequence[], sink: LogitsSink): void {
    const tokens = this.#check(batch);
    this.#embed(batch);
    const { weights, kernels, config } = this.#tools;
    const { residual, update } = this.#scratch;
    for (let layer = 0; layer < config.layers; layer++) {
      this.#attend(weights.layers[layer], layer, batch, tokens);
      kernels.add(residual, update, tokens * config.hidden);
      this.#feedForward(weights.layers[layer], tokens);
      kernels.add(residual, update, tokens * config.hidden);
    }
    for (const { cache, tokens } of batch) cache.slots.append(tokens.length);
    this.#logits(batch, sink);
  }

  /** The number of tokens, once the whole batch is known to be possible. */
  #check(batch: readonly Sequence[]): number {
    let total = 0;
    for (let s = 0; s < batch.length; s++) {
      const { cache, tokens } = batch[s];
      const { length } = tokens;
      for (let other = 0; other < s; other++) {
        if (batch[other].cache !== cache) continue;
        throw new RangeError("Cannot run a dialogue twice in one step");
      }
      for (let i = 0; i < length; i++) {
        const token = tokens[i];
        if (token >= 0 && token < this.#tools.config.vocab) continue;
        throw new RangeError(
          `Cannot run token ${token}: not in the vocabulary`,
        );
      }
      if (length > cache.slots.room) {
        throw new RangeError(
          `Cannot append ${length} tokens: room for ${cache.slots.room}`,
        );
      }
      total += length;
    }
    if (total <= this.maxTokens) return total;
    throw new RangeError(
      `Cannot run ${total} tokens in one step: at most ${this.maxTokens}`,
    );
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
    this.#prepare(normed, tokens, layer.query, layer.key, layer.value);
    kernels.matmul(layer.query, normed, query, tokens);
    kernels.matmul(layer.key, normed, key, tokens);
    kernels.matmul(layer.value, normed, value, tokens);
    let row = 0;
    for (const sequence of batch) {
      for (let head = 0; head < config.kvHeads; head++) {
        this.#attendHead(sequence, index, head, row);
      }
      row += sequence.tokens.length;
    }
    this.#prepare(attended, tokens, layer.output);
    kernels.matmul(layer.output, attended, update, tokens);
  }

  /** Attention of one sequence's tokens, which start at `row`, in the group of one key/value head. */
  #attendHead(
    { cache: device, tokens }: Sequence,
    layer: number,
    head: number,
    row: number,
  ): void {
    const { kernels, config, rope, memory } = this.#tools;
    const { kvHeads, headDim, ropeDim } = config;
    const { key, value, query, attended } = this.#scratch;
    const cache = device as SimdKvCache;
    const { slots, store, biases } = cache;
    const unit = layer * kvHeads + head;
    const first = slots.offsets[unit] + slots.live[unit];
    const bytes = headDim * 4;
    const attention = this.#attention;
    const firstQuery = row * attention.stride + head * attention.heads * bytes;
    for (let t = 0; t < tokens.length; t++) {
      const position = slots.next[unit] + t;
      const group = query + firstQuery + t * attention.stride;
      const turn = rope.row(position);
      kernels.rotate(group, turn, attention.heads, headDim, ropeDim);
      const from = ((row + t) * kvHeads + head) * bytes;
      store.write(first + t, key + from, value + from, position);
      if (biases) memory.f32[biases / 4 + first + t] = 0;
    }
    attention.query = query + firstQuery;
    attention.output = attended.values + firstQuery;
    this.#attendSlots(cache, unit, tokens.length);
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
    for (const [from, to] of [[0, cut], [cut, tokens]]) {
      if (from === to) continue;
      attention.base = slots.live[unit] + from;
      attention.tokens = to - from;
      attention.mass = from === cut && sums ? sums + start * 4 : 0;
      cache.store.attend(attention, start);
      attention.query += (to - from) * attention.stride;
      attention.output += (to - from) * attention.stride;
    }
  }

  /** update = the layer's gated feed-forward. */
  #feedForward(layer: LayerWeights, tokens: number): void {
    const { kernels, config } = this.#tools;
    const { normed, gate, up, update } = this.#scratch;
    this.#normalise(layer.ffnNorm, tokens);
    this.#prepare(normed, tokens, layer.gate, layer.up);
    kernels.matmul(layer.gate, normed, gate.values, tokens);
    kernels.matmul(layer.up, normed, up, tokens);
    kernels.swiglu(gate.values, up, tokens * config.ffn);
    this.#prepare(gate, tokens, layer.down);
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

  /** Makes rows of `x` ready to be multiplied by `a`, and by `b` and `c` where there are more. */
  #prepare(x: Activations, tokens: number, a: Matrix, b = a, c = b): void {
    const { kernels } = this.#tools;
    const { columns } = a;
    kernels.quantize(a.type, x, tokens, columns);
    if (b.type !== a.type) kernels.quantize(b.type, x, tokens, columns);
    if (c.type !== a.type && c.type !== b.type) {
      kernels.quantize(c.type, x, tokens, columns);
    }
  }

  /** Logits of the wanted tokens, a few at a time. */
  #logits(batch: readonly Sequence[], sink: LogitsSink): void {
    const wanted = this.#gatherWanted(batch);
    for (let first = 0; first < wanted; first += LOGIT_ROWS) {
      const count = Math.min(LOGIT_ROWS, wanted - first);
      this.#project(first, count);
      for (let i = 0; i < count; i++) {
        const row = first + i;
        sink(this.#logitsRow(i), this.#token[row], this.#sequence[row]);
      }
    }
  }

  /** A view of one row of logits, made anew only when the memory has grown. */
  #logitsRow(row: number): Float32Array {
    const { memory, config, weights } = this.#tools;
    const { f32 } = memory;
    if (this.#logitsRows[row]?.buffer !== f32.buffer) {
      const start = this.#scratch.logits / 4 + row * weights.output.paddedRows;
      this.#logitsRows[row] = f32.subarray(start, start + config.vocab);
    }
    return this.#logitsRows[row];
  }

  /** Closes up the rows whose logits are wanted at the start of the residual stream; gives their number. */
  #gatherWanted(batch: readonly Sequence[]): number {
    const { memory, config } = this.#tools;
    const { hidden } = config;
    const start = this.#scratch.residual / 4;
    let row = 0, wanted = 0;
    for (let s = 0; s < batch.length; s++) {
      const { tokens, logits } = batch[s];
      for (let token = 0; token < tokens.length; token++, row++) {
        const isLast = token === tokens.length - 1;
        if (logits === "none" || (logits === "last" && !isLast)) continue;
        const from = start + row * hidden;
        // A row never moves down, so none is overwritten before its turn.
        memory.f32.copyWithin(start + wanted * hidden, from, from + hidden);
        this.#token[wanted] = token;
        this.#sequence[wanted++] = s;
      }
    }
    return wanted;
  }

  /** Logits of `count` rows of the residual stream from row `first`. */
  #project(first: number, count: number): void {
    const { kernels, config, weights } = this.#tools;
    const { hidden, rmsEpsilon } = config;
    const { residual, normed, logits } = this.#scratch;
    const from = residual + first * hidden * 4;
    const norm = weights.outputNorm;
    kernels.rmsNorm(from, norm, normed.values, count, hidden, rmsEpsilon);
    this.#prepare(normed, count, weights.output);
    kernels.matmul(weights.output, normed, logits, count);
  }
}
