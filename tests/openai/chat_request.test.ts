import { assertEquals, assertThrows } from "@std/assert";
import { DEFAULT_SAMPLING } from "../../src/engine/types.ts";
import { ApiError } from "../../src/openai/api_error.ts";
import { parseChatRequest } from "../../src/openai/chat_request.ts";

const DEFAULTS = { maxTokens: 99 };
const HELLO = { role: "user", content: "Hello" };

const parse = (fields: object) =>
  parseChatRequest({ messages: [HELLO], ...fields }, DEFAULTS);
const parseOne = (fields: object) => parse(fields).requests[0];

Deno.test("parseChatRequest() gives every field of a bare request a value", () => {
  assertEquals(parse({}), {
    model: null,
    promptParam: "messages",
    stream: false,
    includeUsage: false,
    requests: [{
      prompt: { kind: "chat", messages: [{ role: "user", content: "Hello" }] },
      maxTokens: 99,
      choices: 1,
      stop: [],
      logprobs: null,
      echo: false,
      sampling: DEFAULT_SAMPLING,
    }],
  });
});

Deno.test("parseChatRequest() takes every field over", () => {
  const call = parse({
    model: "m",
    n: 3,
    stream: true,
    stream_options: { include_usage: true },
    stop: ["a", "b"],
    max_tokens: 5,
    logprobs: true,
    top_logprobs: 2,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 40,
    min_p: 0.1,
    repetition_penalty: 1.1,
    presence_penalty: -1,
    frequency_penalty: 2,
    logit_bias: { "12": -100, "0": 1.5 },
    seed: 7,
  });
  assertEquals(call, {
    model: "m",
    promptParam: "messages",
    stream: true,
    includeUsage: true,
    requests: [{
      prompt: { kind: "chat", messages: [{ role: "user", content: "Hello" }] },
      maxTokens: 5,
      choices: 3,
      stop: ["a", "b"],
      logprobs: 2,
      echo: false,
      sampling: {
        temperature: 0.5,
        topP: 0.9,
        topK: 40,
        minP: 0.1,
        repetitionPenalty: 1.1,
        presencePenalty: -1,
        frequencyPenalty: 2,
        logitBias: new Map([[12, -100], [0, 1.5]]),
        seed: 7,
      },
    }],
  });
});

Deno.test("parseChatRequest() gives a frozen request", () => {
  const call = parse({ stop: "x" });
  const [request] = call.requests;
  const frozen = [
    call,
    call.requests,
    request,
    request.prompt,
    request.stop,
    request.sampling,
    request.prompt.kind === "chat" ? request.prompt.messages : {},
    request.prompt.kind === "chat" ? request.prompt.messages[0] : {},
  ];
  assertEquals(frozen.map((value) => Object.isFrozen(value)), [
    ...Array(8).fill(true),
  ]);
});

Deno.test("parseChatRequest() takes null as absent", () => {
  const names = [
    "model n stream stream_options stop max_tokens max_completion_tokens",
    "logprobs top_logprobs temperature top_p top_k min_p seed tools",
    "repetition_penalty presence_penalty frequency_penalty logit_bias",
    "response_format tool_choice functions audio modalities",
  ].join(" ").split(" ");
  const nulls = Object.fromEntries(names.map((name) => [name, null]));
  assertEquals(parse(nulls), parse({}));
});

Deno.test("parseChatRequest() reads roles and forms of content", () => {
  const { prompt } = parseOne({
    messages: [
      { role: "system", content: "a" },
      { role: "developer", content: "b" },
      {
        role: "user",
        content: [{ type: "text", text: "c" }, { type: "text", text: "d" }],
        name: "ann",
      },
      { role: "assistant", content: null, tool_calls: [] },
      { role: "tool", content: "e", tool_call_id: "1" },
      { role: "assistant" },
    ],
  });
  assertEquals(prompt, {
    kind: "chat",
    messages: [
      { role: "system", content: "a" },
      { role: "system", content: "b" },
      { role: "user", content: "c\nd", name: "ann" },
      { role: "assistant", content: "" },
      { role: "tool", content: "e" },
      { role: "assistant", content: "" },
    ],
  });
});

Deno.test("parseChatRequest() prefers max_completion_tokens to max_tokens", () => {
  assertEquals(
    parseOne({ max_tokens: 5, max_completion_tokens: 6 }).maxTokens,
    6,
  );
});

Deno.test("parseChatRequest() folds any whole seed into 32 bits", () => {
  const seeds = [0, 4294967295, 4294967296, -1, 1e300, 9007199254740993];
  assertEquals(
    seeds.map((seed) => parseOne({ seed }).sampling.seed),
    [0, 4294967295, 0, 4294967295, 0, 0],
  );
});

Deno.test("parseChatRequest() wants top_logprobs only with logprobs", () => {
  assertEquals(parseOne({ logprobs: true }).logprobs, 0);
  assertEquals(parseOne({ logprobs: false }).logprobs, null);
});

Deno.test("parseChatRequest() ignores what changes nothing", () => {
  const fields = {
    user: "u",
    metadata: { a: "b" },
    store: true,
    service_tier: "auto",
    safety_identifier: "s",
    prompt_cache_key: "k",
    parallel_tool_calls: true,
    prediction: { type: "content", content: "x" },
    reasoning_effort: "low",
    tools: [],
    tool_choice: "none",
    functions: [],
    function_call: "auto",
    response_format: { type: "text" },
    modalities: ["text"],
    verbosity: "medium",
    some_future_field: [1, 2],
  };
  assertEquals(parse(fields), parse({}));
});

const REFUSED: [fields: object, param: string | null, code: string][] = [
  [{ messages: undefined }, "messages", "missing_required_parameter"],
  [{ messages: "Hello" }, "messages", "invalid_type"],
  [{ messages: [] }, "messages", "invalid_value"],
  [{ messages: Array(8193).fill(HELLO) }, "messages", "invalid_value"],
  [{ messages: [HELLO, 1] }, "messages[1]", "invalid_type"],
  [
    { messages: [{ role: "robot", content: "" }] },
    "messages[0].role",
    "invalid_value",
  ],
  [
    { messages: [{ content: "" }] },
    "messages[0].role",
    "invalid_value",
  ],
  [
    { messages: [{ role: "user" }] },
    "messages[0].content",
    "missing_required_parameter",
  ],
  [
    { messages: [{ role: "system", content: null }] },
    "messages[0].content",
    "missing_required_parameter",
  ],
  [
    { messages: [{ role: "user", content: 5 }] },
    "messages[0].content",
    "invalid_type",
  ],
  [
    { messages: [{ role: "user", content: [] }] },
    "messages[0].content",
    "invalid_value",
  ],
  [
    {
      messages: [{
        role: "user",
        content: [{ type: "text", text: "a" }, {
          type: "image_url",
          image_url: { url: "http://example.org" },
        }],
      }],
    },
    "messages[0].content[1].type",
    "invalid_value",
  ],
  [
    { messages: [{ role: "assistant", tool_calls: [{}] }] },
    "messages[0].tool_calls",
    "unsupported_parameter",
  ],
  [{ max_tokens: 0 }, "max_tokens", "invalid_value"],
  [{ max_tokens: 1.5 }, "max_tokens", "invalid_type"],
  [{ max_tokens: "5" }, "max_tokens", "invalid_type"],
  [{ max_completion_tokens: 0 }, "max_completion_tokens", "invalid_value"],
  [{ temperature: -0.1 }, "temperature", "invalid_value"],
  [{ temperature: 2.1 }, "temperature", "invalid_value"],
  [{ temperature: "hot" }, "temperature", "invalid_type"],
  [{ top_p: 0 }, "top_p", "invalid_value"],
  [{ top_p: 1.1 }, "top_p", "invalid_value"],
  [{ top_k: -2 }, "top_k", "invalid_value"],
  [{ min_p: 1.1 }, "min_p", "invalid_value"],
  [{ repetition_penalty: 0 }, "repetition_penalty", "invalid_value"],
  [{ presence_penalty: 2.1 }, "presence_penalty", "invalid_value"],
  [{ frequency_penalty: -2.1 }, "frequency_penalty", "invalid_value"],
  [{ n: 0 }, "n", "invalid_value"],
  [{ n: 17 }, "n", "invalid_value"],
  [{ stop: "" }, "stop", "invalid_value"],
  [{ stop: ["a", ""] }, "stop[1]", "invalid_value"],
  [{ stop: ["a", 1] }, "stop[1]", "invalid_type"],
  [{ stop: Array(17).fill("a") }, "stop", "invalid_type"],
  [{ stop: "a".repeat(513) }, "stop", "invalid_value"],
  [{ stream: "yes" }, "stream", "invalid_type"],
  [
    { stream_options: { include_usage: 1 } },
    "stream_options.include_usage",
    "invalid_type",
  ],
  [{ seed: 1.5 }, "seed", "invalid_value"],
  [{ seed: "1" }, "seed", "invalid_type"],
  [{ logprobs: 3 }, "logprobs", "invalid_type"],
  [{ top_logprobs: 2 }, "top_logprobs", "invalid_value"],
  [{ logprobs: true, top_logprobs: 21 }, "top_logprobs", "invalid_value"],
  [{ logit_bias: { "1": 101 } }, "logit_bias.1", "invalid_value"],
  [{ logit_bias: { "1": "x" } }, "logit_bias.1", "invalid_type"],
  [{ logit_bias: { hello: 1 } }, "logit_bias.hello", "invalid_value"],
  [{ logit_bias: [1] }, "logit_bias", "invalid_type"],
  [
    { logit_bias: Object.fromEntries(Array(1025).keys().map((k) => [k, 1])) },
    "logit_bias",
    "invalid_value",
  ],
  [{ model: 5 }, "model", "invalid_type"],
  [{ tools: [{}] }, "tools", "unsupported_parameter"],
  [{ tool_choice: "required" }, "tool_choice", "unsupported_parameter"],
  [{ functions: [{}] }, "functions", "unsupported_parameter"],
  [{ function_call: { name: "f" } }, "function_call", "unsupported_parameter"],
  [
    { response_format: { type: "json_object" } },
    "response_format",
    "unsupported_parameter",
  ],
  [{ response_format: "text" }, "response_format", "unsupported_parameter"],
  [{ modalities: ["text", "audio"] }, "modalities", "unsupported_parameter"],
  [{ audio: { voice: "x" } }, "audio", "unsupported_parameter"],
  [{ web_search_options: {} }, "web_search_options", "unsupported_parameter"],
  [{ verbosity: "high" }, "verbosity", "unsupported_parameter"],
];

for (const [fields, param, code] of REFUSED) {
  const shown = JSON.stringify(fields).slice(0, 60);
  Deno.test(`parseChatRequest() refuses ${shown} as ${code} of ${param}`, () => {
    const { status, details } = assertThrows(
      () => parse(fields),
      ApiError,
      `Cannot take ${param}: `,
    );
    assertEquals([status, details.param, details.code], [400, param, code]);
  });
}

for (const body of [null, 1, "text", [], true]) {
  Deno.test(`parseChatRequest() refuses ${JSON.stringify(body)} as a body`, () => {
    const { status, details } = assertThrows(
      () => parseChatRequest(body, DEFAULTS),
      ApiError,
      "Cannot take the body: expected object, received",
    );
    assertEquals([status, details.param], [400, undefined]);
  });
}

Deno.test("parseChatRequest() says what is wrong in words", () => {
  const messages: [object, string][] = [
    [{ temperature: 3 }, "Cannot take temperature: expected number to be <=2"],
    [{ n: "1" }, "Cannot take n: expected number, received string"],
    [{ messages: undefined }, "Cannot take messages: it is missing"],
    [
      { logit_bias: { a: 1 } },
      "Cannot take logit_bias.a: expected the number of a token as key",
    ],
    [{ seed: 0.5 }, "Cannot take seed: expected a whole number"],
    [{ tools: [1] }, "Cannot take tools: this server does not support it"],
  ];
  for (const [fields, message] of messages) {
    assertEquals(assertThrows(() => parse(fields)).message, message);
  }
});
