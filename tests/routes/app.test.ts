import { assert, assertEquals } from "@std/assert";
import { createApp } from "../../routes/app.ts";
import type { Engine } from "../../src/engine/types.ts";
import { Lifecycle } from "../../src/http/lifecycle.ts";
import { assertApiError, post } from "../helpers/http.ts";
import { says, ScriptedEngine } from "../helpers/scripted_engine.ts";

const engine = new ScriptedEngine(says(["Hello", " you"]));
const HELLO = { messages: [{ role: "user", content: "Hi" }] };
const CHAT = "/v1/chat/completions";

const PATHS: [path: string, method: string, allow: string][] = [
  [CHAT, "POST", "POST"],
  ["/v1/completions", "POST", "POST"],
  ["/v1/models", "GET", "GET, HEAD"],
  ["/v1/models/scripted", "GET", "GET, HEAD"],
  ["/health", "GET", "GET, HEAD"],
  ["/openapi.json", "GET", "GET, HEAD"],
];

for (const [path, allowed, allow] of PATHS) {
  Deno.test(`createApp() refuses other methods of ${path} with 405 and Allow`, async () => {
    const app = createApp({ engine });
    for (const method of ["GET", "POST", "PUT", "DELETE", "OPTIONS"]) {
      if (method === allowed) continue;
      const response = await app.request(path, { method });
      assertEquals(response.headers.get("Allow"), allow);
      await assertApiError(response, 405, {
        code: "method_not_allowed",
        message: `Cannot ${method} ${path}: it takes ${allow}`,
      });
    }
  });
}

Deno.test("createApp() refuses unknown paths with 404", async () => {
  const app = createApp({ engine });
  for (const path of ["/", "/v1", "/v1/chat", "/health/", "/v1/%E0%A4%A"]) {
    for (const method of ["GET", "POST"]) {
      const response = await app.request(path, { method });
      await assertApiError(response, 404, { code: "unknown_path" });
    }
  }
});

Deno.test("createApp() answers an unexpected failure with 500, reports it and goes on", async () => {
  const reported: unknown[] = [];
  const failure = new TypeError("secret detail");
  let calls = 0;
  const flaky = new ScriptedEngine((request, signal) => {
    if (++calls === 1) throw failure;
    return says(["fine"])(request, signal);
  });
  const app = createApp({
    engine: flaky,
    report: (error) => reported.push(error),
  });
  await assertApiError(await post(app, CHAT, HELLO), 500, {
    code: "internal_error",
    message: "Cannot answer: an internal error occurred",
  });
  assertEquals(reported, [failure]);
  assertEquals((await post(app, CHAT, HELLO)).status, 200);
  assertEquals(flaky.load, { running: 0, waiting: 0 });
});

Deno.test("createApp() asks for a key everywhere but at /health", async () => {
  const app = createApp({ engine, apiKeys: ["k1", "k2"] });
  for (const [path, method] of [...PATHS, ["/nowhere", "GET"]]) {
    const response = await app.request(path, { method });
    if (path === "/health") assertEquals(response.status, 200);
    else await assertApiError(response, 401, { code: "invalid_api_key" });
  }
  const headers = { Authorization: "Bearer k2" };
  assertEquals((await post(app, CHAT, HELLO, headers)).status, 200);
  assertEquals((await app.request("/openapi.json", { headers })).status, 200);
});

Deno.test("createApp() sends no CORS headers unless origins are named", async () => {
  const headers = { Origin: "https://a.example" };
  const response = await createApp({ engine }).request("/health", { headers });
  assertEquals(response.headers.get("Access-Control-Allow-Origin"), null);
});

Deno.test("createApp() lets pages of named origins call, with a key and in errors", async () => {
  const corsOrigins = ["https://a.example", "https://b.example"];
  const app = createApp({ engine, corsOrigins, apiKeys: ["k"] });
  const Origin = "https://b.example";
  const preflight = await app.request(CHAT, {
    method: "OPTIONS",
    headers: {
      Origin,
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "authorization,content-type",
    },
  });
  assertEquals(preflight.status, 204);
  assertEquals(
    preflight.headers.get("Access-Control-Allow-Headers"),
    "authorization,content-type",
  );
  const calls = [
    preflight,
    await post(app, CHAT, HELLO, { Origin, Authorization: "Bearer k" }),
    await post(app, CHAT, { ...HELLO, stream: true }, {
      Origin,
      Authorization: "Bearer k",
    }),
    await post(app, CHAT, HELLO, { Origin }),
    await app.request("/nowhere", { headers: { Origin } }),
  ];
  assertEquals(calls.map(({ status }) => status), [204, 200, 200, 401, 401]);
  for (const { headers } of calls) {
    assertEquals(headers.get("Access-Control-Allow-Origin"), Origin);
  }
  const foreign = await app.request("/health", {
    headers: { Origin: "https://c.example" },
  });
  assertEquals(foreign.headers.get("Access-Control-Allow-Origin"), null);
  await Promise.all(calls.map((response) => response.body?.cancel()));
});

Deno.test("createApp() lets pages of all origins call under *", async () => {
  const app = createApp({ engine, corsOrigins: ["*"] });
  const headers = { Origin: "https://any.example" };
  const response = await app.request("/health", { headers });
  assertEquals(response.headers.get("Access-Control-Allow-Origin"), "*");
});

Deno.test("createApp() refuses everything with 503 while the server shuts down", async () => {
  const lifecycle = new Lifecycle();
  const app = createApp({ engine, lifecycle });
  await lifecycle.drain();
  for (const [path, method] of PATHS) {
    const response = await app.request(path, { method });
    assertEquals(response.headers.get("Retry-After"), "10");
    await assertApiError(response, 503, {
      code: "shutting_down",
      message: "Cannot answer: the server is shutting down",
    });
  }
});

Deno.test("createApp() refuses with 503 while the model loads, and answers afterwards", async () => {
  const loading = Promise.withResolvers<Engine>();
  const app = createApp({ engine: loading.promise });
  for (const path of ["/health", "/v1/models", "/v1/models/scripted"]) {
    const response = await app.request(path);
    assertEquals(response.headers.get("Retry-After"), "5");
    await assertApiError(response, 503, { code: "model_loading" });
  }
  await assertApiError(await post(app, CHAT, HELLO), 503, {
    code: "model_loading",
  });
  loading.resolve(engine);
  await loading.promise;
  assertEquals((await app.request("/health")).status, 200);
  assertEquals((await post(app, CHAT, HELLO)).status, 200);
});

Deno.test("createApp() loads on demand, and requests wait for it", async () => {
  let calls = 0;
  const app = createApp({
    engine: async () => {
      calls++;
      await new Promise((resolve) => setTimeout(resolve, 0));
      return engine;
    },
  });
  const answers = await Promise.all([1, 2].map(() => post(app, CHAT, HELLO)));
  assertEquals(answers.map(({ status }) => status), [200, 200]);
  assertEquals(calls, 1);
});

Deno.test("createApp() describes itself at /openapi.json", async () => {
  const response = await createApp({ engine }).request("/openapi.json");
  const document = await response.json();
  assertEquals(document.openapi, "3.1.0");
  assertEquals(
    Object.entries<object>(document.paths).map(([path, methods]) => [
      path,
      Object.keys(methods),
    ]),
    [
      [CHAT, ["post"]],
      ["/v1/completions", ["post"]],
      ["/v1/models", ["get"]],
      ["/v1/models/{model}", ["get"]],
      ["/health", ["get"]],
    ],
  );
  const { ChatCompletionRequest } = document.components.schemas;
  assertEquals(ChatCompletionRequest.required, ["messages"]);
  assertEquals(ChatCompletionRequest.properties.temperature, {
    type: ["number", "null"],
    minimum: 0,
    maximum: 2,
  });
  assert("prompt" in document.components.schemas.CompletionRequest.properties);
});
