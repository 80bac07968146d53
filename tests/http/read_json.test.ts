import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { DEFAULT_LIMITS } from "../../src/http/limits.ts";
import { readJson } from "../../src/http/read_json.ts";
import { ApiError } from "../../src/openai/api_error.ts";

const never = new AbortController().signal;
const LIMITS = { ...DEFAULT_LIMITS, bodyLimit: 100 };

function request(
  body: BodyInit | null,
  headers: Record<string, string> = {},
): Request {
  return new Request("http://x/", { method: "POST", body, headers });
}

/** A body that gives `chunks`, then neither goes on nor ends. */
function stalling(chunks: readonly string[]) {
  const state = { cancelled: false };
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
    },
    cancel() {
      state.cancelled = true;
    },
  });
  return { state, request: request(body) };
}

const refusal = async (
  body: BodyInit | null,
  headers?: Record<string, string>,
) => {
  const { status, details, message } = await assertRejects(
    () => readJson(request(body, headers), LIMITS, never),
    ApiError,
  );
  return [status, details.code, message];
};

Deno.test("readJson() reads JSON under any content type", async () => {
  const types = ["application/json", "text/plain", "text/html; charset=x"];
  for (const type of types) {
    const json = request('{"a":"é"}', { "Content-Type": type });
    assertEquals(await readJson(json, LIMITS, never), { a: "é" });
  }
});

Deno.test("readJson() joins a body that comes in pieces within a character", async () => {
  const bytes = new TextEncoder().encode('{"a":"🙂"}');
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
      controller.close();
    },
  });
  assertEquals(await readJson(request(body), LIMITS, never), { a: "🙂" });
});

Deno.test("readJson() refuses what is not JSON with 400", async () => {
  const cases = ["", "{", "undefined", '{"a":1}x', "[".repeat(99)];
  for (const body of cases) {
    const [status, code] = await refusal(body);
    assertEquals([status, code], [400, "invalid_json"], body);
  }
  assertEquals(await refusal(null), [
    400,
    "invalid_json",
    "Cannot read the body as JSON: Unexpected end of JSON input",
  ]);
});

Deno.test("readJson() refuses what is not UTF-8 with 400", async () => {
  assertEquals(await refusal(Uint8Array.of(0x22, 0xff, 0x22)), [
    400,
    "invalid_json",
    "Cannot read the body as JSON: it is not UTF-8",
  ]);
});

Deno.test("readJson() takes a body of exactly the limit", async () => {
  const body = `"${"a".repeat(98)}"`;
  assertEquals(await readJson(request(body), LIMITS, never), "a".repeat(98));
});

Deno.test("readJson() refuses a body that is announced too large, without reading it", async () => {
  const { state, request: stalled } = stalling([]);
  stalled.headers.set("Content-Length", "101");
  const error = await assertRejects(
    () => readJson(stalled, LIMITS, never),
    ApiError,
    "Cannot take the body: it has more than 100 bytes",
  );
  assertEquals([error.status, error.details.code], [413, "body_too_large"]);
  assertEquals([stalled.bodyUsed, state.cancelled], [false, false]);
});

Deno.test("readJson() stops reading once a body of unknown size is too large", async () => {
  const { state, request: endless } = stalling([
    "a".repeat(60),
    "b".repeat(60),
  ]);
  const error = await assertRejects(
    () => readJson(endless, LIMITS, never),
    ApiError,
  );
  assertEquals(error.status, 413);
  assertEquals(state.cancelled, true);
});

Deno.test("readJson() gives up with 408 on a client that stops sending", async () => {
  const { state, request: stalled } = stalling(['{"a":']);
  const limits = { ...LIMITS, patience: 0.01 };
  const error = await assertRejects(
    () => readJson(stalled, limits, never),
    ApiError,
    "Cannot read the body: nothing came for 0.01 s",
  );
  assertEquals([error.status, error.details.code], [408, "request_timeout"]);
  assertEquals(state.cancelled, true);
});

Deno.test("readJson() throws the signal's reason when it aborts", async () => {
  const reason = new ApiError(504, "over");
  const leaving = new AbortController();
  const { request: stalled } = stalling(['{"a":']);
  const reading = readJson(stalled, LIMITS, leaving.signal);
  leaving.abort(reason);
  assertStrictEquals(await assertRejects(() => reading), reason);
  const { request: late } = stalling([]);
  assertStrictEquals(
    await assertRejects(() => readJson(late, LIMITS, leaving.signal)),
    reason,
  );
});

Deno.test("readJson() refuses a body that breaks off with 400", async () => {
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new TypeError("connection lost"));
    },
  });
  const [status, code] = await refusal(body);
  assertEquals([status, code], [400, "incomplete_body"]);
});
