import { assertEquals, assertRejects } from "@std/assert";
import { Notebook } from "../../../tools/tune/notebook.ts";

/** Runs with the path of a file that is not there yet. */
async function withPath(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/below/notes.jsonl`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("Notebook.look() measures once, and knows it ever after", async () => {
  await withPath(async (path) => {
    let measured = 0;
    const measure = () => Promise.resolve(++measured);
    const notebook = await Notebook.open(path);
    assertEquals(await notebook.look("a", measure), 1);
    assertEquals(await notebook.look("b", measure), 2);
    const again = await Notebook.open(path);
    assertEquals(await again.look("a", measure), 1);
    assertEquals(await again.look("c", measure), 3);
  });
});

Deno.test("Notebook.open() refuses a file of something else", async () => {
  await withPath(async (path) => {
    await Deno.mkdir(path.replace("/notes.jsonl", ""));
    for (const text of ['{"what": "a"}\n', "not JSON"]) {
      await Deno.writeTextFile(path, text);
      await assertRejects(() => Notebook.open(path), SyntaxError);
    }
  });
});
