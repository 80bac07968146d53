import { assertEquals, assertThrows } from "@std/assert";
import { DEFAULT_SAMPLING } from "../../src/engine/types.ts";
import { ApiError } from "../../src/openai/api_error.ts";
import { parseCompletionRequest } from "../../src/openai/completion_request.ts";

const parse = (fields: object) =>
  parseCompletionRequest({ prompt: "Once", ...fields }, { maxTokens: 99 });

Deno.test("parseCompletionRequest() gives every field of a bare request a value", () => {
  assertEquals(parse({}), {
    model: null,
    promptParam: "prompt",
    stream: false,
    includeUsage: false,
    requests: [{
      prompt: { kind: "text", text: "Once" },
      maxTokens: 99,
      choices: 1,
      stop: [],
      logprobs: null,
      echo: false,
      sampling: DEFAULT_SAMPLING,
    }],
  });
});

const PROMPTS: [form: string, prompt: unknown, prompts: unknown[]][] = [
  ["a string", "a", [{ kind: "text", text: "a" }]],
  ["an empty string", "", [{ kind: "text", text: "" }]],
  ["strings", ["a", "b"], [
    { kind: "text", text: "a" },
    { kind: "text", text: "b" },
  ]],
  ["token ids", [0, 5], [{ kind: "tokens", tokens: [0, 5] }]],
  ["lists of token ids", [[1], [2, 3]], [
    { kind: "tokens", tokens: [1] },
    { kind: "tokens", tokens: [2, 3] },
  ]],
  ["both", ["a", [2]], [
    { kind: "text", text: "a" },
    { kind: "tokens", tokens: [2] },
  ]],
];

for (const [form, prompt, expected] of PROMPTS) {
  Deno.test(`parseCompletionRequest() reads ${form} as prompt`, () => {
    const prompts: unknown[] = parse({ prompt }).requests.map((request) =>
      request.prompt
    );
    assertEquals(prompts, expected);
  });
}

Deno.test("parseCompletionRequest() gives all prompts of a call the same options, frozen", () => {
  const { requests } = parse({
    prompt: ["a", "b"],
    n: 2,
    max_tokens: 0,
    echo: true,
    logprobs: 3,
    stop: "x",
    best_of: 2,
    suffix: "",
  });
  for (const request of requests) {
    const { choices, maxTokens, echo, logprobs, stop } = request;
    assertEquals({ choices, maxTokens, echo, logprobs, stop }, {
      choices: 2,
      maxTokens: 0,
      echo: true,
      logprobs: 3,
      stop: ["x"],
    });
    assertEquals(Object.isFrozen(request), true);
    assertEquals(Object.isFrozen(request.prompt), true);
  }
});

Deno.test("parseCompletionRequest() refuses a million wrong tokens at the first", () => {
  const prompt = Array(1_000_000).fill("x");
  prompt[0] = 1;
  assertThrows(() => parse({ prompt }), ApiError, "Cannot take prompt[1]: ");
});

const REFUSED: [fields: object, param: string, code: string][] = [
  [{ prompt: undefined }, "prompt", "missing_required_parameter"],
  [{ prompt: null }, "prompt", "missing_required_parameter"],
  [{ prompt: 5 }, "prompt", "invalid_type"],
  [{ prompt: {} }, "prompt", "invalid_type"],
  [{ prompt: [] }, "prompt", "invalid_value"],
  [{ prompt: [[]] }, "prompt[0]", "invalid_value"],
  [{ prompt: [1, "a"] }, "prompt[1]", "invalid_type"],
  [{ prompt: [1.5] }, "prompt[0]", "invalid_type"],
  [{ prompt: [-1] }, "prompt[0]", "invalid_type"],
  [{ prompt: ["a", 1] }, "prompt[1]", "invalid_type"],
  [{ prompt: [[1, null]] }, "prompt[0][1]", "invalid_type"],
  [{ prompt: Array(129).fill("a") }, "prompt", "invalid_value"],
  [{ max_tokens: -1 }, "max_tokens", "invalid_value"],
  [{ max_tokens: 0 }, "max_tokens", "invalid_value"],
  [{ logprobs: 21 }, "logprobs", "invalid_value"],
  [{ logprobs: true }, "logprobs", "invalid_type"],
  [{ echo: 1 }, "echo", "invalid_type"],
  [{ n: 2, best_of: 3 }, "best_of", "unsupported_parameter"],
  [{ suffix: "end" }, "suffix", "unsupported_parameter"],
  [{ temperature: 3 }, "temperature", "invalid_value"],
];

for (const [fields, param, code] of REFUSED) {
  const shown = JSON.stringify(fields).slice(0, 60);
  Deno.test(`parseCompletionRequest() refuses ${shown} as ${code} of ${param}`, () => {
    const { status, details } = assertThrows(
      () => parse(fields),
      ApiError,
      `Cannot take ${param}: `,
    );
    assertEquals([status, details.param, details.code], [400, param, code]);
  });
}

Deno.test("parseCompletionRequest() takes the cache that a request wants", () => {
  const kv = { method: "h2o", slots: 64, options: { decay: 0.5 } };
  assertEquals(parse({ kv }).requests[0].kv, kv);
  assertEquals(parse({ kv: { slots: 64, method: null } }).requests[0].kv, {
    slots: 64,
  });
  assertEquals("kv" in parse({ kv: null }).requests[0], false);
  const bad: [unknown, string][] = [
    [3, "kv"],
    [{ slots: 0 }, "kv.slots"],
    [{ slots: 1.5 }, "kv.slots"],
    [{ method: 1 }, "kv.method"],
    [{ options: { decay: "x" } }, "kv.options.decay"],
    [{ sinks: 3 }, "kv"],
  ];
  for (const [value, param] of bad) {
    const error = assertThrows(() => parse({ kv: value }), ApiError);
    assertEquals(error.status, 400);
    assertEquals(error.details.param, param);
  }
});
