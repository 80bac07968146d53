import { assert, assertEquals } from "@std/assert";
import { type AppOptions, createApp } from "../../routes/app.ts";
import { Lifecycle } from "../../src/http/lifecycle.ts";
import { Listener } from "../../src/http/listener.ts";
import { assertApiError, post, readFrames } from "../helpers/http.ts";
import { RawClient } from "../helpers/raw_client.ts";
import {
  hangsInDecode,
  hangsInPrefill,
  says,
  type Script,
  ScriptedEngine,
  until,
} from "../helpers/scripted_engine.ts";

const PATH = "/v1/chat/completions";
const HELLO = { messages: [{ role: "user", content: "Hi" }] };

/** A listening server over a scripted engine, until the end of `using`. */
async function listen(script: Script, options: Partial<AppOptions> = {}) {
  const engine = new ScriptedEngine(script, { queue: 2 });
  const reported: unknown[] = [];
  const report = (error: unknown) => reported.push(error);
  const app = createApp({ engine, report, ...options });
  const listener = await Listener.open(app.fetch, {
    host: "127.0.0.1",
    port: 0,
    patience: 30,
    timeout: 30,
    report,
  });
  const { port } = listener.address;
  return {
    engine,
    reported,
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = listener.close();
      listener.closeNow();
      await closed;
    },
  };
}

/** Connects and asks for an answer, with a body larger than one packet. */
async function ask(port: number, body: object): Promise<RawClient> {
  const client = await RawClient.connect(port);
  const json = JSON.stringify({ ...body, user: "u".repeat(10_000) });
  await client.send(head(json.length));
  await client.send(json);
  return client;
}

function head(length: number): string {
  return `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;
}

const PHASES: [phase: string, script: Script][] = [
  ["prefill, before the first event", hangsInPrefill({ beforeStart: true })],
  ["prefill", hangsInPrefill()],
  ["decode", hangsInDecode],
];

for (const stream of [true, false]) {
  const form = stream ? "streamed" : "whole";
  for (const [phase, script] of PHASES) {
    Deno.test(`generation() frees the place of a client that leaves in ${phase}, ${form}`, async () => {
      await using server = await listen(script);
      const { engine, port } = server;
      const client = await ask(port, { ...HELLO, stream });
      await until(() => engine.load.running === 1);
      if (stream && !phase.includes("before")) await client.readTo("data: ");
      client.leave();
      await until(() => engine.load.running === 0);
      assertEquals(server.reported, []);
    });
  }

  Deno.test(`generation() frees the place of a client that leaves in the queue, ${form}`, async () => {
    await using server = await listen(hangsInDecode);
    const { engine, port } = server;
    const first = await ask(port, { ...HELLO, stream });
    await until(() => engine.load.running === 1);
    const second = await ask(port, { ...HELLO, stream });
    await until(() => engine.load.waiting === 1);
    second.leave();
    await until(() => engine.load.waiting === 0);
    assertEquals(engine.load.running, 1);
    first.leave();
    await until(() => engine.load.running === 0);
    assertEquals(server.reported, []);
  });
}

Deno.test("generation() gives the next in line its turn when a client leaves", async () => {
  let calls = 0;
  await using server = await listen((request, signal) =>
    (++calls === 1 ? hangsInDecode : says(["done"]))(request, signal)
  );
  const { engine, port } = server;
  const first = await ask(port, { ...HELLO, stream: true });
  await first.readTo("word");
  const second = await ask(port, HELLO);
  await until(() => engine.load.waiting === 1);
  first.leave();
  await second.readTo('"content":"done"');
  second.leave();
});

Deno.test("generation() refuses past the queue with 503 and Retry-After, streamed or not", async () => {
  await using server = await listen(hangsInDecode);
  const { engine, port } = server;
  const clients: RawClient[] = [];
  for (let count = 1; count <= 3; count++) {
    clients.push(await ask(port, HELLO));
    await until(() => engine.load.running + engine.load.waiting === count);
  }
  for (const stream of [true, false]) {
    const response = await fetch(server.url + PATH, {
      method: "POST",
      body: JSON.stringify({ ...HELLO, stream }),
    });
    assertEquals(response.headers.get("Retry-After"), "1");
    await assertApiError(response, 503, {
      code: "queue_full",
      message: "Cannot queue the request: 2 are waiting already",
    });
  }
  for (const client of clients) client.leave();
  await until(() => engine.load.running === 0);
});

Deno.test("generation() ends a request with 504 when its time is over, in the queue as at work", async () => {
  await using server = await listen(hangsInPrefill({ beforeStart: true }), {
    limits: { timeout: 0.05 },
  });
  const request = () =>
    fetch(server.url + PATH, { method: "POST", body: JSON.stringify(HELLO) });
  for (const response of await Promise.all([request(), request()])) {
    await assertApiError(response, 504, { code: "timeout" });
  }
  assertEquals(server.engine.load, { running: 0, waiting: 0 });
});

Deno.test("generation() ends a stream with an error frame when its time is over", async () => {
  await using server = await listen(hangsInDecode, {
    limits: { timeout: 0.05 },
  });
  const body = JSON.stringify({ ...HELLO, stream: true });
  const response = await fetch(server.url + PATH, { method: "POST", body });
  assertEquals(response.status, 200);
  const frames = readFrames(await response.text());
  assertEquals(JSON.parse(frames.at(-1)!), {
    error: {
      message: "Cannot finish the answer: it took more than 0.05 s",
      type: "server_error",
      param: null,
      code: "timeout",
    },
  });
  assertEquals(server.engine.load.running, 0);
});

Deno.test("generation() ends a stream with an error frame when the model fails, and goes on", async () => {
  const failure = new Error("secret");
  let calls = 0;
  const engine = new ScriptedEngine(function* (request, signal) {
    yield { type: "start", promptTokens: 1 };
    if (++calls === 1) throw failure;
    yield* [...says(["ok"])(request, signal) as Iterable<never>].slice(1);
  });
  const reported: unknown[] = [];
  const app = createApp({ engine, report: (error) => reported.push(error) });
  const response = await post(app, PATH, { ...HELLO, stream: true });
  const frames = readFrames(await response.text());
  assertEquals(JSON.parse(frames.at(-1)!).error.code, "internal_error");
  assert(!frames.includes("[DONE]"));
  assertEquals(reported, [failure]);
  assertEquals((await post(app, PATH, HELLO)).status, 200);
});

Deno.test("generation() gives up with 408 on a client that sends half a request, and goes on", async () => {
  await using server = await listen(says(["fine"]), {
    limits: { patience: 0.05 },
  });
  const slow = await RawClient.connect(server.port);
  await slow.send(head(1000) + '{"messages":');
  const answer = await slow.readTo("request_timeout");
  assert(answer.startsWith("HTTP/1.1 408 "), answer);
  assertEquals(server.engine.requests.length, 0);
  const other = await ask(server.port, HELLO);
  await other.readTo('"content":"fine"');
  slow.leave();
  other.leave();
});

Deno.test("generation() forgets a client that leaves within its request", async () => {
  const lifecycle = new Lifecycle();
  await using server = await listen(says(["fine"]), { lifecycle });
  const client = await RawClient.connect(server.port);
  await client.send(head(1000) + '{"messages":');
  client.leave();
  const other = await ask(server.port, HELLO);
  await other.readTo('"content":"fine"');
  other.leave();
  await lifecycle.drain();
  assertEquals(server.reported, []);
});

Deno.test("generation() refuses 20 MB with 413 and goes on", async () => {
  await using server = await listen(says(["fine"]));
  const body = new Uint8Array(20_000_000).fill(32);
  const send = (body: BodyInit) =>
    fetch(server.url + PATH, { method: "POST", body });
  await assertApiError(await send(body), 413, {
    code: "body_too_large",
    message: "Cannot take the body: it has more than 1048576 bytes",
  });
  const chunked = new Blob([body]).stream();
  await assertApiError(await send(chunked), 413, { code: "body_too_large" });
  const fine = await send(JSON.stringify(HELLO));
  assertEquals((await fine.json()).choices[0].message.content, "fine");
});

Deno.test("generation() pauses for a client that does not read, and gives up on it", async () => {
  let made = 0;
  const script: Script = async function* () {
    yield { type: "start", promptTokens: 1 };
    for (;;) {
      made++;
      const text = "x".repeat(10_000);
      yield { type: "text", choice: 0, text, tokens: [] };
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  };
  await using server = await listen(script, { limits: { patience: 0.2 } });
  const client = await ask(server.port, { ...HELLO, stream: true });
  await until(() => server.engine.load.running === 1);
  await until(() => server.engine.load.running === 0);
  assert(made < 10_000, `${made} pieces of 10,000 bytes`);
  client.leave();
});

Deno.test("generation() aborts what is under way when the lifecycle stops", async () => {
  const lifecycle = new Lifecycle();
  await using server = await listen(hangsInDecode, { lifecycle });
  const streamed = await ask(server.port, { ...HELLO, stream: true });
  await streamed.readTo("word");
  const whole = await ask(server.port, HELLO);
  await until(() => server.engine.load.waiting === 1);
  const drained = lifecycle.drain();
  lifecycle.stop();
  const frame = await streamed.readTo("shutting_down");
  assert(frame.includes('data: {"error":'), frame);
  assert((await whole.readTo("shutting_down")).startsWith("HTTP/1.1 503 "));
  await drained;
  assertEquals(server.engine.load, { running: 0, waiting: 0 });
  streamed.leave();
  whole.leave();
});
