import { assertEquals, assertRejects } from "@std/assert";
import { hubSource } from "../../../src/model/sources/hub.ts";
import { serveHub } from "../../helpers/hub_server.ts";
import { requestFor, sha256 } from "../../helpers/model_request.ts";

const FILE = { repo: "owner/repo", revision: "v1", path: "sub/model.gguf" };
const PATH = "/owner/repo/resolve/v1/sub/model.gguf";
const CONTENT = new TextEncoder().encode("weights ".repeat(50_000));
const NEVER = new AbortController().signal;

Deno.test("hubSource() gets a file of a revision", async () => {
  await using hub = serveHub({ [PATH]: CONTENT });
  await using test = await requestFor(CONTENT);
  const path = await hubSource(FILE, { hubUrl: hub.url })
    .get(test.request, NEVER);
  assertEquals(path, test.request.target);
  assertEquals(await Deno.readFile(path), CONTENT);
  assertEquals(await test.files(), ["models/model.gguf"]);
  assertEquals(hub.requests, [`GET ${PATH} bytes=0-0`, `GET ${PATH} all`]);
  assertEquals(test.lines.at(0), "owner/repo: sub/model.gguf, 0.4 MB");
  assertEquals(test.lines.at(-1), "100 % of 0.4 MB");
});

Deno.test("hubSource() checks a file of which only the hub knows the sum", async () => {
  const source = (url: string) => hubSource(FILE, { hubUrl: url });
  await using right = serveHub({ [PATH]: CONTENT }, {
    etag: `"${sha256(CONTENT)}"`,
  });
  await using wrong = serveHub({ [PATH]: CONTENT.with(9, 1) }, {
    etag: `"${sha256(CONTENT)}"`,
  });
  await using test = await requestFor(null);
  await assertRejects(
    () => source(wrong.url).get(test.request, NEVER),
    Error,
    `instead of ${sha256(CONTENT)}`,
  );
  assertEquals(await test.files(), []);
  await source(right.url).get(test.request, NEVER);
  assertEquals(await test.files(), ["models/model.gguf"]);
});

Deno.test("hubSource() refuses a file of another sum, naming both", async () => {
  const other = CONTENT.with(9, 1);
  await using hub = serveHub({ [PATH]: other });
  await using test = await requestFor(CONTENT);
  await assertRejects(
    () => hubSource(FILE, { hubUrl: hub.url }).get(test.request, NEVER),
    Error,
    `its SHA-256 is ${sha256(other)} instead of ${sha256(CONTENT)}`,
  );
  assertEquals(await test.files(), []);
});

Deno.test("hubSource() says that the hub has no such file", async () => {
  await using hub = serveHub({});
  await using test = await requestFor(CONTENT);
  await assertRejects(
    () => hubSource(FILE, { hubUrl: hub.url }).get(test.request, NEVER),
    Error,
    "it has no such file",
  );
  assertEquals(await test.files(), []);
});

/** How a download can fail, and what is said then. */
const FAULTS = [
  ["short", "it has 200000 bytes instead of 400000"],
  ["broken", ""],
  ["stalled", "nothing came for 0.3 s"],
  ["silent", "no answer within 0.3 s"],
] as const;

for (const [fault, why] of FAULTS) {
  Deno.test(`hubSource() leaves nothing of a download that is ${fault}`, async () => {
    await using hub = serveHub({ [PATH]: CONTENT }, { fault });
    await using test = await requestFor(CONTENT);
    const source = hubSource(FILE, {
      hubUrl: hub.url,
      answerLimit: 300,
      stallLimit: 300,
    });
    await assertRejects(() => source.get(test.request, NEVER), Error, why);
    assertEquals(await test.files(), []);
  });
}

Deno.test("hubSource() stops in the middle when it is told to", async () => {
  await using hub = serveHub({ [PATH]: CONTENT }, { fault: "stalled" });
  await using test = await requestFor(CONTENT);
  const stop = new AbortController();
  const request = {
    ...test.request,
    progress: (total: number) => ({
      ...test.request.progress(total),
      advance: () => stop.abort(new Error("enough")),
    }),
  };
  await assertRejects(
    () => hubSource(FILE, { hubUrl: hub.url }).get(request, stop.signal),
    Error,
    "enough",
  );
  assertEquals(await test.files(), []);
});

Deno.test("hubSource() does not start when it is told to stop", async () => {
  await using hub = serveHub({ [PATH]: CONTENT });
  await using test = await requestFor(CONTENT);
  await assertRejects(
    () =>
      hubSource(FILE, { hubUrl: hub.url })
        .get(test.request, AbortSignal.abort(new Error("enough"))),
    Error,
    "enough",
  );
  assertEquals(hub.requests, []);
  assertEquals(await test.files(), []);
});

Deno.test("hubSource() says that nobody is there", async () => {
  let url;
  {
    await using hub = serveHub({});
    url = hub.url;
  }
  await using test = await requestFor(CONTENT);
  await assertRejects(
    () => hubSource(FILE, { hubUrl: url }).get(test.request, NEVER),
    TypeError,
  );
});
