import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import server, {
  ConfigError,
  ContextLengthError,
  createApp,
  loadEngine,
  ModelError,
  parseConfig,
  QueueFullError,
  resolveModel,
} from "../mod.ts";
import { TextOutput } from "./helpers/text_output.ts";
import { writeTinyGguf } from "./helpers/tiny_gguf.ts";

/** `deno serve mod.ts` on a port of its own, with these variables. */
async function serve(env: Record<string, string>) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...["serve", "--no-prompt", "--host", "127.0.0.1", "--port", "0"],
      ...["--allow-read", "--allow-env=LOCOLOOP_*", "mod.ts"],
    ],
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const output = new TextOutput(child.stderr);
  const listening = await output.find(/Listening on (http:\S+)\//);
  return {
    url: listening?.[1] ?? "",
    output,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await child.status;
      await output.done;
    },
  };
}

Deno.test("mod exports the library and a default fetch", () => {
  assertEquals(typeof server.fetch, "function");
  const functions = [createApp, loadEngine, parseConfig, resolveModel];
  assert(functions.every((each) => typeof each === "function"));
  const errors = [ConfigError, ContextLengthError, ModelError, QueueFullError];
  assert(errors.every((each) => each.prototype instanceof Error));
});

Deno.test("mod is imported without any permission", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--quiet", "mod.ts"],
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
});

Deno.test("mod under deno serve loads the model that the environment names", async () => {
  const { path, folder } = await writeTinyGguf();
  await using served = await serve({
    LOCOLOOP_MODEL: path,
    LOCOLOOP_API_KEY: "secret",
  });
  const ask = (key: string) =>
    fetch(`${served.url}/v1/completions`, {
      method: "POST",
      headers: { Authorization: `Bearer ${key}` },
      body: JSON.stringify({ prompt: "once", max_tokens: 3 }),
    });
  const refused = await ask("wrong");
  assertEquals(refused.status, 401);
  await refused.body?.cancel();
  const { model, usage } = await (await ask("secret")).json();
  assertEquals([model, usage.completion_tokens <= 3], ["tiny", true]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("mod under deno serve tells its log, not the client, what is configured wrong", async () => {
  await using served = await serve({ LOCOLOOP_SLOTS: "few" });
  const response = await fetch(`${served.url}/health`);
  const { error } = await response.json();
  assertEquals([response.status, error.code], [500, "internal_error"]);
  await served.output.find(/Cannot read LOCOLOOP_SLOTS: 'few' is not/);
  assertStringIncludes(served.output.text, "Cannot read LOCOLOOP_SLOTS");
});
