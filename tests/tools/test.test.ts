import { assertEquals, assertStringIncludes } from "@std/assert";

/** Runs the tool on one file of `samples/`; gives its exit code, output and last line. */
async function runTool(sample: string, ...flags: string[]) {
  const file = `tests/tools/samples/${sample}.ts`;
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "tools/test.ts", file, ...flags],
    env: { NO_COLOR: "1" },
    stderr: "null",
  }).output();
  const output = new TextDecoder().decode(stdout);
  return { code, output, last: output.trimEnd().split("\n").at(-1) };
}

Deno.test("test task closes with the counts and succeeds when no test failed", async () => {
  const { code, output, last } = await runTool("passes");
  assertStringIncludes(output, "first ... ok");
  assertEquals(last, "2 passed, 0 failed");
  assertStringIncludes(output, "\n1 skipped\n");
  assertEquals(code, 0);
});

Deno.test("test task fails when a test failed", async () => {
  const { code, last } = await runTool("fails");
  assertEquals(last, "1 passed, 1 failed");
  assertEquals(code, 1);
});

Deno.test("test task fails when a test leaves something open", async () => {
  const { code, last } = await runTool("leaks");
  assertEquals(last, "0 passed, 1 failed");
  assertEquals(code, 1);
});

Deno.test("test task fails when a file throws", async () => {
  const { code, output, last } = await runTool("throws");
  assertStringIncludes(output, "ended with code 1 though no test failed");
  assertEquals(last, "0 passed, 1 failed");
  assertEquals(code, 1);
});

Deno.test("test task fails when the run dies without a report", async () => {
  const { code, output, last } = await runTool("exits");
  assertStringIncludes(output, "ended with code 137 though no test failed");
  assertEquals(last, "0 passed, 1 failed");
  assertEquals(code, 1);
});

Deno.test("test task fails when no test ran", async () => {
  const { code, output, last } = await runTool("passes", "--filter", "fourth");
  assertStringIncludes(output, "ran no test");
  assertEquals(last, "0 passed, 1 failed");
  assertStringIncludes(output, "\n3 skipped\n");
  assertEquals(code, 1);
});

Deno.test("test task keeps tests to the checkout and this machine", async () => {
  const { output, last } = await runTool("trespasses");
  assertEquals(last, "5 passed, 0 failed", output);
});
