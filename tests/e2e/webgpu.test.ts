/** The server on a GPU, as a process. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gpuTest } from "../helpers/gpu.ts";
import { assertApiError } from "../helpers/http.ts";
import { ServerProcess } from "../helpers/server_process.ts";
import { writeTinyGguf } from "../helpers/tiny_gguf.ts";
import {
  LETTERS_BIAS,
  startStream,
  startTinyServer,
} from "../helpers/tiny_server.ts";

const GPU = ["--runtime", "webgpu"];
const FOREVER = 1_000_000;

gpuTest(
  "main serves from a GPU with --runtime webgpu, and ends with 0 on SIGTERM",
  async () => {
    await using server = await startTinyServer(GPU);
    assertMatch(server.stdout, / with tiny \(webgpu, /);
    assertEquals((await ask(server)).status, 200);
    server.signal("SIGTERM");
    assertEquals(await server.ended(), 0);
  },
);

/** Asks for eight letters, always the same. */
function ask({ url }: ServerProcess): Promise<Response> {
  return fetch(`${url}/v1/completions`, {
    method: "POST",
    body: JSON.stringify({
      prompt: "hello",
      max_tokens: 8,
      seed: 1,
      logit_bias: LETTERS_BIAS,
    }),
    signal: AbortSignal.timeout(60_000),
  });
}

async function answerOf(server: ServerProcess): Promise<string> {
  const response = await ask(server);
  assertEquals(response.status, 200);
  return (await response.json()).choices[0].text;
}

/** Starts a stream, takes the GPU away, and gives the last frame's error. */
async function loseWithinStream(server: ServerProcess) {
  const stream = await startStream(server, FOREVER);
  server.signal("SIGUSR2");
  return JSON.parse((await stream.rest()).at(-1)!).error;
}

const LOST = {
  message: "Cannot answer: the device that ran the model was lost",
  type: "server_error",
  param: null,
  code: "device_lost",
};

/** Runs `use` with a server that loses its GPU on SIGUSR2, and its model's file. */
async function withLosableGpu(
  use: (server: ServerProcess, model: string) => Promise<void>,
): Promise<void> {
  const { path, folder } = await writeTinyGguf();
  try {
    await using server = await ServerProcess.start(
      ["--model", path, ...GPU],
      ["tests/helpers/losable_gpu.ts"],
    );
    await use(server, path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

gpuTest(
  "a stream whose GPU is lost ends with an error frame, and the next request is answered by another",
  async () => {
    await withLosableGpu(async (server) => {
      const before = await answerOf(server);
      for (const _ of [1, 2]) {
        assertEquals(await loseWithinStream(server), LOST);
        assertStringIncludes(server.stderr, "the GPU is lost");
        assertEquals(await answerOf(server), before);
      }
    });
  },
);

gpuTest(
  "requests get 503 for as long as a lost GPU cannot be replaced, and are answered once it can",
  async () => {
    await withLosableGpu(async (server, model) => {
      const before = await answerOf(server);
      await Deno.rename(model, `${model}.away`);
      assertEquals(await loseWithinStream(server), LOST);
      for (const _ of [1, 2]) {
        const refused = await ask(server);
        assertEquals(refused.headers.get("Retry-After"), "2");
        await assertApiError(refused, 503, LOST);
      }
      assertStringIncludes(server.stderr, "no other could take its place");
      await Deno.rename(`${model}.away`, model);
      assertEquals(await answerOf(server), before);
    });
  },
);

gpuTest(
  "main ends with 0 on SIGTERM right after its GPU was lost, in mid-stream or with nothing under way",
  async () => {
    await withLosableGpu(async (server) => {
      const stream = await startStream(server, FOREVER);
      server.signal("SIGUSR2");
      server.signal("SIGTERM");
      assertEquals(JSON.parse((await stream.rest()).at(-1)!).error, LOST);
      assertEquals(await server.ended(), 0);
    });
    await withLosableGpu(async (server) => {
      await loseWithinStream(server);
      server.signal("SIGUSR2");
      server.signal("SIGTERM");
      assertEquals(await server.ended(), 0);
    });
  },
);
