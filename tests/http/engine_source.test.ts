import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import type { Engine } from "../../src/engine/types.ts";
import { engineSource } from "../../src/http/engine_source.ts";
import { ApiError } from "../../src/openai/api_error.ts";
import { says, ScriptedEngine } from "../helpers/scripted_engine.ts";

const engine = new ScriptedEngine(says([]));
const unexpected = (error: unknown) => {
  throw error;
};

Deno.test("engineSource() gives an engine that is there", async () => {
  assertStrictEquals(await engineSource(engine, unexpected)(), engine);
});

Deno.test("engineSource() refuses at once while a promise is pending", async () => {
  const loading = Promise.withResolvers<Engine>();
  const source = engineSource(loading.promise, unexpected);
  const { status, details, message } = await assertRejects(source, ApiError);
  assertEquals([status, details.code], [503, "model_loading"]);
  assertEquals(details.headers, { "Retry-After": "5" });
  assertEquals(message, "Cannot answer yet: the model is loading");
  loading.resolve(engine);
  await loading.promise;
  assertStrictEquals(await source(), engine);
});

Deno.test("engineSource() goes on refusing when the promise failed, and does not tell why", async () => {
  const loading = Promise.reject(new Error("secret path"));
  const source = engineSource(loading, unexpected);
  await loading.catch(() => {});
  for (let i = 0; i < 2; i++) {
    const { status, details, message } = await assertRejects(source, ApiError);
    assertEquals([status, details.code], [503, "model_failed"]);
    assertEquals(message, "Cannot answer: the model failed to load");
  }
});

Deno.test("engineSource() calls a function once, when it is first needed", async () => {
  let calls = 0;
  const source = engineSource(() => {
    calls++;
    return Promise.resolve(engine);
  }, unexpected);
  assertEquals(calls, 0);
  assertEquals(await Promise.all([source(), source()]), [engine, engine]);
  assertStrictEquals(await source(), engine);
  assertEquals(calls, 1);
});

Deno.test("engineSource() calls a function again after it failed, and reports the failure", async () => {
  const failure = new Error("no network");
  const reported: unknown[] = [];
  let calls = 0;
  const source = engineSource(
    () => ++calls === 1 ? Promise.reject(failure) : Promise.resolve(engine),
    (error) => reported.push(error),
  );
  assertEquals((await assertRejects(source, ApiError)).status, 503);
  assertEquals(reported, [failure]);
  assertStrictEquals(await source(), engine);
});
