import { assert, assertEquals, assertMatch } from "@std/assert";
import { findMissing } from "../../tools/train.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** What the tests need of Python; without it they are reported as ignored. */
const missing = await findMissing(["torch", "numpy", "safetensors"]);
const ignore = missing === null || missing.length > 0;

async function python(
  ...args: string[]
): Promise<{ code: number; output: string }> {
  const { code, stdout, stderr } = await new Deno.Command("python3", {
    args,
    cwd: ROOT,
    stdin: "null",
  }).output();
  const text = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, output: text.join("") };
}

Deno.test({
  name: "training --smoke goes through every stage",
  ignore,
  async fn() {
    const { code, output } = await python("-m", "training", "--smoke");
    assertEquals(code, 0, output);
    for (
      const stage of [
        "collect",
        "score",
        "budget",
        "tune",
        "evaluate",
        "export",
      ]
    ) {
      assertMatch(output, new RegExp(`\\] ${stage}: `));
    }
  },
});

Deno.test({
  name: "training refuses a model that is not there, in one line",
  ignore: ignore || (await findMissing(["gguf", "transformers"]))?.length !== 0,
  async fn() {
    const given = ["--model", "missing.gguf", "--text", "bench/texts"];
    const out = await Deno.makeTempDir();
    try {
      const { code, output } = await python(
        "-m",
        "training",
        ...given,
        "--out",
        out,
      );
      assertEquals(code, 1);
      assertEquals(
        output,
        "error: Cannot read missing.gguf: no such file\n",
      );
    } finally {
      await Deno.remove(out, { recursive: true });
    }
  },
});

Deno.test({
  name: "training's own tests pass",
  ignore,
  async fn() {
    const { code, output } = await python(
      "-m",
      "unittest",
      "discover",
      "-t",
      ".",
      "-s",
      "training/tests",
    );
    assertEquals(code, 0, output);
    assert(/Ran [1-9]\d* tests/.test(output), output);
  },
});

Deno.test("findMissing() names what Python lacks", async () => {
  const found = await findMissing(["json", "no_such_module_anywhere"]);
  assert(found === null || found.join() === "no_such_module_anywhere");
});
