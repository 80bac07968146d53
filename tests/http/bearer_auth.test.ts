import { Hono } from "hono";
import { assertEquals } from "@std/assert";
import { bearerAuth } from "../../src/http/bearer_auth.ts";
import { toApiError } from "../../src/openai/api_error.ts";
import { assertApiError } from "../helpers/http.ts";

function createApp(keys: readonly string[]): Hono {
  const app = new Hono();
  app.use("*", bearerAuth(keys, ["/health"]));
  app.get("/health", (c) => c.text("well"));
  app.get("/secret", (c) => c.text("told"));
  app.onError((error) => toApiError(error, () => {}).response());
  return app;
}

const app = createApp(["first-key", "second-key"]);

Deno.test("bearerAuth() lets any of its keys in", async () => {
  const headers = [
    "Bearer first-key",
    "Bearer second-key",
    "bearer first-key",
    "Bearer   first-key",
  ];
  for (const Authorization of headers) {
    const response = await app.request("/secret", {
      headers: { Authorization },
    });
    assertEquals([response.status, await response.text()], [200, "told"]);
  }
});

Deno.test("bearerAuth() refuses all else with 401 and says how to come in", async () => {
  const headers: Record<string, string>[] = [
    {},
    { Authorization: "" },
    { Authorization: "first-key" },
    { Authorization: "Bearer" },
    { Authorization: "Bearer first" },
    { Authorization: "Bearer first-key-and-more" },
    { Authorization: "Bearer first-key second-key" },
    { Authorization: "Bearer FIRST-KEY" },
    { Authorization: "Basic first-key" },
    { "X-Api-Key": "first-key" },
  ];
  for (const header of headers) {
    const response = await app.request("/secret", { headers: header });
    assertEquals(response.headers.get("WWW-Authenticate"), "Bearer");
    await assertApiError(response, 401, {
      code: "invalid_api_key",
      message: "Cannot let the request in: " +
        "it needs a valid API key as 'Authorization: Bearer KEY'",
    });
  }
});

Deno.test("bearerAuth() asks for no key on an open path, and for one on unknown paths", async () => {
  assertEquals(await (await app.request("/health")).text(), "well");
  assertEquals((await app.request("/health/")).status, 401);
  assertEquals((await app.request("/nowhere")).status, 401);
});
