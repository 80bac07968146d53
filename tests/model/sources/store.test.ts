import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  newPart,
  storeFile,
  storeStream,
} from "../../../src/model/sources/store.ts";
import { requestFor, sha256 } from "../../helpers/model_request.ts";

const CONTENT = new TextEncoder().encode("weights ".repeat(50_000));

/** `bytes` in chunks; with `error`, it fails before the last. */
async function* chunks(bytes: Uint8Array, error: Error | null = null) {
  await Promise.resolve();
  for (let at = 0; at < bytes.length; at += 60_000) {
    if (error && at > bytes.length / 2) throw error;
    yield bytes.subarray(at, at + 60_000);
  }
}

Deno.test("storeStream() puts what arrives in its place", async () => {
  await using test = await requestFor(CONTENT);
  await storeStream(chunks(CONTENT), test.request);
  assertEquals(await test.files(), ["models/model.gguf"]);
  assertEquals(await Deno.readFile(test.request.target), CONTENT);
  assertEquals(test.lines.at(-1), "100 % of 0.4 MB");
});

Deno.test("storeStream() takes what it knows nothing of", async () => {
  await using test = await requestFor(null);
  await storeStream(chunks(CONTENT), test.request);
  assertEquals(await Deno.readFile(test.request.target), CONTENT);
});

Deno.test("storeStream() leaves nothing of what breaks off", async () => {
  await using test = await requestFor(CONTENT);
  await assertRejects(
    () => storeStream(chunks(CONTENT, new Error("gone")), test.request),
    Error,
    "gone",
  );
  assertEquals(await test.files(), []);
});

Deno.test("storeStream() refuses a wrong size and a wrong sum", async () => {
  await using test = await requestFor(CONTENT);
  await assertRejects(
    () => storeStream(chunks(CONTENT.subarray(1)), test.request),
    Error,
    "it has 399999 bytes instead of 400000",
  );
  const other = CONTENT.with(7, 0);
  await assertRejects(
    () => storeStream(chunks(other), test.request),
    Error,
    `its SHA-256 is ${sha256(other)} instead of ${sha256(CONTENT)}`,
  );
  assertEquals(await test.files(), []);
});

Deno.test("storeStream() keeps the file that was there when the new one is wrong", async () => {
  await using test = await requestFor(CONTENT);
  await storeStream(chunks(CONTENT), test.request);
  await assertRejects(() =>
    storeStream(chunks(CONTENT.with(7, 0)), test.request)
  );
  assertEquals(await test.files(), ["models/model.gguf"]);
  assertEquals(await Deno.readFile(test.request.target), CONTENT);
});

Deno.test("storeStream() can store one file twice at once", async () => {
  await using test = await requestFor(CONTENT);
  await Promise.all([
    storeStream(chunks(CONTENT), test.request),
    storeStream(chunks(CONTENT), test.request),
  ]);
  assertEquals(await test.files(), ["models/model.gguf"]);
  assertEquals(await Deno.readFile(test.request.target), CONTENT);
});

Deno.test("storeStream() says where it cannot write", async () => {
  await using test = await requestFor(CONTENT);
  const { target } = test.request;
  await Deno.mkdir(target, { recursive: true });
  await Deno.writeTextFile(`${target}/in_the_way`, "");
  await assertRejects(() => storeStream(chunks(CONTENT), test.request), Error);
  assertEquals(await test.files(), ["models/model.gguf/in_the_way"]);
});

Deno.test("storeFile() checks and moves a file", async () => {
  await using test = await requestFor(CONTENT);
  const part = await newPart(test.request.target);
  await Deno.writeFile(part, CONTENT.with(0, 0));
  await assertRejects(() => storeFile(part, test.request), Error, "SHA-256");
  await Deno.writeFile(part, CONTENT);
  await storeFile(part, test.request);
  assertEquals(await test.files(), ["models/model.gguf"]);
});

Deno.test("newPart() removes what others left an hour ago, and nothing else", async () => {
  await using test = await requestFor(null);
  const { target } = test.request;
  const old = await newPart(target);
  const fresh = await newPart(target);
  const folder = await newPart(target);
  await Deno.writeTextFile(old, "x");
  await Deno.writeTextFile(fresh, "x");
  await Deno.mkdir(folder);
  await Deno.writeTextFile(`${folder}/x`, "x");
  await Deno.writeTextFile(target, "x");
  const then = Date.now() / 1000 - 3700;
  for (const path of [old, folder, target]) await Deno.utime(path, then, then);
  await newPart(target);
  const name = fresh.slice(fresh.indexOf("models/"));
  assertEquals(await test.files(), ["models/model.gguf", name]);
});

Deno.test("storeStream() says that the disk is full, and leaves nothing on it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "full_" });
  const script = new URL("../../helpers/store_until_full.ts", import.meta.url);
  // No file may have more than 16 MB; the signal that says so is ignored, so that the write fails.
  const limited = 'trap "" XFSZ; ulimit -f 32000; exec "$@"';
  const { stdout } = await new Deno.Command("sh", {
    args: [
      ...["-c", limited, "sh", Deno.execPath(), "run", "--no-prompt"],
      ...["--cached-only", "--no-lock", `--allow-read=${folder}`],
      ...[`--allow-write=${folder}`, script.pathname, folder],
    ],
  }).output();
  const said = new TextDecoder().decode(stdout);
  assertMatch(said, /^Error: .*(too large|space|full)/i);
  assertEquals([...Deno.readDirSync(folder)], []);
  await Deno.remove(folder);
});
