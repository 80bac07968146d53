/**
 * One continuation of a prompt.
 *
 * @module
 */
import { type Candidates, createCandidates } from "../sampling/candidates.ts";
import { logprobs } from "../sampling/logprobs.ts";
import { createSampler, type Sampler } from "../sampling/sampler.ts";
import { type TextPiece, TextStream } from "../text/text_stream.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Dialogue } from "./dialogue.ts";
import type { GenerateParts } from "./generate.ts";
import type {
  FinishReason,
  GenerateEvent,
  GenerateRequest,
  ScoredToken,
} from "./types.ts";

const NO_BYTES = new Uint8Array();

/**
 * Memory in which tokens are drawn, by one choice after the other. An engine makes it once, for each request that can
 * run: what every request made anew would stay until V8 collects it, which takes little notice of what lies outside its heap.
 */
export interface DrawSpace {
  /** [vocab]: the logits that a sampler may change. */
  readonly logits: Float32Array;
  readonly candidates: Candidates;
}

/** For a vocabulary of so many tokens. */
export function createDrawSpace(vocab: number): DrawSpace {
  return {
    logits: new Float32Array(vocab),
    candidates: createCandidates(vocab),
  };
}

/** Draws token after token until something ends the text. */
export class Choice {
  /** Tokens drawn so far; a token that ends the text counts too. */
  produced = 0;
  readonly #index: number;
  readonly #request: GenerateRequest;
  readonly #tokenizer: Tokenizer;
  readonly #maxTokens: number;
  readonly #sampler: Sampler;
  readonly #text: TextStream;
  /** How many of the highest logits are looked at. */
  readonly #top: number;
  /** [vocab]: the logits that the sampler may change; those of a {@link DrawSpace}. */
  readonly #logits: Float32Array;
  readonly #takeLogits = (values: Float32Array): void =>
    this.#logits.set(values);
  /** [vocab]: the logits as the model gave them; null where nothing asks for them. */
  #unchanged: Float32Array | null = null;

  constructor(
    { tokenizer, runtime, space, maxTokens }:
      & Pick<GenerateParts, "tokenizer" | "runtime" | "maxTokens">
      & { readonly space: DrawSpace },
    request: GenerateRequest,
    prompt: readonly number[],
    index: number,
  ) {
    const { vocab } = runtime.config;
    this.#index = index;
    this.#request = request;
    this.#tokenizer = tokenizer;
    this.#maxTokens = request.maxTokens ?? maxTokens;
    this.#logits = space.logits;
    const { candidates } = space;
    this.#sampler = createSampler(request.sampling, vocab, index, candidates);
    this.#sampler.prime(prompt);
    // Probabilities are of all.
    this.#top = request.logprobs === null ? this.#sampler.top : Infinity;
    this.#text = new TextStream(request.stop);
  }

  /** @param logits [vocab] those behind the prompt; not changed. */
  async *run(
    dialogue: Dialogue,
    logits: Float32Array,
    signal: AbortSignal,
  ): AsyncGenerator<GenerateEvent, void, void> {
    this.#logits.set(logits);
    if (this.#request.logprobs !== null) this.#unchanged = logits.slice();
    while (this.produced < this.#maxTokens) {
      const { token, scored } = this.#draw();
      this.produced++;
      if (this.#tokenizer.stopIds.includes(token)) {
        return yield* this.#finish("stop");
      }
      const piece = this.#text.push(this.#bytes(token), scored);
      yield* this.#show(piece);
      if (piece.stopped) return yield* this.#finish("stop");
      if (this.produced === this.#maxTokens || dialogue.capacity === 0) break;
      await dialogue.step(token, this.#takeLogits, signal, this.#top);
    }
    yield* this.#finish("length");
  }

  /** What a token shows; a control token shows nothing. */
  #bytes(token: number): Uint8Array {
    const tokenizer = this.#tokenizer;
    return tokenizer.isSpecial(token) ? NO_BYTES : tokenizer.bytes(token);
  }

  #draw(): { token: number; scored: ScoredToken | null } {
    this.#unchanged?.set(this.#logits);
    const token = this.#sampler.sample(this.#logits);
    this.#sampler.accept(token);
    return { token, scored: this.#score(token) };
  }

  #score(id: number): ScoredToken | null {
    if (this.#unchanged === null) return null;
    const scores = logprobs(this.#unchanged, id, this.#request.logprobs ?? 0);
    return { id, bytes: this.#tokenizer.bytes(id), ...scores };
  }

  *#show({ text, tokens }: TextPiece): Generator<GenerateEvent, void, void> {
    if (text === "" && tokens.length === 0) return;
    yield { type: "text", choice: this.#index, text, tokens };
  }

  /** Gives what was held back; if that holds a stop string, the text ended there after all. */
  *#finish(reason: FinishReason): Generator<GenerateEvent, void, void> {
    const rest = this.#text.flush();
    yield* this.#show(rest);
    yield {
      type: "finish",
      choice: this.#index,
      reason: rest.stopped ? "stop" : reason,
    };
  }
}
