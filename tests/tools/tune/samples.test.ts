import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  cutTexts,
  makeDialogues,
  readTexts,
} from "../../../tools/tune/samples.ts";
import { ByteTokenizer } from "../../helpers/byte_tokenizer.ts";

const TEXTS = new URL("../../../bench/texts", import.meta.url).pathname;
const tokenizer = new ByteTokenizer([]);

/** Runs with a folder of files. */
async function withFiles(
  files: Readonly<Record<string, string>>,
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("readTexts() joins the lines of a paragraph and leaves headings out", async () => {
  const long = "A long line of prose that goes on and on. ".repeat(3).trim();
  const wrapped = `Heading\n\n${long}\n  ${long}\n \n${long}\n`;
  const files = { "a.txt": wrapped, "b.txt": `${long}\n${long}\n`, "c.md": "" };
  await withFiles(files, async (folder) => {
    const texts = await readTexts(folder);
    assertEquals(texts, [
      { name: "a", paragraphs: [`${long} ${long}`, long] },
      { name: "b", paragraphs: [long, long] },
    ]);
  });
});

Deno.test("readTexts() refuses a folder without texts", async () => {
  await withFiles({ "c.md": "" }, async (folder) => {
    await assertRejects(
      () => readTexts(folder),
      RangeError,
      "it has no .txt files",
    );
  });
});

Deno.test("cutTexts() cuts the same pieces first, however many", async () => {
  const texts = await readTexts(TEXTS);
  const few = await cutTexts(texts, tokenizer, 2, 100);
  const many = await cutTexts(texts, tokenizer, 6, 100);
  assertEquals(many.slice(0, 2), few);
  assertEquals(new Set(many.map(({ name }) => name)).size, 6);
  for (const { tokens, scored } of many) {
    assertEquals(tokens.length, 100);
    assertEquals(scored, Array.from({ length: 50 }, (_, i) => 50 + i));
  }
});

Deno.test("cutTexts() refuses a text that is too short", async () => {
  const texts = [{ name: "short", paragraphs: ["Four words are few."] }];
  await assertRejects(
    () => cutTexts(texts, tokenizer, 1, 100),
    RangeError,
    "Cannot tune on short: 21 tokens of 100",
  );
});

Deno.test("makeDialogues() scores where the answers are foreseen", async () => {
  const texts = await readTexts(TEXTS);
  const [{ tokens, scored }] = await makeDialogues(texts, tokenizer, 1, 4000);
  assert(tokens.length > 4000);
  assertEquals(scored.at(-1), tokens.length - 1);
  const decode = (ids: readonly number[]) =>
    new TextDecoder().decode(
      Uint8Array.from(ids.flatMap((id) => [...tokenizer.bytes(id)])),
    );
  // The last answer itself is not read to its end.
  const text = decode(tokens);
  const told = text.match(/The (home town|pass key|dog|favorite drink) of/g);
  assertEquals(told?.length, 12);
  for (const index of scored.slice(0, 1)) {
    assert(decode(tokens.slice(0, index + 1)).match(/ (is|is called)$/));
  }
});
