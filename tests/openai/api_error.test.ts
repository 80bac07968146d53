import { assertEquals, assertStrictEquals } from "@std/assert";
import {
  ContextLengthError,
  DeviceLostError,
  QueueFullError,
} from "../../src/engine/errors.ts";
import {
  ApiError,
  promptError,
  toApiError,
  unavailable,
} from "../../src/openai/api_error.ts";
import { ErrorSchema } from "../../src/openai/error_schema.ts";

const silent = (error: unknown) => {
  throw error;
};

Deno.test("ApiError.response() has status, headers and the one shape", async () => {
  const error = new ApiError(405, "Cannot do that: no", {
    param: "p",
    code: "c",
    headers: { Allow: "GET" },
  });
  const response = error.response();
  assertEquals([response.status, response.headers.get("Allow")], [405, "GET"]);
  const body = await response.json();
  assertEquals(body, {
    error: {
      message: "Cannot do that: no",
      type: "invalid_request_error",
      param: "p",
      code: "c",
    },
  });
  assertEquals(ErrorSchema.strict().parse(body), body);
});

Deno.test("ApiError.body() blames the server from 500, and has null for what is unknown", () => {
  assertEquals(new ApiError(500, "m").body(), {
    error: { message: "m", type: "server_error", param: null, code: null },
  });
});

Deno.test("toApiError() gives a full queue 503 with Retry-After", () => {
  const { status, message, details } = toApiError(
    new QueueFullError(16, 7),
    silent,
  );
  assertEquals([status, details.code, details.headers], [503, "queue_full", {
    "Retry-After": "7",
  }]);
  assertEquals(message, "Cannot queue the request: 16 are waiting already");
});

Deno.test("toApiError() gives a lost device 503 with Retry-After, and reports why", () => {
  const lost = new DeviceLostError("the driver said no");
  const reported: unknown[] = [];
  const error = toApiError(lost, (error) => reported.push(error));
  assertEquals(reported, [lost]);
  assertEquals([error.status, error.details.code, error.details.headers], [
    503,
    "device_lost",
    { "Retry-After": "2" },
  ]);
  assertEquals(
    error.message,
    "Cannot answer: the device that ran the model was lost",
  );
});

Deno.test("toApiError() keeps its own errors", () => {
  const error = unavailable("c", "m", 3);
  assertStrictEquals(toApiError(error, silent), error);
});

Deno.test("toApiError() reports what nobody expected and tells the client nothing of it", () => {
  for (const thrown of [new Error("secret path"), "secret", undefined]) {
    const reported: unknown[] = [];
    const error = toApiError(thrown, (error) => reported.push(error));
    assertEquals(reported, [thrown]);
    assertEquals(error.status, 500);
    assertEquals(error.body().error, {
      message: "Cannot answer: an internal error occurred",
      type: "server_error",
      param: null,
      code: "internal_error",
    });
  }
});

Deno.test("promptError() makes 400 of a refusal, with the counts of a prompt that is too long", () => {
  const error = promptError(new ContextLengthError(900, 512), "messages");
  assertEquals((error as ApiError).body().error, {
    message: "Cannot take the prompt: it has 900 tokens and the cache, " +
      "which evicts nothing under this method, holds 512",
    type: "invalid_request_error",
    param: "messages",
    code: "context_length_exceeded",
  });
  const broken = new TypeError("x");
  assertStrictEquals(promptError(broken, "messages"), broken);
});
