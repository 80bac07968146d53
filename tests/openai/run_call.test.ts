import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { ContextLengthError, QueueFullError } from "../../src/engine/errors.ts";
import type { GenerateEvent } from "../../src/engine/types.ts";
import { ApiError } from "../../src/openai/api_error.ts";
import { parseCompletionRequest } from "../../src/openai/completion_request.ts";
import { runCall, started } from "../../src/openai/run_call.ts";
import {
  hangsInDecode,
  says,
  type Script,
  SCRIPTED_KV,
  ScriptedEngine,
} from "../helpers/scripted_engine.ts";
import { fromList } from "../helpers/from_list.ts";

const never = new AbortController().signal;
const callOf = (fields: object) =>
  parseCompletionRequest({ prompt: "a", ...fields }, { maxTokens: 9 });
const run = (script: Script, fields: object = {}) =>
  Array.fromAsync(runCall(new ScriptedEngine(script), callOf(fields), never));

Deno.test("runCall() gives the events of a single request as they are", async () => {
  const events = await run(says(["x"]));
  assertEquals(events, [
    { type: "start", promptTokens: 7 },
    { type: "text", choice: 0, text: "x", tokens: [] },
    { type: "finish", choice: 0, reason: "stop" },
    {
      type: "done",
      usage: {
        promptTokens: 7,
        cachedTokens: 0,
        completionTokens: 1,
        kv: SCRIPTED_KV,
      },
    },
  ]);
});

Deno.test("runCall() numbers the choices of several prompts through", async () => {
  const events = await run(says(["x"]), { prompt: ["a", "b", "c"], n: 2 });
  const finished = events.filter(({ type }) => type === "finish")
    .map((event) => (event as GenerateEvent & { choice: number }).choice);
  assertEquals(finished, [0, 1, 2, 3, 4, 5]);
  assertEquals(events.filter(({ type }) => type === "start").length, 1);
});

Deno.test("runCall() adds up the usage of several prompts", async () => {
  const events = await run(says(["x"]), { prompt: ["a", "b"] });
  assertEquals(events.at(-1), {
    type: "done",
    usage: {
      promptTokens: 14,
      cachedTokens: 0,
      completionTokens: 2,
      kv: {
        ...SCRIPTED_KV,
        seen: 18,
        resident: 12,
        fused: 2,
        evicted: 4,
      },
    },
  });
});

Deno.test("runCall() gives each prompt a turn of its own, in order", async () => {
  const engine = new ScriptedEngine(says(["x"]));
  const call = callOf({ prompt: ["a", "b"] });
  const turns: number[] = [];
  for await (const event of runCall(engine, call, never)) {
    if (event.type === "finish") turns.push(engine.load.running);
  }
  assertEquals(turns, [1, 1]);
  assertEquals(engine.requests.map(({ prompt }) => prompt), [
    { kind: "text", text: "a" },
    { kind: "text", text: "b" },
  ]);
});

Deno.test("runCall() turns the engine's refusal of a prompt into a 400 that names it", async () => {
  const refusals: [Error, string][] = [
    [
      new RangeError("Cannot complete the prompt: it is empty"),
      "invalid_value",
    ],
    [new ContextLengthError(900, 512), "context_length_exceeded"],
  ];
  for (const [refusal, code] of refusals) {
    const script: Script = (request, signal) => {
      const { prompt } = request;
      if (prompt.kind === "text" && prompt.text === "bad") throw refusal;
      return says(["x"])(request, signal);
    };
    const cases = [["bad", "prompt"], [["a", "bad"], "prompt[1]"]] as const;
    for (const [prompt, param] of cases) {
      const { status, message, details } = await assertRejects(
        () => run(script, { prompt }),
        ApiError,
      );
      assertEquals(
        [status, message, details.code, details.param],
        [400, refusal.message, code, param],
      );
    }
  }
});

Deno.test("runCall() leaves errors after the first event as they are", async () => {
  const broken = new RangeError("Invalid array length");
  const script: Script = function* () {
    yield { type: "start", promptTokens: 1 };
    throw broken;
  };
  assertStrictEquals(await assertRejects(() => run(script)), broken);
});

Deno.test("runCall() passes on that the queue is full", async () => {
  const engine = new ScriptedEngine(hangsInDecode, { queue: 0 });
  const first = engine.generate(callOf({}).requests[0], never);
  await first.next();
  await assertRejects(
    () => Array.fromAsync(runCall(engine, callOf({}), never)),
    QueueFullError,
  );
  await first.return();
});

Deno.test("runCall() frees the engine when its reader leaves between events", async () => {
  const engine = new ScriptedEngine(says(["x", "y"]));
  const events = await started(runCall(engine, callOf({}), never));
  await events.next();
  assertEquals(engine.load.running, 1);
  await events.return?.();
  assertEquals(engine.load.running, 0);
});

Deno.test("started() gives all events and throws what comes before the first", async () => {
  const events = await started(fromList([1, 2, 3]));
  assertEquals(await Array.fromAsync(events), [1, 2, 3]);
  assertEquals(await Array.fromAsync(await started(fromList([]))), []);
  const failing = async function* (): AsyncGenerator<number, void, void> {
    await Promise.reject(new TypeError("early"));
    yield 1;
  };
  await assertRejects(() => started(failing()), TypeError, "early");
});

Deno.test("started() returns the generator of a reader that leaves before the first event", async () => {
  let ended = false;
  const source = async function* (): AsyncGenerator<number, void, void> {
    try {
      yield 1;
      yield await Promise.resolve(2);
    } finally {
      ended = true;
    }
  };
  const events = await started(source());
  await events.return?.();
  assertEquals(ended, true);
});
