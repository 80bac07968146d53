import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { loadCorpus } from "../../../bench/quality/corpus.ts";

const REFERENCE = [
  "anar_secH3",
  "anar_append31",
  "anar_append32",
  "anar_append46",
  "handbook",
];

/** Paragraphs of 300 characters that start with the name and their number. */
function paragraphs(name: string, count: number): string {
  return Array.from(
    { length: count },
    (_, index) => `${name} ${index} `.padEnd(299, "x"),
  ).join("\n");
}

async function withTexts(
  texts: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(texts)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("loadCorpus() cuts the reference texts where the figures were measured", async () => {
  const texts = Object.fromEntries(
    REFERENCE.map((name) => [`${name}.txt`, paragraphs(name, 500)]),
  );
  await withTexts(texts, async (folder) => {
    const corpus = await loadCorpus(folder);
    assertEquals(corpus.name, "reference");
    const cuts = [
      ["anar_secH3", 30_000],
      ["anar_append31", 60_000],
      ["handbook", 40_000],
      ["anar_append46", 50_000],
    ] as const;
    assertEquals(
      corpus.passages,
      cuts.map(([name, offset]) =>
        texts[`${name}.txt`].slice(offset, offset + 2560 * 6)
      ),
    );
    assertEquals(
      corpus.fillers.map(({ name }) => name),
      ["handbook", "anar_append32"],
    );
    assertEquals(corpus.fillers[0].paragraphs[7].slice(0, 10), "handbook 7");
  });
});

Deno.test("loadCorpus() cuts other texts into quarters and halves", async () => {
  const texts = { "a.txt": paragraphs("a", 100), "note.md": "no text" };
  await withTexts(texts, async (folder) => {
    const { name, passages, fillers, stream } = await loadCorpus(folder);
    assertEquals(name, "a");
    assertEquals(passages.map((text) => text.trim().slice(0, 4)), [
      "a 0 ",
      "a 25",
      "a 50",
      "a 75",
    ]);
    assertEquals(fillers.map(({ paragraphs }) => paragraphs.length), [50, 50]);
    assertEquals(stream, texts["a.txt"]);
  });
});

Deno.test("loadCorpus() gives other texts another digest, and the same ones the same", async () => {
  const digests: string[] = [];
  for (const name of ["a", "b", "a"]) {
    await withTexts(
      { "a.txt": paragraphs(name, 100) },
      async (folder) => void digests.push((await loadCorpus(folder)).digest),
    );
  }
  assertEquals(digests[0], digests[2]);
  assertNotEquals(digests[0], digests[1]);
});

Deno.test("loadCorpus() refuses too little text", async () => {
  await withTexts(
    { "a.txt": paragraphs("a", 20) },
    async (folder) => {
      await assertRejects(
        () => loadCorpus(folder),
        RangeError,
        "10 paragraphs of 250 to 700 characters, more than 16 needed",
      );
    },
  );
});

Deno.test("loadCorpus() can use the texts that come with the bench", async () => {
  const folder = new URL("../../../bench/texts", import.meta.url).pathname;
  const { passages, fillers } = await loadCorpus(folder);
  assertEquals(passages.map(({ length }) => length), Array(4).fill(2560 * 6));
  assertEquals(fillers.length, 2);
});
