import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ModelError } from "../../src/engine/errors.ts";
import { resolveModel } from "../../src/model/source.ts";
import { DEFAULT_MODEL } from "../../src/model/sources/default_model.ts";
import { hubSource } from "../../src/model/sources/hub.ts";
import type { ModelSource } from "../../src/model/sources/model_source.ts";
import { serveHub } from "../helpers/hub_server.ts";
import { listFiles } from "../helpers/model_request.ts";
import { realModelPath } from "../helpers/real_model.ts";

const NEVER = new AbortController().signal;
const CONTENT = new TextEncoder().encode("weights ".repeat(50_000));
const FILE = { repo: "owner/repo", revision: "main", path: "model.gguf" };
const SPEC = "hf:owner/repo/model.gguf";
const HUB_PATH = "/owner/repo/resolve/main/model.gguf";

/** Options with a fresh cache, and what they were told. */
async function freshOptions(sources?: readonly ModelSource[]) {
  const cacheDir = await Deno.makeTempDir({ prefix: "cache_" });
  const lines: string[] = [];
  return {
    options: {
      cacheDir,
      log: (line: string) => void lines.push(line),
      progress: false,
      sources,
    },
    lines,
    [Symbol.asyncDispose]: () => Deno.remove(cacheDir, { recursive: true }),
  };
}

/** A source that has nothing. */
function failing(name: string, why: string): ModelSource {
  return { name, get: () => Promise.reject(new Error(why)) };
}

Deno.test("resolveModel() takes a path as it is", async () => {
  await using test = await freshOptions();
  const path = realModelPath();
  assertEquals(await resolveModel(path, test.options, NEVER), path);
  const none = `${test.options.cacheDir}/none.gguf`;
  await assertRejects(
    () => resolveModel(none, test.options, NEVER),
    ModelError,
    `Cannot get ${none}: file system: there is no such file`,
  );
});

Deno.test("resolveModel() gets a file of the hub once", async () => {
  await using hub = serveHub({ [HUB_PATH]: CONTENT });
  await using test = await freshOptions([
    hubSource(FILE, { hubUrl: hub.url }),
  ]);
  const path = `${test.options.cacheDir}/owner/repo/main/model.gguf`;
  for (let i = 0; i < 2; i++) {
    assertEquals(await resolveModel(SPEC, test.options, NEVER), path);
    assertEquals(await Deno.readFile(path), CONTENT);
  }
  assertEquals(hub.requests.length, 2);
});

Deno.test("resolveModel() can get one file twice at once", async () => {
  await using hub = serveHub({ [HUB_PATH]: CONTENT });
  await using test = await freshOptions([
    hubSource(FILE, { hubUrl: hub.url }),
  ]);
  const paths = await Promise.all(
    [1, 2, 3].map(() => resolveModel(SPEC, test.options, NEVER)),
  );
  assertEquals(new Set(paths).size, 1);
  assertEquals(await Deno.readFile(paths[0]), CONTENT);
  assertEquals(await listFiles(test.options.cacheDir), [
    "owner/repo/main/model.gguf",
  ]);
});

Deno.test("resolveModel() tries the sources in turn", async () => {
  await using hub = serveHub({ [HUB_PATH]: CONTENT });
  await using test = await freshOptions([
    failing("first", "it is closed"),
    hubSource(FILE, { hubUrl: hub.url }),
    failing("last", "nobody asks it"),
  ]);
  const path = await resolveModel(SPEC, test.options, NEVER);
  assertEquals(await Deno.readFile(path), CONTENT);
  assertEquals(test.lines[0], "first: it is closed");
});

Deno.test("resolveModel() gives the reason of every source", async () => {
  await using hub = serveHub({});
  await using test = await freshOptions([
    hubSource(FILE, { hubUrl: hub.url }),
    failing("second", "it\nis   closed"),
  ]);
  const error = await assertRejects(
    () => resolveModel(SPEC, test.options, NEVER),
    ModelError,
  );
  assertEquals(
    error.message,
    `Cannot get ${SPEC}: Hugging Face hub: it has no such file; ` +
      "second: it is closed",
  );
  assertEquals(await listFiles(test.options.cacheDir), []);
});

Deno.test("resolveModel() stops when it is told to, and tries no other source", async () => {
  await using hub = serveHub({ [HUB_PATH]: CONTENT }, { fault: "stalled" });
  const stop = new AbortController();
  let tried = false;
  await using test = await freshOptions([
    hubSource(FILE, { hubUrl: hub.url }),
    {
      name: "other",
      get: () => {
        tried = true;
        return Promise.reject(new Error());
      },
    },
  ]);
  const options = {
    ...test.options,
    // The first line of the progress comes after the first half of the file.
    log: (line: string) => {
      if (line.includes("%")) stop.abort(new Error("enough"));
    },
  };
  await assertRejects(
    () => resolveModel(SPEC, options, stop.signal),
    Error,
    "enough",
  );
  assertEquals(tried, false);
  assertEquals(await listFiles(options.cacheDir), []);
});

Deno.test("resolveModel() gets the default model again where the cache's is damaged", async () => {
  await using test = await freshOptions([failing("source", "it is closed")]);
  const { cacheDir } = test.options;
  const path = `${cacheDir}/${DEFAULT_MODEL.hub.path}`;
  await Deno.writeFile(path, CONTENT);
  await assertRejects(
    () => resolveModel(null, test.options, NEVER),
    ModelError,
    "Cannot get SmolLM2-135M-Instruct: source: it is closed",
  );
  assertEquals(
    test.lines[0],
    `${path} is damaged: it has 400000 bytes instead of 98362432: getting it again`,
  );
  // As many bytes, one bit of which is another.
  await Deno.copyFile(realModelPath(), path);
  using file = await Deno.open(path, { read: true, write: true });
  await file.seek(DEFAULT_MODEL.size / 2, Deno.SeekMode.Start);
  const byte = new Uint8Array(1);
  await file.read(byte);
  byte[0] ^= 1;
  await file.seek(DEFAULT_MODEL.size / 2, Deno.SeekMode.Start);
  await file.write(byte);
  test.lines.length = 0;
  await assertRejects(
    () => resolveModel(null, test.options, NEVER),
    ModelError,
    "it is closed",
  );
  assertStringIncludes(test.lines[0], "is damaged: its SHA-256 is ");
});

Deno.test("resolveModel() has the default model where the tests find it", async () => {
  const options = { cacheDir: ".cache/models", log() {}, progress: false };
  const path = await resolveModel(null, { ...options, sources: [] }, NEVER);
  assertEquals(path, realModelPath());
});

/** Names on the hub that are wrong. */
const WRONG = [
  "hf:",
  "hf:owner",
  "hf:owner/repo",
  "hf:owner/repo/readme.md",
  "hf:owner/repo/../x.gguf",
  "hf:../repo/x.gguf",
  "hf:owner/repo@/x.gguf",
  "hf:owner/repo@a@b/x.gguf",
  "hf:owner/repo@../x.gguf",
  "hf:owner/repo//x.gguf",
  "hf:owner/re po/x.gguf",
  "hf:owner/repo/x y.gguf",
  "hf:https://example.org/x.gguf",
];

for (const spec of WRONG) {
  Deno.test(`resolveModel() refuses ${spec}`, async () => {
    await using test = await freshOptions([failing("source", "asked")]);
    await assertRejects(
      () => resolveModel(spec, test.options, NEVER),
      ModelError,
      `Cannot get ${spec}: it should read hf:owner/repo/file.gguf ` +
        "or hf:owner/repo@revision/file.gguf",
    );
  });
}

Deno.test("resolveModel() takes a revision and folders of a repository", async () => {
  await using test = await freshOptions([failing("source", "it is closed")]);
  const { cacheDir } = test.options;
  await Deno.mkdir(`${cacheDir}/a.b/c-d/v1.0/q4`, { recursive: true });
  const path = `${cacheDir}/a.b/c-d/v1.0/q4/e_f.gguf`;
  await Deno.writeTextFile(path, "x");
  const spec = "hf:a.b/c-d@v1.0/q4/e_f.gguf";
  assertEquals(await resolveModel(spec, test.options, NEVER), path);
});
