/**
 * The texts that are read to the model.
 *
 * @module
 */

/** Paragraphs, to talk about between a fact and the question for it. */
export interface Filler {
  readonly name: string;
  readonly paragraphs: readonly string[];
}

/** What the tasks cut their tokens from. */
export interface Corpus {
  readonly name: string;
  /** Of all that is below. */
  readonly digest: string;
  /** Four texts for the perplexity, each from where its tokens begin. */
  readonly passages: readonly string[];
  /** Two. */
  readonly fillers: readonly Filler[];
  /** One long text, from where its tokens begin. */
  readonly stream: string;
}

/** A file and the character from which it is read. */
type Cut = readonly [file: string, offset: number];

/** Where a corpus is cut from a folder's files. */
interface Cuts {
  readonly passages: readonly Cut[];
  readonly fillers: readonly string[];
  readonly stream: Cut;
}

/** The texts that the project's figures are given on, where a folder has them. */
const REFERENCE: Cuts = {
  passages: [
    ["anar_secH3", 30_000],
    ["anar_append31", 60_000],
    ["handbook", 40_000],
    ["anar_append46", 50_000],
  ],
  fillers: ["handbook", "anar_append32"],
  stream: ["anar_append46", 100_000],
};

/** Characters of a passage: enough for 2,560 tokens. */
const PASSAGE_LENGTH = 2560 * 6;

/** Characters of the long text: enough for 20,000 tokens. */
const STREAM_LENGTH = 20_000 * 6;

/** Characters that a paragraph must have more than, and fewer than, to be filler. */
const PARAGRAPH = { more: 250, fewer: 700 };

/** Consecutive paragraphs that one dialogue may use. */
export const FILLER_RUN = 16;

/**
 * Reads the `.txt` files of a folder, in which a paragraph is a line. Where they are the reference texts they are cut as
 * those; otherwise a passage is the beginning of each quarter of them all.
 *
 * @throws {RangeError} If they are too short.
 */
export async function loadCorpus(folder: string): Promise<Corpus> {
  const texts = await readTexts(folder);
  const isReference = [
    ...REFERENCE.passages.map(([file]) => file),
    ...REFERENCE.fillers,
  ].every((file) => texts.has(file));
  const parts = isReference ? cutReference(texts) : cutEvenly(texts);
  for (const { name, paragraphs } of parts.fillers) {
    if (paragraphs.length <= FILLER_RUN) {
      throw new RangeError(
        `Cannot make dialogues of ${name}: ${paragraphs.length} paragraphs of ` +
          `250 to 700 characters, more than ${FILLER_RUN} needed`,
      );
    }
  }
  const name = isReference ? "reference" : [...texts.keys()].join(" ");
  return { name, digest: await digest(JSON.stringify(parts)), ...parts };
}

type Parts = Omit<Corpus, "name" | "digest">;

async function readTexts(folder: string): Promise<Map<string, string>> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".txt")) names.push(name);
  }
  const texts = new Map<string, string>();
  for (const name of names.sort()) {
    const text = await Deno.readTextFile(`${folder}/${name}`);
    texts.set(name.slice(0, -".txt".length), text);
  }
  return texts;
}

function cutReference(texts: ReadonlyMap<string, string>): Parts {
  const cut = ([file, offset]: Cut, length: number) =>
    texts.get(file)!.slice(offset, offset + length);
  return {
    passages: REFERENCE.passages.map((at) => cut(at, PASSAGE_LENGTH)),
    fillers: REFERENCE.fillers.map((name) => filler(name, texts.get(name)!)),
    stream: cut(REFERENCE.stream, STREAM_LENGTH),
  };
}

function cutEvenly(texts: ReadonlyMap<string, string>): Parts {
  const all = [...texts.values()].join("\n");
  const quarters = [0, 1, 2, 3].map((quarter) =>
    all.slice(
      Math.floor(all.length * quarter / 4),
      Math.floor(all.length * (quarter + 1) / 4),
    )
  );
  return {
    passages: quarters.map((quarter) => quarter.slice(0, PASSAGE_LENGTH)),
    fillers: [
      filler("first half", quarters[0] + quarters[1]),
      filler("second half", quarters[2] + quarters[3]),
    ],
    stream: all.slice(0, STREAM_LENGTH),
  };
}

function filler(name: string, text: string): Filler {
  const paragraphs = text.split("\n").filter(({ length }) =>
    length > PARAGRAPH.more && length < PARAGRAPH.fewer
  );
  return { name, paragraphs };
}

/** Sixteen hexadecimal digits that tell texts apart. */
export async function digest(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return hash.subarray(0, 8).toHex();
}
