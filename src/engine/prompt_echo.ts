/**
 * The prompt as part of the answer, scored where that was asked for.
 *
 * @module
 */
import { logprobs } from "../sampling/logprobs.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { Utf8Stream } from "../text/utf8.ts";
import type { GenerateEvent, GenerateRequest, ScoredToken } from "./types.ts";

/** Most log-probabilities that are held until a prompt has been read. */
const MOST_SCORES = 1 << 20;

/** Collects the scores of a prompt while it goes through the model; does nothing unless the request wants an echo. */
export class PromptEcho {
  readonly #tokenizer: Tokenizer;
  readonly #prompt: readonly number[];
  readonly #wanted: boolean;
  /** Alternatives of each token, or null for no scores. */
  readonly #top: number | null;
  readonly #scored: ScoredToken[] = [];

  /** @throws {RangeError} If the prompt has too many tokens for so many alternatives. */
  constructor(
    tokenizer: Tokenizer,
    prompt: readonly number[],
    request: GenerateRequest,
  ) {
    this.#tokenizer = tokenizer;
    this.#prompt = prompt;
    this.#wanted = request.echo;
    this.#top = request.echo ? request.logprobs : null;
    if (this.#top === null) return;
    const scores = prompt.length * (this.#top + 1);
    if (scores > MOST_SCORES) {
      throw new RangeError(
        `Cannot score the prompt: ${prompt.length} tokens with ${this.#top} alternatives each are more than ${MOST_SCORES} log-probabilities`,
      );
    }
    this.#add(prompt[0], null, []);
  }

  /** Of which tokens of the prompt the logits are needed. */
  get logits(): "all" | "last" {
    return this.#top === null ? "last" : "all";
  }

  /** Takes the logits behind the token at `index`: they score the next one. */
  score(logits: Float32Array, index: number): void {
    const next = index + 1;
    if (this.#top === null || next >= this.#prompt.length) return;
    const id = this.#prompt[next];
    const { logprob, top } = logprobs(logits, id, this.#top);
    this.#add(id, logprob, top);
  }

  #add(id: number, logprob: number | null, top: ScoredToken["top"]): void {
    this.#scored.push({ id, bytes: this.#tokenizer.bytes(id), logprob, top });
  }

  /** The event that opens a choice. */
  *events(choice: number): Generator<GenerateEvent, void, void> {
    if (!this.#wanted) return;
    const utf8 = new Utf8Stream();
    const parts = this.#prompt.map((id) =>
      utf8.push(this.#tokenizer.bytes(id))
    );
    const text = parts.join("") + utf8.flush();
    yield { type: "text", choice, text, tokens: this.#scored };
  }
}
