/**
 * What only the loaded model can tell about a request.
 *
 * @module
 */
import type { Engine, GenerateRequest, KvChoice } from "../engine/types.ts";
import { ApiError, badParameter } from "./api_error.ts";
import type { Call } from "./request_fields.ts";

/**
 * Checks the model's name, all token ids and the cache of a call.
 *
 * @throws {ApiError} With status 404 for another model, 400 for a token id
 * that is not in the vocabulary, or a cache that cannot be had.
 */
export function checkCall(call: Call, engine: Engine): void {
  if (call.model !== null) checkModel(call.model, engine);
  for (const request of call.requests) {
    checkTokens(request, engine);
    if (request.kv) checkKv(request.kv, engine);
  }
}

function checkKv(choice: KvChoice, engine: Engine): void {
  try {
    engine.checkKv(choice);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ApiError(400, error.message, {
      param: "kv",
      code: "invalid_value",
    });
  }
}

/** @throws {ApiError} With status 404 if `model` is not the one loaded. */
export function checkModel(model: string, engine: Engine): void {
  const { id } = engine.info;
  if (model === id) return;
  const message = `Cannot find the model '${model}': this server has '${id}'`;
  const code = "model_not_found";
  throw new ApiError(404, message, { param: "model", code });
}

function checkTokens({ prompt, sampling }: GenerateRequest, engine: Engine) {
  for (const id of sampling.logitBias.keys()) {
    checkToken(id, "logit_bias", engine);
  }
  if (prompt.kind !== "tokens") return;
  for (const id of prompt.tokens) checkToken(id, "prompt", engine);
}

function checkToken(id: number, param: string, engine: Engine): void {
  try {
    engine.tokenBytes(id);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw badParameter(param, `${id} is no token of the model`);
  }
}
