/**
 * What the requests of both endpoints have in common: the fields, and what
 * the engine makes of them.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import {
  DEFAULT_SAMPLING,
  type GenerateRequest,
  type KvChoice,
  type SamplingOptions,
} from "../engine/types.ts";

/** Bounds of a request; what is past them is refused with status 400. */
export const BOUNDS = Object.freeze({
  choices: 16,
  stops: 16,
  stopLength: 512,
  topLogprobs: 20,
  biases: 1024,
  messages: 8192,
  contentParts: 1024,
  prompts: 128,
});

/** A request after parsing: typed, complete and frozen. */
export interface Call {
  /** The model that was asked for; null where none was named. */
  readonly model: string | null;
  /** One for each prompt, all with the same number of choices. */
  readonly requests: readonly GenerateRequest[];
  /** The parameter that holds the prompt, or an array of them. */
  readonly promptParam: string;
  readonly stream: boolean;
  /** Whether a stream ends with a chunk that holds the usage. */
  readonly includeUsage: boolean;
}

/** What a request means that leaves something out. */
export interface RequestDefaults {
  /** Most tokens of an answer. */
  readonly maxTokens: number;
}

const isWhole = (value: number) => Number.isInteger(value);

const logitBias = z.record(z.string(), z.unknown())
  .refine((biases) => Object.keys(biases).length <= BOUNDS.biases, {
    message: `expected at most ${BOUNDS.biases} tokens`,
  })
  .pipe(z.record(
    z.string().regex(/^\d{1,9}$/, "expected the number of a token as key"),
    z.number().min(-100).max(100),
  ))
  .openapi({
    type: "object",
    additionalProperties: { type: "number", minimum: -100, maximum: 100 },
    description: "Token id to what is added to its logit.",
  });

/** Fields of both endpoints. */
export const commonFields = {
  model: z.string().max(256).nullish()
    .describe("The id that /v1/models shows; may be left out."),
  n: z.int().min(1).max(BOUNDS.choices).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  stop: z.union([
    z.string().min(1).max(BOUNDS.stopLength),
    z.array(z.string().min(1).max(BOUNDS.stopLength)).max(BOUNDS.stops),
  ]).nullish(),
  seed: z.number().refine(isWhole, "expected a whole number").nullish()
    .openapi({ type: ["integer", "null"] }),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: logitBias.nullish(),
  top_k: z.int().min(-1).nullish()
    .describe("Extension: only the k likeliest tokens; 0 and -1 are off."),
  min_p: z.number().min(0).max(1).nullish()
    .describe("Extension: only tokens this likely against the likeliest."),
  repetition_penalty: z.number().gt(0).max(2).nullish()
    .describe("Extension: weakens tokens seen before; 1 is off."),
  kv: z.object({
    method: z.string().max(64).nullish(),
    slots: z.int().min(1).nullish(),
    options: z.record(z.string().max(64), z.number()).nullish(),
  }).strict().nullish()
    .describe(
      "Extension: the cache that this request wants instead of the server's; /v1/models lists methods and options.",
    ),
};

const commonSchema = z.object(commonFields);

/** Values of {@link commonFields}. */
export type CommonFields = z.output<typeof commonSchema>;

/** How to draw tokens, with the neutral value for what is absent. */
export function readSampling(fields: CommonFields): SamplingOptions {
  const neutral = DEFAULT_SAMPLING;
  return Object.freeze({
    temperature: fields.temperature ?? neutral.temperature,
    topP: fields.top_p ?? neutral.topP,
    topK: Math.max(fields.top_k ?? neutral.topK, 0),
    minP: fields.min_p ?? neutral.minP,
    repetitionPenalty: fields.repetition_penalty ?? neutral.repetitionPenalty,
    presencePenalty: fields.presence_penalty ?? neutral.presencePenalty,
    frequencyPenalty: fields.frequency_penalty ?? neutral.frequencyPenalty,
    logitBias: new Map(
      Object.entries(fields.logit_bias ?? {})
        .map(([token, bias]) => [Number(token), bias]),
    ),
    seed: readSeed(fields.seed),
  });
}

/** The cache that a request asks for; nothing where it asks for none. */
export function readKv(kv: CommonFields["kv"]): { kv?: KvChoice } {
  if (!kv) return {};
  return {
    kv: Object.freeze({
      ...(kv.method && { method: kv.method }),
      ...(kv.slots && { slots: kv.slots }),
      ...(kv.options && { options: Object.freeze(kv.options) }),
    }),
  };
}

/** Any whole number, folded into 32 bits. */
function readSeed(seed: number | null | undefined): number | null {
  return seed === null || seed === undefined
    ? null
    : Number(BigInt.asUintN(32, BigInt(seed)));
}

/** Stop strings as a list. */
export function readStop(stop: CommonFields["stop"]): readonly string[] {
  return Object.freeze(typeof stop === "string" ? [stop] : [...stop ?? []]);
}

/** The parts of a {@link Call} that do not depend on the prompt. */
export function readCall(
  fields: CommonFields,
  promptParam: string,
  requests: readonly GenerateRequest[],
): Call {
  return Object.freeze({
    model: fields.model ?? null,
    promptParam,
    requests: Object.freeze(requests.map((request) => Object.freeze(request))),
    stream: fields.stream ?? false,
    includeUsage: fields.stream_options?.include_usage ?? false,
  });
}
