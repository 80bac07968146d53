/** The server as curl sees it. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { untilIdle, untilLoad } from "../helpers/health.ts";
import { readFrames } from "../helpers/http.ts";
import type { ServerProcess } from "../helpers/server_process.ts";
import { LETTERS_BIAS, startTinyServer } from "../helpers/tiny_server.ts";

/** Runs curl; gives the status and the body. */
async function curl(...args: string[]): Promise<{
  readonly status: number;
  readonly body: string;
}> {
  const { code, stdout, stderr } = await new Deno.Command("curl", {
    args: ["-sS", "-w", "\n%{http_code}", ...args],
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  const at = text.lastIndexOf("\n");
  return { status: Number(text.slice(at + 1)), body: text.slice(0, at) };
}

/** The words of a shell command with quotes around some. */
function words(command: string): string[] {
  return Array.from(
    command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g),
    ([, single, double, bare]) => single ?? double ?? bare,
  );
}

function hintOf({ stdout }: ServerProcess): string[] {
  const [program, ...args] = words(stdout.trim().split("; try: ")[1]);
  assertEquals(program, "curl");
  return args;
}

Deno.test("curl talks to the server", async (t) => {
  await using server = await startTinyServer();
  const { url } = server;

  await t.step("as the server proposes when it is ready", async () => {
    const { status, body } = await curl(...hintOf(server));
    assertEquals(status, 200);
    const answer = JSON.parse(body);
    assertEquals(answer.choices[0].message.role, "assistant");
    assertEquals(answer.model, "tiny");
  });

  await t.step("and reads a stream", async () => {
    const data = JSON.stringify({
      prompt: "once",
      max_tokens: 5,
      stream: true,
      logit_bias: LETTERS_BIAS,
    });
    const { status, body } = await curl(
      ...["-N", `${url}/v1/completions`, "-d", data],
    );
    assertEquals(status, 200);
    const frames = readFrames(body);
    assertEquals(frames.at(-1), "[DONE]");
    assertEquals(
      JSON.parse(frames.at(-2)!).choices[0].finish_reason,
      "length",
    );
  });

  await t.step("and is told what is wrong", async () => {
    const chat = `${url}/v1/chat/completions`;
    const cases: [string[], number, string][] = [
      [[chat, "-d", "{"], 400, "invalid_json"],
      [[chat, "-d", "{}"], 400, "missing_required_parameter"],
      [[chat], 405, "method_not_allowed"],
      [[`${url}/nowhere`], 404, "unknown_path"],
      [[`${url}/v1/models/gpt`], 404, "model_not_found"],
    ];
    for (const [args, expected, code] of cases) {
      const { status, body } = await curl(...args);
      assertEquals([status, JSON.parse(body).error.code], [expected, code]);
    }
  });

  await t.step("and is refused with 20 MB, announced or not", async () => {
    const path = await Deno.makeTempFile();
    await Deno.writeFile(path, new Uint8Array(20_000_000).fill(32));
    for (
      const args of [
        ["--data-binary", `@${path}`],
        ["--data-binary", `@${path}`, "-H", "Transfer-Encoding: chunked"],
      ]
    ) {
      const { status, body } = await curl(`${url}/v1/completions`, ...args);
      assertEquals(status, 413);
      assertEquals(JSON.parse(body).error.code, "body_too_large");
    }
    await Deno.remove(path);
    assertEquals((await curl(`${url}/health`)).status, 200);
  });

  await t.step(
    "and leaves its place when it is killed, whole as streamed",
    async () => {
      for (const stream of [true, false]) {
        const data = JSON.stringify({
          prompt: "once",
          max_tokens: 1_000_000,
          stream,
          logit_bias: LETTERS_BIAS,
        });
        const child = new Deno.Command("curl", {
          args: ["-sS", "-N", `${url}/v1/completions`, "-d", data],
          stdin: "null",
          stdout: "null",
          stderr: "null",
        }).spawn();
        await untilLoad(server, ({ running }) => running === 1);
        child.kill("SIGKILL");
        await child.status;
        await untilIdle(server);
      }
    },
  );
});

Deno.test("curl shows a key where the server asks for one", async () => {
  await using server = await startTinyServer(["--api-key", "secret"]);
  const args = hintOf(server);
  const refused = await curl(...args);
  assertEquals(refused.status, 401);
  assertStringIncludes(args.join(" "), "Bearer $LOCOLOOP_API_KEY");
  const shown = args.map((arg) => arg.replace("$LOCOLOOP_API_KEY", "secret"));
  assertEquals((await curl(...shown)).status, 200);
  assertEquals((await curl(`${server.url}/health`)).status, 200);
});

Deno.test("curl asks for CORS headers as a browser does", async () => {
  const origin = "https://page.example";
  await using server = await startTinyServer([
    ...["--cors-origin", origin, "--api-key", "secret"],
  ]);
  const { status, body } = await curl(
    ...["-i", "-X", "OPTIONS", `${server.url}/v1/models`],
    ...["-H", `Origin: ${origin}`, "-H", "Access-Control-Request-Method: GET"],
  );
  assertEquals(status, 204);
  assertMatch(
    body,
    /^access-control-allow-origin: https:\/\/page\.example\r$/im,
  );
});
