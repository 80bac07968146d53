import { assert, assertEquals } from "@std/assert";
import { eventStream } from "../../src/http/event_stream.ts";
import { Lifecycle, type RequestScope } from "../../src/http/lifecycle.ts";
import { ApiError, toApiError } from "../../src/openai/api_error.ts";
import { readFrames } from "../helpers/http.ts";
import { hangs, until } from "../helpers/scripted_engine.ts";

/** A stream of `make`'s values, with a record of what became of them. */
function open(
  make: (scope: RequestScope) => AsyncGenerator<unknown, void, void>,
  patience = 60,
) {
  const lifecycle = new Lifecycle();
  const scope = lifecycle.begin(60);
  const record = { ended: false, reported: [] as unknown[], drained: false };
  const values = async function* () {
    try {
      yield* make(scope);
    } finally {
      record.ended = true;
    }
  };
  const response = eventStream(values(), {
    scope,
    patience,
    toApiError: (error) =>
      toApiError(error, (unknown) => record.reported.push(unknown)),
  });
  lifecycle.drain().then(() => record.drained = true);
  return { response, scope, record };
}

async function* numbers(count: number): AsyncGenerator<number, void, void> {
  for (let i = 0; i < count; i++) yield await Promise.resolve(i);
}

const over = (record: { ended: boolean; drained: boolean }) => () =>
  record.ended && record.drained;

Deno.test("eventStream() sends values as unnamed data frames and [DONE] behind them", async () => {
  const { response, record } = open(async function* () {
    yield { a: "é\n" };
    yield await Promise.resolve([1]);
  });
  assertEquals(
    await response.text(),
    'data: {"a":"é\\n"}\n\ndata: [1]\n\ndata: [DONE]\n\n',
  );
  assertEquals(
    response.headers.get("Content-Type"),
    "text/event-stream; charset=utf-8",
  );
  assertEquals(response.headers.get("Cache-Control"), "no-cache");
  await until(over(record));
});

Deno.test("eventStream() ends with one frame for an error, without [DONE]", async () => {
  const { response, record } = open(async function* () {
    yield await Promise.resolve(1);
    throw new Error("secret");
  });
  const frames = readFrames(await response.text());
  assertEquals(frames, [
    "1",
    JSON.stringify({
      error: {
        message: "Cannot answer: an internal error occurred",
        type: "server_error",
        param: null,
        code: "internal_error",
      },
    }),
  ]);
  assertEquals(record.reported, [new Error("secret")]);
  await until(over(record));
});

Deno.test("eventStream() stops working when its reader cancels, wherever the work is", async () => {
  const hanging = async function* (scope: RequestScope) {
    yield 1;
    await hangs(scope.signal);
  };
  for (const reads of [0, 1, 2]) {
    const { response, scope, record } = open(hanging);
    const reader = response.body!.getReader();
    // The read after the first value waits for one that never comes.
    const pending = Array.from({ length: reads }, () => reader.read());
    await pending[0];
    await reader.cancel();
    await Promise.all(pending);
    await until(over(record));
    assertEquals((scope.signal.reason as ApiError).status, 499);
    assertEquals(record.reported, []);
  }
});

Deno.test("eventStream() lets go of values whose reader is slow when the scope aborts", async () => {
  const { response, scope, record } = open(() => numbers(1_000_000));
  const reader = response.body!.getReader();
  await reader.read();
  scope.abort(new ApiError(504, "over"));
  await until(over(record));
  await reader.cancel();
});

Deno.test("eventStream() tells a reader why the scope aborted", async () => {
  const { response, scope, record } = open(async function* (scope) {
    yield 1;
    await hangs(scope.signal);
  });
  const text = response.text();
  scope.abort(new ApiError(504, "over", { code: "timeout" }));
  const frames = readFrames(await text);
  assertEquals(frames[0], "1");
  assertEquals(JSON.parse(frames[1]).error.code, "timeout");
  assertEquals(frames.length, 2);
  await until(over(record));
});

Deno.test("eventStream() sends only the error where the scope has aborted before", async () => {
  const scope = new Lifecycle().begin(60);
  scope.abort(new ApiError(504, "over", { code: "timeout" }));
  const response = eventStream(numbers(0), {
    scope,
    patience: 60,
    toApiError: (error) => toApiError(error, () => {}),
  });
  const frames = readFrames(await response.text());
  assertEquals(frames.map((frame) => JSON.parse(frame).error.code), [
    "timeout",
  ]);
});

Deno.test("eventStream() works ahead of its reader by a bounded amount", async () => {
  let made = 0;
  const { response, record } = open(async function* () {
    for (;;) {
      made++;
      yield await Promise.resolve("x".repeat(1000));
    }
  });
  await until(() => made > 60);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert(made < 80, `${made} values of 1000 bytes for a buffer of 64 KiB`);
  await response.body!.cancel();
  await until(over(record));
});

Deno.test("eventStream() gives up on a reader that takes nothing for its patience", async () => {
  const { response, scope, record } = open(() => numbers(1_000_000), 0.01);
  await until(over(record));
  assertEquals((scope.signal.reason as ApiError).status, 499);
  await response.body!.cancel();
});
