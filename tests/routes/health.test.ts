import { assertEquals } from "@std/assert";
import { createApp } from "../../routes/app.ts";
import { post } from "../helpers/http.ts";
import {
  hangsInDecode,
  ScriptedEngine,
  until,
} from "../helpers/scripted_engine.ts";

Deno.test("GET /health tells how many requests run and wait", async () => {
  const engine = new ScriptedEngine(hangsInDecode);
  const app = createApp({ engine });
  const health = async () => await (await app.request("/health")).json();
  assertEquals(await health(), { status: "ok", running: 0, waiting: 0 });

  const body = { prompt: "a", stream: true };
  const first = await post(app, "/v1/completions", body);
  const second = post(app, "/v1/completions", body);
  await until(() => engine.load.waiting === 1);
  assertEquals(await health(), { status: "ok", running: 1, waiting: 1 });

  await first.body?.cancel();
  await (await second).body?.cancel();
  await until(() => engine.load.running === 0);
});

Deno.test("HEAD /health has the status and no body", async () => {
  const app = createApp({ engine: new ScriptedEngine(hangsInDecode) });
  const response = await app.request("/health", { method: "HEAD" });
  assertEquals([response.status, await response.text()], [200, ""]);
});
