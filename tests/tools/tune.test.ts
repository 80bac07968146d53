import { assert, assertEquals, assertGreater } from "@std/assert";
import type { BudgetProfile } from "../../src/cache/budget/profile.ts";
import { main } from "../../tools/tune.ts";
import { writeTinyGguf } from "../helpers/tiny_gguf.ts";

const TEXTS = new URL("../../bench/texts", import.meta.url).pathname;
const FRAME = ["--block", "16", "--sinks", "2", "--window", "8"];
const LAYERS = 2, HEADS = 2;

/** Calls `run` with a folder, and with the arguments for a tiny model and results in that folder. */
async function withTiny(
  run: (folder: string, args: readonly string[]) => Promise<void>,
): Promise<void> {
  const { path, folder } = await writeTinyGguf({
    layers: LAYERS,
    kvHeads: HEADS,
  });
  const files = ["--model", path, "--results", `${folder}/results.jsonl`];
  try {
    await run(folder, [...files, "--text", TEXTS, ...FRAME]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Result {
  readonly what: string;
  readonly value: number;
}

async function readResults(folder: string): Promise<Result[]> {
  const text = await Deno.readTextFile(`${folder}/results.jsonl`);
  return text.trim().split("\n").map((line) => JSON.parse(line));
}

Deno.test("main() measures what fewer slots cost each layer, and writes a profile", async () => {
  await withTiny(async (folder, args) => {
    const out = `${folder}/profile.json`;
    const small = ["--texts", "2", "--tokens", "128", "--sizes", "16,48"];
    const given = ["budgets", ...args, ...small, "--slots", "24"];
    assertEquals(await main([...given, "--out", out]), 0);
    const results = await readResults(folder);
    assertEquals(results.length, 2 * 2 * LAYERS);

    const text = await Deno.readTextFile(out);
    const profile: BudgetProfile = JSON.parse(text);
    assertEquals(profile.model.name, "tiny");
    assertEquals(profile.method, "maxdecay");
    assertEquals(profile.sizes, [16, 48]);
    assertEquals(profile.losses.length, LAYERS);
    for (const [few, many] of profile.losses) {
      assertGreater(few, 0);
      assert(many < few, `${many} is not below ${few}`);
    }
  });
});

Deno.test("main() measures nothing twice, and adds what is new", async () => {
  await withTiny(async (folder, args) => {
    const path = `${folder}/results.jsonl`;
    const given = ["budgets", ...args, "--tokens", "64", "--sizes", "16,24"];
    await main([...given, "--texts", "1", "--slots", "24"]);
    const first = await readResults(folder);
    const marked = first.map(({ what }) => JSON.stringify({ what, value: 7 }));
    await Deno.writeTextFile(path, `${marked.join("\n")}\n`);
    await main([...given, "--texts", "2", "--slots", "24"]);
    const second = await readResults(folder);
    assertEquals(second.length, 2 * 2 * LAYERS);
    assertEquals(new Set(second.map(({ what }) => what)).size, second.length);
    assertEquals(second.filter(({ value }) => value === 7).length, 2 * LAYERS);
  });
});

Deno.test("main() measures by head where it is asked to", async () => {
  await withTiny(async (folder, args) => {
    const out = `${folder}/profile.json`;
    const small = ["--texts", "1", "--tokens", "64", "--sizes", "16,24"];
    const given = ["budgets", ...args, ...small, "--slots", "20", "--heads"];
    await main([...given, "--out", out]);
    const { losses } = JSON.parse(await Deno.readTextFile(out));
    assertEquals(losses.length, LAYERS * HEADS);
  });
});

Deno.test("main() tries every option on texts and dialogues", async () => {
  await withTiny(async (folder, args) => {
    const small = ["--texts", "1", "--dialogues", "1", "--tokens", "64"];
    await main(["options", ...args, ...small, "--slots", "32"]);
    const results = await readResults(folder);
    // As it is, the other positions, four decays and three widths of pooling.
    assertEquals(results.length, 2 * 9);
    assertEquals(new Set(results.map(({ what }) => what)).size, 2 * 9);
  });
});

Deno.test("main() refuses what it cannot tune", async () => {
  assertEquals(await main(["sampling", "--text", TEXTS]), 2);
  assertEquals(await main(["budgets", "--sizes", "64,128"]), 2);
});
