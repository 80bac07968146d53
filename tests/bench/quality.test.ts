import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../../bench/quality.ts";
import type { Cell } from "../../bench/quality/results.ts";
import { TASKS } from "../../bench/quality/tasks.ts";
import { writeTinyGguf } from "../helpers/tiny_gguf.ts";

const TEXTS = new URL("../../bench/texts", import.meta.url).pathname;

/** The full cache in f32 is what others are compared with, asked for or not. */
const SETUPS = ["full f32", "full int8", "streaming_llm int8", "random int8"];

async function cellsOf(path: string): Promise<Cell[]> {
  return JSON.parse(await Deno.readTextFile(path)).cells;
}

Deno.test("run() measures every task under every configuration, and none twice", async () => {
  const { path, folder } = await writeTinyGguf({ contextLength: 8192 });
  const results = `${folder}/results/quality.json`;
  const args = ["--quick", "--text", TEXTS, "--model", path];
  const cache = ["--methods", "full", "--slots", "48", "--stores", "int8"];
  const chosen = [...cache, "--results", results];
  const tasks = TASKS.map(({ name }) => name);
  try {
    await run([...args, ...chosen]);
    const cells = await cellsOf(results);
    assertEquals(
      cells.map(({ task, setup: { method, store } }) =>
        `${task} ${method} ${store}`
      ),
      tasks.flatMap((task) => SETUPS.map((setup) => `${task} ${setup}`)),
    );
    for (const { task, measures } of cells) {
      const numbers = Object.values(measures).flat();
      const valid = numbers.length > 0 && numbers.every(Number.isFinite);
      assertEquals([task, valid], [task, true]);
    }
    for (const chart of ["by_bytes", "time_by_length"]) {
      const svg = await Deno.readTextFile(
        `${folder}/results/quality_${chart}.svg`,
      );
      assertStringIncludes(svg, ">streaming_llm");
    }

    const marked = cells.map((cell) => ({ ...cell, machine: "before" }));
    await Deno.writeTextFile(results, JSON.stringify({ cells: marked }));
    await run([...args, ...chosen]);
    assertEquals(await cellsOf(results), marked);

    // Charts show all that is known, not only what was asked for.
    const chart = `${folder}/results/quality_by_bytes.svg`;
    await Deno.remove(chart);
    await run([...args, ...chosen, "--tasks", "pairs", "--fresh"]);
    assertStringIncludes(await Deno.readTextFile(chart), ">random");
    const again = (await cellsOf(results)).filter(({ machine }) =>
      machine !== "before"
    );
    assertEquals(
      again.map(({ task }) => task),
      Array(SETUPS.length).fill("pairs"),
    );
    const [before, after] = [cells, again].map((list) =>
      list.filter(({ task }) => task === "pairs").map(({ measures }) =>
        measures
      )
    );
    assertEquals(after, before);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
