/** The server as a process: how it starts, refuses to start, and ends. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import { ENV_NAMES } from "../../src/config.ts";
import { untilLoad } from "../helpers/health.ts";
import { runToEnd, type ServerProcess } from "../helpers/server_process.ts";
import { writeTinyGguf } from "../helpers/tiny_gguf.ts";
import { startStream, startTinyServer } from "../helpers/tiny_server.ts";

/** Asks for health until the server says that it shuts down. */
async function untilDraining({ url }: ServerProcess): Promise<Response> {
  const signal = AbortSignal.timeout(30_000);
  for (;;) {
    const response = await fetch(`${url}/health`, { signal });
    if (response.status === 503) return response;
    await response.body?.cancel();
  }
}

Deno.test("main prints help and version and ends with 0", async () => {
  const help = await runToEnd(["--help"]);
  assertEquals([help.code, help.stderr], [0, ""]);
  assertMatch(help.stdout, /^ {2}--port N +port to listen on.*8000\)$/m);
  const version = await runToEnd(["--version"]);
  assertEquals(version, {
    code: 0,
    stdout: `${project.version}\n`,
    stderr: "",
  });
});

Deno.test("main ends with 2 and one line for a wrong flag or variable", async () => {
  assertEquals(await runToEnd(["--port", "x"]), {
    code: 2,
    stdout: "",
    stderr: "Cannot read --port: 'x' is not a whole number from 0 to 65535\n",
  });
  const unknown = await runToEnd(["--speed", "1"]);
  assertEquals([unknown.code, unknown.stderr], [
    2,
    "Cannot read --speed: no such flag (see --help)\n",
  ]);
  const name = "LOCOLOOP_SLOTS";
  assert(ENV_NAMES.includes(name));
  const variable = await runToEnd([], [], { [name]: "few" });
  assertEquals([variable.code, variable.stderr], [
    2,
    "Cannot read LOCOLOOP_SLOTS: " +
    "'few' is not a whole number from 1 to 1048576\n",
  ]);
});

Deno.test("main ends with 1 and one line where the port is in use", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  const { path, folder } = await writeTinyGguf();
  // A method that learns nothing: the model loads meanwhile, and says what it lacks.
  const method = ["--method", "streaming_llm", "--runtime", "simd"];
  const outcome = await runToEnd([
    ...["--port", `${port}`, "--model", path],
    ...method,
  ]);
  assertEquals(outcome, {
    code: 1,
    stdout: "",
    stderr: `Cannot listen on 127.0.0.1:${port}: the port is in use\n`,
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("main ends with 1 and one line for a model that is missing or damaged", async (t) => {
  const { path, folder, bytes } = await writeTinyGguf();
  const start = async (model: string) => {
    const { code, stdout, stderr } = await runToEnd([
      ...["--port", "0", "--model", model],
    ]);
    assertEquals([code, stdout], [1, ""]);
    const lines = stderr.trimEnd().split("\n");
    assertEquals(lines.filter((line) => line.startsWith("    at ")), []);
    return lines.at(-1) ?? "";
  };
  await t.step("missing", async () => {
    const line = await start(`${folder}/none.gguf`);
    assertStringIncludes(line, `Cannot get ${folder}/none.gguf: `);
    assertStringIncludes(line, "there is no such file");
  });
  await t.step("truncated", async () => {
    await Deno.writeFile(path, bytes.subarray(0, bytes.length - 100));
    assertMatch(await start(path), /^Cannot /);
  });
  await t.step("of another kind", async () => {
    await Deno.writeTextFile(path, "not a model at all, but some text");
    assertMatch(await start(path), /^Cannot /);
  });
  await Deno.remove(folder, { recursive: true });
});

Deno.test("main ends with 1 and names the permission that it lacks", async () => {
  const { path, folder } = await writeTinyGguf();
  const args = ["--port", "0", "--model", path];
  for (const [flag, kind] of [["net", "net"], ["env", "env"]]) {
    const { code, stdout, stderr } = await runToEnd(args, [`--allow-${flag}`]);
    assertEquals([code, stdout], [1, ""]);
    const last = stderr.trimEnd().split("\n").at(-1) ?? "";
    assertStringIncludes(last, "Cannot start without permission: ");
    assertStringIncludes(last, `Requires ${kind} access`);
    assert(!stderr.includes("    at "), stderr);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("main names the model when it is ready, and how to ask it", async () => {
  await using server = await startTinyServer(["--slots", "300"]);
  assertMatch(
    server.stdout,
    /^Ready at http:\/\/127\.0\.0\.1:\d+ with tiny \(simd, \w+, 300 slots\); try: curl .*\n$/,
  );
  assertMatch(
    server.stderr,
    /^Listening on http:\/\/127\.0\.0\.1:\d+, .*\nThere are no learned parts for tiny: locoloop does without them\n$/,
  );
});

Deno.test("main ends with 0 on SIGTERM and SIGINT when nothing is under way", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await using server = await startTinyServer();
    server.signal(signal);
    assertEquals(await server.ended(), 0);
  }
});

Deno.test("main lets a stream finish after SIGTERM, refuses what is new, and ends with 0", async () => {
  await using server = await startTinyServer();
  const first = await startStream(server, 1_000_000);
  const second = startStream(server, 20);
  await untilLoad(server, ({ waiting }) => waiting === 1);
  server.signal("SIGTERM");
  const refused = await untilDraining(server);
  assertEquals(refused.headers.get("Retry-After"), "10");
  assertEquals((await refused.json()).error.code, "shutting_down");
  first.leave();
  const frames = await (await second).rest();
  assertEquals(frames.at(-1), "[DONE]");
  assertEquals(await server.ended(), 0);
});

Deno.test("main aborts after 10 s what does not finish by itself, and ends with 0", async () => {
  await using server = await startTinyServer();
  const endless = await startStream(server, 1_000_000);
  server.signal("SIGTERM");
  const frames = await endless.rest();
  assertEquals(JSON.parse(frames.at(-1)!).error.code, "shutting_down");
  assertEquals(await server.ended(), 0);
});

Deno.test("main ends at once on a second signal", async () => {
  await using server = await startTinyServer();
  const endless = await startStream(server, 1_000_000);
  server.signal("SIGTERM");
  await (await untilDraining(server)).body?.cancel();
  server.signal("SIGTERM");
  assertEquals(await server.ended(), 130);
  endless.leave();
});
