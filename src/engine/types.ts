/**
 * The typed request that enters the engine and the typed events that leave it. The HTTP layer turns
 * JSON into the first and the second into JSON or SSE; nothing in between knows of either.
 *
 * @module
 */
import type { OptionTable } from "../cache/options.ts";
import type { KvUsage } from "../cache/slots.ts";

export type { KvUsage };

/** One message of a conversation; `content` is plain text, in which nothing can spell a special token. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  readonly name?: string;
}

/** What to continue: a conversation, a raw text (special tokens are parsed), or token ids. */
export type Prompt =
  | { readonly kind: "chat"; readonly messages: readonly ChatMessage[] }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "tokens"; readonly tokens: readonly number[] };

/** How a token is drawn from the logits. Every field has a value; {@link DEFAULT_SAMPLING} holds the neutral ones. */
export interface SamplingOptions {
  /** 0 is greedy. In [0, 2]. */
  readonly temperature: number;
  /** Nucleus: the smallest set of tokens with at least this probability. In (0, 1]; 1 is off. */
  readonly topP: number;
  /** The k most likely tokens; 0 is off. */
  readonly topK: number;
  /** Tokens at least this share as likely as the likeliest. In [0, 1]; 0 is off. */
  readonly minP: number;
  /** Divides positive and multiplies negative logits of tokens already seen. In (0, 2]; 1 is off. */
  readonly repetitionPenalty: number;
  /** Taken once off the logit of a token already produced. In [-2, 2]. */
  readonly presencePenalty: number;
  /** Taken off the logit of a token for each time it was produced. In [-2, 2]. */
  readonly frequencyPenalty: number;
  /** Token id to what is added to its logit, in [-100, 100]. */
  readonly logitBias: ReadonlyMap<number, number>;
  /** The same seed gives the same text; null draws one. Unsigned 32-bit. */
  readonly seed: number | null;
}

/** The model's distribution, unchanged. */
export const DEFAULT_SAMPLING: SamplingOptions = Object.freeze({
  temperature: 1,
  topP: 1,
  topK: 0,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  logitBias: new Map(),
  seed: null,
});

/** The cache that a request wants instead of the server's. */
export interface KvChoice {
  /** Name of a method. */
  readonly method?: string;
  /** Slots of each layer and head; at most the server's. */
  readonly slots?: number;
  /** Options of the method, by name. */
  readonly options?: Readonly<Record<string, number>>;
}

/** A method that a request can choose. */
export interface MethodInfo {
  readonly name: string;
  readonly summary: string;
  readonly paper: string | null;
  readonly options: OptionTable;
  /** Whether it knows learned parts, and the model has those that it wants; where they are missing, it does without. */
  readonly learned: "used" | "missing" | "none";
}

/** One request to the engine. */
export interface GenerateRequest {
  readonly prompt: Prompt;
  /** Most tokens to produce; null for the engine's default. 0 only scores the prompt. */
  readonly maxTokens: number | null;
  /** How many continuations of the same prompt. */
  readonly choices: number;
  /** Texts before which generation stops; they are not part of the answer. */
  readonly stop: readonly string[];
  /** Null: no log-probabilities; n: those of the chosen tokens and of the n likeliest alternatives. */
  readonly logprobs: number | null;
  /** Report the prompt itself, with log-probabilities where `logprobs` asks for them. */
  readonly echo: boolean;
  readonly sampling: SamplingOptions;
  /** Missing: the server's cache. */
  readonly kv?: KvChoice;
}

/** A token with its log-probability under the unmodified distribution of the model. */
export interface TokenLogprob {
  readonly id: number;
  readonly logprob: number;
}

/** A token of the text, scored. */
export interface ScoredToken {
  readonly id: number;
  readonly bytes: Uint8Array;
  /** Natural logarithm; null for the first token of a text, which nothing predicts. */
  readonly logprob: number | null;
  /** The likeliest tokens, likeliest first; their number is what the request asked for. */
  readonly top: readonly TokenLogprob[];
}

/** Why a choice ended: a stop token or string; or the bound on its tokens or on the context. */
export type FinishReason = "stop" | "length";

/** Token counts of a request. */
export interface Usage {
  readonly promptTokens: number;
  /** Tokens of the prompt that a kept dialogue had read already. */
  readonly cachedTokens: number;
  /** Over all choices. */
  readonly completionTokens: number;
  readonly kv: KvUsage;
}

/**
 * What a request gives, in this order: `start`; then for each choice in turn its `text` events and one `finish`;
 * last `done`. With `echo`, the first text event(s) of a choice are those of the prompt.
 */
export type GenerateEvent =
  | { readonly type: "start"; readonly promptTokens: number }
  /** `text` is whole characters and may be empty while `tokens` is not; stop strings never appear in it. */
  | {
    readonly type: "text";
    readonly choice: number;
    readonly text: string;
    /** The tokens behind `text`; empty unless `logprobs` was asked for. */
    readonly tokens: readonly ScoredToken[];
  }
  | {
    readonly type: "finish";
    readonly choice: number;
    readonly reason: FinishReason;
  }
  | { readonly type: "done"; readonly usage: Usage };

/** The model behind an engine, as `/v1/models` shows it. */
export interface ModelInfo {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  /** Tokens that the model was trained to see at once. */
  readonly contextLength: number;
  readonly method: string;
  readonly slots: number;
  /** "simd" or "webgpu". */
  readonly runtime: string;
  /** Name of the file of the model's learned parts, if there is one. */
  readonly learned: string | null;
  /** What `KvChoice.method` can name. */
  readonly methods: readonly MethodInfo[];
}

/** A loaded model that answers requests, one at a time, the rest waiting in a bounded queue. */
export interface Engine {
  readonly info: ModelInfo;
  /**
   * Runs one request. Waits for its turn, then streams events; ends early (by throwing the signal's reason)
   * when `signal` aborts, at the next token or prefill chunk.
   *
   * @throws {QueueFullError} If too many requests wait already.
   * @throws {ContextLengthError} If the prompt does not fit and the method cannot shorten it.
   * @throws {RangeError} If a token id of the request is not in the vocabulary.
   */
  generate(
    request: GenerateRequest,
    signal: AbortSignal,
  ): AsyncGenerator<GenerateEvent, void, void>;
  /**
   * Whether a request can have the cache that it asks for.
   *
   * @throws {RangeError} If not; the message names the field and what is valid.
   */
  checkKv(choice: KvChoice): void;
  /** Token id to its text, for log-probabilities of alternatives. */
  tokenBytes(id: number): Uint8Array;
  /** Requests running and waiting. */
  readonly load: { readonly running: number; readonly waiting: number };
  /** Lets go of the model. Requests under way and waiting fail. */
  close(): void;
}
