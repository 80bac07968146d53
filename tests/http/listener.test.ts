import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Listener } from "../../src/http/listener.ts";
import type { Fetch } from "../../src/http/node_adapter.ts";
import { RawClient } from "../helpers/raw_client.ts";
import { until } from "../helpers/scripted_engine.ts";

/** A listener of its own, until the end of `using`. */
async function listen(fetch: Fetch, { patience = 30, timeout = 30 } = {}) {
  const reported: unknown[] = [];
  const listener = await Listener.open(fetch, {
    host: "127.0.0.1",
    port: 0,
    patience,
    timeout,
    report: (error) => reported.push(error),
  });
  const { port } = listener.address;
  return {
    listener,
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

const echo: Fetch = async (request) =>
  Response.json({
    method: request.method,
    url: request.url,
    header: request.headers.get("X-Test"),
    body: await request.text(),
  });

Deno.test("Listener passes method, path, headers and body on, and the answer back", async () => {
  await using server = await listen(echo);
  const response = await fetch(`${server.url}/a%2Fb?c=d`, {
    method: "POST",
    headers: { "X-Test": "yes" },
    body: "é".repeat(100_000),
  });
  assertEquals(response.status, 200);
  assertEquals(response.headers.get("Content-Type"), "application/json");
  assertEquals(await response.json(), {
    method: "POST",
    url: "http://localhost/a%2Fb?c=d",
    header: "yes",
    body: "é".repeat(100_000),
  });
});

Deno.test("Listener answers a GET, a HEAD, an error and an empty body", async () => {
  await using server = await listen((request) =>
    request.url.endsWith("/none")
      ? new Response(null, { status: 204, headers: { "X-A": "b" } })
      : new Response("text", { status: 418 })
  );
  const none = await fetch(`${server.url}/none`);
  assertEquals([none.status, none.headers.get("X-A")], [204, "b"]);
  const text = await fetch(`${server.url}/text`);
  assertEquals([text.status, await text.text()], [418, "text"]);
  const head = await fetch(`${server.url}/text`, { method: "HEAD" });
  assertEquals([head.status, await head.text()], [418, ""]);
});

Deno.test("Listener answers several requests over one connection", async () => {
  await using server = await listen(echo);
  const client = await RawClient.connect(server.port);
  for (const path of ["/one", "/two"]) {
    await client.send(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi`,
    );
    const answer = await client.readTo("0\r\n\r\n");
    assertStringIncludes(answer, `http://localhost${path}`);
  }
  client.leave();
});

Deno.test("Listener sends each piece of a stream when it is there", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await listen(() =>
    new Response(
      ReadableStream.from((async function* () {
        yield new TextEncoder().encode("first");
        await gate.promise;
        yield new TextEncoder().encode("second");
      })()),
    )
  );
  const response = await fetch(server.url);
  const reader = response.body!.pipeThrough(new TextDecoderStream())
    .getReader();
  assertEquals((await reader.read()).value, "first");
  gate.resolve();
  assertEquals((await reader.read()).value, "second");
  assertEquals((await reader.read()).done, true);
});

Deno.test("Listener pauses a stream that its client does not read, and cancels it when the client leaves", async () => {
  let sent = 0;
  let cancelled = false;
  await using server = await listen(() =>
    new Response(
      new ReadableStream({
        async pull(controller) {
          sent += 100_000;
          controller.enqueue(new Uint8Array(100_000));
          await new Promise((resolve) => setTimeout(resolve, 0));
        },
        cancel() {
          cancelled = true;
        },
      }),
    )
  );
  const client = await RawClient.connect(server.port);
  await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  let before = -1;
  // Once the buffers between the two are full, nothing moves.
  while (sent !== before) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert(sent < 100_000_000, `${sent} bytes`);
  client.leave();
  await until(() => cancelled);
});

Deno.test("Listener aborts the request of a client that leaves before the answer, whatever it sent", async () => {
  const started: string[] = [];
  const left: string[] = [];
  await using server = await listen(async (request) => {
    const name = new URL(request.url).pathname;
    const { promise, resolve } = Promise.withResolvers<void>();
    request.signal.addEventListener("abort", () => {
      left.push(name);
      resolve();
    });
    await request.text();
    started.push(name);
    await promise;
    return new Response("nobody reads this");
  });
  for (const [name, size] of [["/a", 0], ["/b", 10], ["/c", 1_000_000]]) {
    const client = await RawClient.connect(server.port);
    await client.send(
      `POST ${name} HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`,
    );
    await client.send("x".repeat(Number(size)));
    await until(() => started.at(-1) === name);
    client.leave();
    await until(() => left.at(-1) === name);
  }
  assertEquals(server.reported, []);
});

Deno.test("Listener refuses what is not HTTP, or no request, with 400", async () => {
  await using server = await listen(echo);
  const cases = [
    "GARBAGE\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n X: y\r\n\r\n",
    "TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  ];
  for (const request of cases) {
    const client = await RawClient.connect(server.port);
    await client.send(request);
    const answer = await client.readToEnd();
    assertMatch(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assertMatch(answer, /content-type: application\/json/i);
    assertStringIncludes(answer, '"type":"invalid_request_error"');
    assertStringIncludes(answer, '"code":"invalid_http"');
    client.leave();
  }
});

Deno.test("Listener refuses half a head with 408 and closes", async () => {
  await using server = await listen(echo, { patience: 0.1 });
  const client = await RawClient.connect(server.port);
  await client.send("GET / HTTP/1.1\r\nHos");
  const answer = await client.readToEnd();
  assertMatch(answer, /^HTTP\/1\.1 408 Request Timeout\r\n/);
  assertStringIncludes(answer, '"code":"request_timeout"');
  client.leave();
});

Deno.test("Listener closes the connection of half a request that was answered", async () => {
  await using server = await listen(() => new Response("enough"), {
    patience: 0.1,
  });
  const client = await RawClient.connect(server.port);
  await client.send(
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhi",
  );
  assertStringIncludes(await client.readToEnd(), "enough");
  client.leave();
});

Deno.test("Listener lets a large body run out that is answered early", async () => {
  await using server = await listen(() => new Response("no", { status: 413 }));
  for (let i = 0; i < 3; i++) {
    const response = await fetch(server.url, {
      method: "POST",
      body: new Uint8Array(20_000_000),
    });
    assertEquals([response.status, await response.text()], [413, "no"]);
  }
});

Deno.test("Listener reports an answer that fails, ends its connection and goes on", async () => {
  const failure = new Error("no more");
  await using server = await listen((request) =>
    request.url.endsWith("/good") ? new Response("good") : new Response(
      new ReadableStream({
        pull(controller) {
          controller.error(failure);
        },
      }),
    )
  );
  await assertRejects(async () => await (await fetch(server.url)).text());
  assertEquals(server.reported, [failure]);
  assertEquals(await (await fetch(`${server.url}/good`)).text(), "good");
});

Deno.test("Listener.open() says why it cannot listen", async () => {
  await using server = await listen(echo);
  const options = { port: server.port, patience: 1, timeout: 1 };
  const report = () => {};
  await assertRejects(
    () => Listener.open(echo, { ...options, host: "127.0.0.1", report }),
    Error,
    `Cannot listen on 127.0.0.1:${server.port}: the port is in use`,
  );
});

Deno.test("Listener.close() ends idle connections and waits for the others", async () => {
  const gate = Promise.withResolvers<void>();
  let started = false;
  await using server = await listen(async (request) => {
    if (request.url.endsWith("/quick")) return new Response("quick");
    started = true;
    await gate.promise;
    return new Response("done");
  });
  const idle = await RawClient.connect(server.port);
  await idle.send("GET /quick HTTP/1.1\r\nHost: x\r\n\r\n");
  await idle.readTo("0\r\n\r\n");
  const busy = await RawClient.connect(server.port);
  await busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await until(() => started);
  let closed = false;
  const closing = server.listener.close().then(() => closed = true);
  assertEquals(await idle.readToEnd(), "");
  assertEquals(closed, false);
  gate.resolve();
  assertStringIncludes(await busy.readTo("done"), "200 OK");
  busy.leave();
  idle.leave();
  await closing;
});
