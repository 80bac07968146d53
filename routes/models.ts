/**
 * `GET /v1/models` and `GET /v1/models/{model}`
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { checkModel } from "../src/openai/check_call.ts";
import { formatModel, Model, ModelList } from "../src/openai/models.ts";
import type { Endpoint } from "./endpoint.ts";
import { answers, refusals } from "./openapi.ts";

/** Lists the model. */
export const models: Endpoint = {
  definition: createRoute({
    method: "get",
    path: "/v1/models",
    summary: "List the model",
    responses: { 200: answers(ModelList), ...refusals(503) },
  }),
  handler: ({ engine }) => async (c) => {
    const { info } = await engine();
    return c.json({ object: "list", data: [formatModel(info)] });
  },
};

/** Shows the model. */
export const model: Endpoint = {
  definition: createRoute({
    method: "get",
    path: "/v1/models/{model}",
    summary: "Show the model",
    request: { params: z.object({ model: z.string() }) },
    responses: { 200: answers(Model), ...refusals(404, 503) },
  }),
  handler: ({ engine }) => async (c) => {
    const loaded = await engine();
    checkModel(c.req.param("model") ?? "", loaded);
    return c.json(formatModel(loaded.info));
  },
};
