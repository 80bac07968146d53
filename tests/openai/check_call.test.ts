import { assertEquals, assertThrows } from "@std/assert";
import { ApiError } from "../../src/openai/api_error.ts";
import { checkCall } from "../../src/openai/check_call.ts";
import { parseCompletionRequest } from "../../src/openai/completion_request.ts";
import { says, ScriptedEngine } from "../helpers/scripted_engine.ts";

const engine = new ScriptedEngine(says([]));
const check = (fields: object) =>
  checkCall(
    parseCompletionRequest({ prompt: "a", ...fields }, { maxTokens: 9 }),
    engine,
  );

Deno.test("checkCall() takes the model's name or none, and its tokens", () => {
  check({});
  check({ model: "scripted", prompt: [0, 255], logit_bias: { "255": 1 } });
});

Deno.test("checkCall() refuses another model with 404 and names the one that is there", () => {
  const { status, message, details } = assertThrows(
    () => check({ model: "gpt-4o" }),
    ApiError,
  );
  assertEquals(status, 404);
  assertEquals(
    message,
    "Cannot find the model 'gpt-4o': this server has 'scripted'",
  );
  assertEquals([details.param, details.code], ["model", "model_not_found"]);
});

Deno.test("checkCall() refuses tokens that the model does not have", () => {
  const cases: [object, string][] = [
    [{ prompt: [1, 256] }, "prompt"],
    [{ prompt: [[1], [999_999]] }, "prompt"],
    [{ logit_bias: { "256": 1 } }, "logit_bias"],
  ];
  for (const [fields, param] of cases) {
    const { status, details } = assertThrows(() => check(fields), ApiError);
    assertEquals([status, details.param], [400, param]);
  }
});
