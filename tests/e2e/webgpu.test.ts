/** The server on a GPU, as a process. */
import { assertEquals, assertMatch } from "@std/assert";
import { gpuTest } from "../helpers/gpu.ts";
import { startTinyServer } from "../helpers/tiny_server.ts";

gpuTest(
  "main serves from a GPU with --runtime webgpu, and ends with 0 on SIGTERM",
  async () => {
    await using server = await startTinyServer(["--runtime", "webgpu"]);
    assertMatch(server.stdout, / with tiny \(webgpu, /);
    const response = await fetch(`${server.url}/v1/completions`, {
      method: "POST",
      body: JSON.stringify({ prompt: "hello", max_tokens: 4 }),
    });
    assertEquals(response.status, 200);
    assertEquals((await response.json()).usage.prompt_tokens > 0, true);
    server.signal("SIGTERM");
    assertEquals(await server.ended(), 0);
  },
);
