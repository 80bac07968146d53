/**
 * Models as `/v1/models` shows them.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { ModelInfo } from "../engine/types.ts";

/** One model; the last six fields are extensions. */
export const Model = z.object({
  id: z.string(),
  object: z.literal("model"),
  created: z.int().describe("Unix seconds."),
  owned_by: z.string(),
  context_length: z.int().describe("Tokens that it was trained to see."),
  method: z.string().describe("How its cache is kept to its size."),
  slots: z.number().describe("Slots of each layer and head."),
  runtime: z.string(),
  learned: z.string().nullable().describe(
    "File of the model's learned parts, if there is one.",
  ),
  methods: z.array(z.object({
    name: z.string(),
    summary: z.string(),
    paper: z.string().nullable(),
    learned: z.enum(["used", "missing", "none"]).describe(
      "Whether it uses learned parts of the model, does without for want of them, or knows none.",
    ),
    options: z.record(
      z.string(),
      z.object({
        summary: z.string(),
        fallback: z.number().nullable(),
        least: z.number(),
        most: z.number(),
        kind: z.enum(["whole", "odd"]).optional(),
      }),
    ),
  })).describe("What a request can choose with `kv`."),
}).openapi("Model");

/** All models, of which there is one. */
export const ModelList = z.object({
  object: z.literal("list"),
  data: z.array(Model),
}).openapi("ModelList");

export function formatModel(info: ModelInfo): z.output<typeof Model> {
  return {
    id: info.id,
    object: "model",
    created: info.created,
    owned_by: "locoloop",
    context_length: info.contextLength,
    method: info.method,
    slots: info.slots,
    runtime: info.runtime,
    learned: info.learned,
    methods: info.methods.map((method) => ({ ...method })),
  };
}
