import { assertEquals } from "@std/assert";
import { createApp } from "../../routes/app.ts";
import { assertApiError } from "../helpers/http.ts";
import { says, ScriptedEngine } from "../helpers/scripted_engine.ts";

const app = createApp({ engine: new ScriptedEngine(says([])) });

const MODEL = {
  id: "scripted",
  object: "model",
  created: 1_700_000_000,
  owned_by: "locoloop",
  context_length: 2048,
  method: "streaming_llm",
  slots: 512,
  runtime: "simd",
  learned: null,
  methods: [{
    name: "streaming_llm",
    summary: "Keeps the first few tokens and the newest.",
    paper: "arXiv 2309.17453",
    options: {},
    learned: "none",
  }],
};

Deno.test("GET /v1/models lists the model", async () => {
  const response = await app.request("/v1/models");
  assertEquals(await response.json(), { object: "list", data: [MODEL] });
});

Deno.test("GET /v1/models/{model} shows the model, and 404 for another", async () => {
  const response = await app.request("/v1/models/scripted");
  assertEquals(await response.json(), MODEL);
  for (const [name, shown] of [["gpt", "gpt"], ["a%2Fb%20c", "a/b c"]]) {
    await assertApiError(await app.request(`/v1/models/${name}`), 404, {
      code: "model_not_found",
      param: "model",
      message: `Cannot find the model '${shown}': this server has 'scripted'`,
    });
  }
});
