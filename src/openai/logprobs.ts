/**
 * Log-probabilities in OpenAI's two forms.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { ScoredToken } from "../engine/types.ts";
import { Utf8Stream } from "../text/utf8.ts";

/** Token id to its bytes. */
export type TokenBytes = (id: number) => Uint8Array;

const ChatToken = z.object({
  token: z.string().describe("Bytes that are no whole characters are \\xNN."),
  logprob: z.number(),
  bytes: z.array(z.int()),
});

/** One token of `choices[].logprobs.content`. */
export const ChatLogprob = ChatToken.extend({
  top_logprobs: z.array(ChatToken),
});

/** `choices[].logprobs` of a completion: lists with an entry for each token. */
export const CompletionLogprobs = z.object({
  tokens: z.array(z.string()),
  token_logprobs: z.array(z.number().nullable()),
  top_logprobs: z.array(z.record(z.string(), z.number()).nullable()),
  text_offset: z.array(z.int())
    .describe("Where the token begins in `text`, in Unicode characters."),
});

/** The chat form of one token. */
export function chatLogprob(
  token: ScoredToken,
  tokenBytes: TokenBytes,
): z.output<typeof ChatLogprob> {
  return {
    ...chatToken(token.bytes, token.logprob),
    top_logprobs: token.top.map(({ id, logprob }) =>
      chatToken(tokenBytes(id), logprob)
    ),
  };
}

function chatToken(bytes: Uint8Array, logprob: number | null) {
  return {
    token: decode(bytes) ?? escapeBytes(bytes),
    logprob: finite(logprob),
    bytes: [...bytes],
  };
}

/** The completion form of the tokens of one choice, piece by piece. */
export class CompletionLogprobsWriter {
  readonly #tokenBytes: TokenBytes;
  readonly #utf8 = new Utf8Stream();
  /** Text that no token has accounted for yet. */
  #rest = "";
  #offset = 0;

  constructor(tokenBytes: TokenBytes) {
    this.#tokenBytes = tokenBytes;
  }

  /** The entries of `tokens`, which come with the next `text` of the choice. */
  write(
    text: string,
    tokens: readonly ScoredToken[],
  ): z.output<typeof CompletionLogprobs> {
    this.#rest += text;
    return {
      tokens: tokens.map(({ bytes }) => completionToken(bytes)),
      token_logprobs: tokens.map(({ logprob }) =>
        logprob === null ? null : finite(logprob)
      ),
      top_logprobs: tokens.map((token) => this.#top(token)),
      text_offset: tokens.map(({ bytes }) => this.#place(bytes)),
    };
  }

  /** The likeliest tokens and always the one that stands in the text. */
  #top({ bytes, logprob, top }: ScoredToken): Record<string, number> | null {
    if (logprob === null) return null;
    const entries = new Map<string, number>();
    const enter = (bytes: Uint8Array, logprob: number) => {
      const name = completionToken(bytes);
      const known = entries.get(name) ?? -Infinity;
      entries.set(name, Math.max(finite(logprob), known));
    };
    for (const { id, logprob } of top) enter(this.#tokenBytes(id), logprob);
    enter(bytes, logprob);
    return Object.fromEntries(entries);
  }

  /** Where the token begins; one that the text does not show takes no room. */
  #place(bytes: Uint8Array): number {
    const start = this.#offset;
    const text = this.#utf8.push(bytes);
    if (this.#rest.startsWith(text)) {
      this.#rest = this.#rest.slice(text.length);
      this.#offset += [...text].length;
    }
    return start;
  }
}

function completionToken(bytes: Uint8Array): string {
  return decode(bytes) ?? `bytes:${escapeBytes(bytes)}`;
}

/** The text of whole characters, or null. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch {
    return null;
  }
}

function escapeBytes(bytes: Uint8Array): string {
  return Array.from(
    bytes,
    (byte) =>
      byte < 0x80
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, "0")}`,
  ).join("");
}

/** JSON has no infinity: the impossible is as OpenAI writes it. */
function finite(logprob: number | null): number {
  return Math.max(logprob ?? -9999, -9999);
}
