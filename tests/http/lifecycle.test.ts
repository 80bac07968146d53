import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { clientGone, Lifecycle } from "../../src/http/lifecycle.ts";
import { ApiError } from "../../src/openai/api_error.ts";

/** Whether `promise` has resolved once everything that is ready has run. */
async function isResolved(promise: Promise<void>): Promise<boolean> {
  let resolved = false;
  promise.then(() => resolved = true);
  await new Promise((resolve) => setTimeout(resolve, 0));
  return resolved;
}

Deno.test("Lifecycle.drain() takes nothing new and waits for what is under way", async () => {
  const lifecycle = new Lifecycle();
  lifecycle.admit();
  const [first, second] = [lifecycle.begin(60), lifecycle.begin(60)];
  const drained = lifecycle.drain();
  const { status, details } = assertThrows(() => lifecycle.admit(), ApiError);
  assertEquals([status, details.code], [503, "shutting_down"]);
  assertEquals(details.headers, { "Retry-After": "10" });
  first.end();
  first.end();
  assertEquals(await isResolved(drained), false);
  assertEquals(second.signal.aborted, false);
  second.end();
  assertEquals(await isResolved(drained), true);
});

Deno.test("Lifecycle.drain() is done at once where nothing is under way", async () => {
  const lifecycle = new Lifecycle();
  lifecycle.begin(60).end();
  assertEquals(await isResolved(lifecycle.drain()), true);
});

Deno.test("Lifecycle.stop() aborts all that is under way with 503", async () => {
  const lifecycle = new Lifecycle();
  const scopes = [lifecycle.begin(60), lifecycle.begin(60)];
  const drained = lifecycle.drain();
  lifecycle.stop();
  for (const { signal } of scopes) {
    assertEquals((signal.reason as ApiError).details.code, "shutting_down");
  }
  assertEquals(await isResolved(drained), false);
  for (const scope of scopes) scope.end();
  assertEquals(await isResolved(drained), true);
});

Deno.test("RequestScope aborts with 504 when its time is over", async () => {
  const scope = new Lifecycle().begin(0.01);
  const aborted = Promise.withResolvers<void>();
  scope.signal.addEventListener("abort", () => aborted.resolve());
  await aborted.promise;
  const { status, message, details } = scope.signal.reason as ApiError;
  assertEquals([status, details.code], [504, "timeout"]);
  assertEquals(message, "Cannot finish the answer: it took more than 0.01 s");
  scope.end();
});

Deno.test("RequestScope.abort() keeps the first reason", () => {
  const scope = new Lifecycle().begin(60);
  const reason = clientGone();
  scope.abort(reason);
  scope.abort(new ApiError(500, "later"));
  assertStrictEquals(scope.signal.reason, reason);
  scope.end();
});
