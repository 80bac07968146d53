import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertThrows,
} from "@std/assert";
import { ModelError } from "../../src/engine/errors.ts";
import { type GgufFile, readGguf } from "../../src/model/gguf.ts";
import { loadTokenizer } from "../../src/text/bpe_tokenizer.ts";
import type { Tokenizer } from "../../src/text/tokenizer.ts";
import { realModelPath } from "../helpers/real_model.ts";
import { type TinyGgufOptions, writeTinyGguf } from "../helpers/tiny_gguf.ts";
import { tinyVocabulary } from "../helpers/tiny_vocabulary.ts";

/** What `tests/oracles/tokenizer.py` recorded. */
interface Oracle {
  readonly texts: readonly string[];
  readonly plain: readonly number[][];
  readonly parsed: Readonly<Record<number, number[]>>;
  readonly llamaCpp: Readonly<Record<number, number[]>>;
  readonly pre: Readonly<Record<string, Readonly<Record<number, number[]>>>>;
}

async function readOracle(): Promise<Oracle> {
  const path = "tests/fixtures/tokenizer_smollm2.json";
  return JSON.parse(await Deno.readTextFile(path));
}

/** Runs `use` with the tokenizer of a tiny model. */
async function withTiny(
  options: TinyGgufOptions,
  use: (tokenizer: Tokenizer) => void,
): Promise<void> {
  const { path, folder } = await writeTinyGguf(options);
  try {
    use(loadTokenizer(readGguf(path)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The bytes of `tokens`, joined. */
function decode(tokenizer: Tokenizer, tokens: readonly number[]): Uint8Array {
  return Uint8Array.from(tokens.flatMap((id) => [...tokenizer.bytes(id)]));
}

/** Bytes for which SmolLM2's vocabulary has no token. */
const LOST = new Set([0x04, 0x06, 0x13, 0x14, 0x16, 0x1d, 0xf1, 0xf2]);

Deno.test("loadTokenizer() encodes like the reference, special tokens as text", async () => {
  const tokenizer = loadTokenizer(readGguf(realModelPath()));
  const { texts, plain } = await readOracle();
  assertGreater(texts.length, 300);
  texts.forEach((text, i) => {
    const ids = tokenizer.encode(text, "plain");
    assertEquals(ids, plain[i], JSON.stringify(text));
    assert(ids.every((id) => !tokenizer.isSpecial(id)), text);
  });
});

Deno.test("loadTokenizer() encodes like the reference, special tokens parsed", async () => {
  const tokenizer = loadTokenizer(readGguf(realModelPath()));
  const { texts, plain, parsed } = await readOracle();
  assertGreater(Object.keys(parsed).length, 20);
  texts.forEach((text, i) => {
    const expected = parsed[i] ?? plain[i];
    assertEquals(
      tokenizer.encode(text, "parse"),
      expected,
      JSON.stringify(text),
    );
  });
});

Deno.test("loadTokenizer() decodes every text of the reference to itself", async () => {
  const tokenizer = loadTokenizer(readGguf(realModelPath()));
  for (const text of (await readOracle()).texts) {
    const kept = new TextEncoder().encode(text).filter((b) => !LOST.has(b));
    for (const mode of ["plain", "parse"] as const) {
      const ids = tokenizer.encode(text, mode);
      assertEquals(decode(tokenizer, ids), kept, JSON.stringify(text));
    }
  }
});

Deno.test("loadTokenizer() knows the pre-tokenizers of other models", async () => {
  const file = readGguf(realModelPath());
  const { texts, plain, llamaCpp, pre } = await readOracle();
  assertEquals(Object.keys(pre).length, 3);
  for (const [name, differing] of Object.entries(pre)) {
    const metadata = new Map([...file.metadata, ["tokenizer.ggml.pre", name]]);
    const tokenizer = loadTokenizer({ ...file, metadata } as GgufFile);
    texts.forEach((text, i) => {
      if (i in llamaCpp) return;
      const expected = differing[i] ?? plain[i];
      assertEquals(tokenizer.encode(text, "plain"), expected, name + text);
    });
  }
});

Deno.test("loadTokenizer() finds the tokens that end a turn or a text", async () => {
  const real = loadTokenizer(readGguf(realModelPath()));
  assertEquals([...real.stopIds].sort(), [0, 2]);
  assertEquals(real.bos, null);
  assertEquals(real.vocabSize, 49152);
  await withTiny(
    { metadata: { "tokenizer.ggml.eot_token_id": { u32: 7 } } },
    (tokenizer) => assertEquals([...tokenizer.stopIds].sort(), [0, 2, 7]),
  );
});

Deno.test("loadTokenizer() gives a first token where the model wants one", async () => {
  const bos = async (metadata: TinyGgufOptions["metadata"]) => {
    let found: number | null = null;
    await withTiny({ metadata }, (tokenizer) => found = tokenizer.bos);
    return found;
  };
  const add = (bool: boolean) => ({ "tokenizer.ggml.add_bos_token": { bool } });
  const llama3 = { "tokenizer.ggml.pre": { string: "llama-bpe" } };
  assertEquals(await bos(add(true)), 1);
  assertEquals(await bos(add(false)), null);
  assertEquals(await bos({ "tokenizer.ggml.add_bos_token": null }), null);
  assertEquals(
    await bos({ "tokenizer.ggml.add_bos_token": null, ...llama3 }),
    1,
  );
  assertEquals(await bos({ ...add(false), ...llama3 }), null);
});

Deno.test("Tokenizer.encode() makes special tokens only when it parses", async () => {
  await withTiny({}, (tokenizer) => {
    const text = "a<|im_start|><|im_end|> b<|im_end";
    const parsed = tokenizer.encode(text, "parse");
    assertEquals(parsed.filter((id) => tokenizer.isSpecial(id)), [1, 2]);
    const plain = tokenizer.encode(text, "plain");
    assertEquals(plain.filter((id) => tokenizer.isSpecial(id)), []);
    for (const ids of [parsed, plain]) {
      assertEquals(new TextDecoder().decode(decode(tokenizer, ids)), text);
    }
  });
});

Deno.test("Tokenizer.encode() finds tokens that the user of a model defined, and does not cut them", async () => {
  const { tokens, types } = tinyVocabulary(320);
  const strings = tokens.with(319, "12 <x>");
  const i32s = types.map((type, id) => id === 319 ? 4 : type);
  const metadata = {
    "tokenizer.ggml.tokens": { strings },
    "tokenizer.ggml.token_type": { i32s },
    "tokenizer.ggml.merges": { strings: [] },
  };
  await withTiny({ metadata }, (tokenizer) => {
    for (const mode of ["plain", "parse"] as const) {
      const ids = tokenizer.encode("a12 <x>b", mode);
      assertEquals(ids.length, 3);
      assertEquals(ids[1], 319);
      assertEquals(
        new TextDecoder().decode(decode(tokenizer, ids)),
        "a12 <x>b",
      );
    }
    assertEquals(tokenizer.isSpecial(319), false);
  });
});

Deno.test("Tokenizer.segments() cuts at special tokens", async () => {
  await withTiny({}, (tokenizer) => {
    assertEquals(tokenizer.segments(""), []);
    assertEquals(tokenizer.segments("plain"), [{
      text: "plain",
      special: null,
    }]);
    assertEquals(tokenizer.segments("<|im_start|>user\n<|im_end|><|im_end|>"), [
      { text: "<|im_start|>", special: 1 },
      { text: "user\n", special: null },
      { text: "<|im_end|>", special: 2 },
      { text: "<|im_end|>", special: 2 },
    ]);
  });
});

Deno.test("Tokenizer.bytes() gives every token, and refuses what is none", async () => {
  await withTiny({}, (tokenizer) => {
    assertEquals(tokenizer.vocabSize, 320);
    assertEquals(new TextDecoder().decode(tokenizer.bytes(1)), "<|im_start|>");
    const all = Array.from({ length: 256 }, (_, i) => tokenizer.bytes(3 + i));
    assertEquals(
      all.map((bytes) => bytes[0]),
      Array.from({ length: 256 }, (_, byte) => byte),
    );
    assertEquals(new TextDecoder().decode(tokenizer.bytes(259)), " e");
    for (const id of [-1, 320, 1.5, NaN]) {
      assertThrows(
        () => tokenizer.bytes(id),
        RangeError,
        `Cannot decode token ${id}: the vocabulary has 320`,
      );
      assertEquals(tokenizer.isSpecial(id), false);
    }
  });
});

Deno.test("Tokenizer.encode() takes megabytes of one character", () => {
  const tokenizer = loadTokenizer(readGguf(realModelPath()));
  for (const letter of ["a", " ", "\n", "1", "=", "é", "😀"]) {
    const ids = tokenizer.encode(letter.repeat(1e6), "plain");
    const bytes = ids.reduce((sum, id) => sum + tokenizer.bytes(id).length, 0);
    assertEquals(bytes, new TextEncoder().encode(letter).length * 1e6, letter);
  }
});

Deno.test("Tokenizer.encode() takes half a surrogate pair for U+FFFD", async () => {
  await withTiny({}, (tokenizer) => {
    assertEquals(
      tokenizer.encode("a\ud800b", "plain"),
      tokenizer.encode("a\ufffdb", "plain"),
    );
  });
});

/** Metadata that no tokenizer can be built from, and why. */
const REFUSED: readonly [TinyGgufOptions["metadata"], string][] = [
  [
    { "tokenizer.ggml.model": { string: "llama" } },
    "its tokenizer is of the kind llama; only gpt2 is supported",
  ],
  [{ "tokenizer.ggml.model": null }, "it has no tokenizer"],
  [
    { "tokenizer.ggml.pre": { string: "tekken" } },
    "the pre-tokenizer tekken is not supported",
  ],
  [{ "tokenizer.ggml.pre": { u32: 1 } }, "tokenizer.ggml.pre is no text"],
  [
    { "tokenizer.ggml.tokens": null },
    "its tokenizer has 0 tokens, but the model 320",
  ],
  [
    { "tokenizer.ggml.tokens": { strings: tinyVocabulary(319).tokens } },
    "its tokenizer has 319 tokens, but the model 320",
  ],
  [
    { "tokenizer.ggml.tokens": { i32s: [1] } },
    "tokenizer.ggml.tokens is an array of another type",
  ],
  [
    {
      "tokenizer.ggml.tokens": {
        strings: tinyVocabulary(320).tokens.with(9, "<|im_end|>"),
      },
    },
    "tokens 2 and 9 are alike",
  ],
  [
    { "tokenizer.ggml.token_type": { i32s: [3] } },
    "1 of 320 tokens have a type",
  ],
  [
    { "tokenizer.ggml.merges": { strings: ["e t", "q q"] } },
    "merge 1 joins what are no tokens",
  ],
  [
    { "tokenizer.ggml.merges": { strings: ["et"] } },
    "merge 0 joins what are no tokens",
  ],
  [
    { "tokenizer.ggml.eos_token_id": { u32: 320 } },
    "tokenizer.ggml.eos_token_id is 320, which is no token",
  ],
];

for (const [metadata, why] of REFUSED) {
  Deno.test(`loadTokenizer() refuses: ${why}`, async () => {
    const { path, folder } = await writeTinyGguf({ metadata });
    const file = readGguf(path);
    assertThrows(
      () => loadTokenizer(file),
      ModelError,
      `Cannot load ${path}: ${why}`,
    );
    await Deno.remove(folder, { recursive: true });
  });
}

Deno.test("loadTokenizer() works or gives a ModelError whatever bit of the vocabulary is flipped", async () => {
  const { path, folder, bytes } = await writeTinyGguf({ layers: 1 });
  const file = readGguf(path);
  const { offset } = file.arrays.get("tokenizer.ggml.tokens")!;
  const merges = file.arrays.get("tokenizer.ggml.merges")!;
  let refused = 0;
  for (let at = offset; at < merges.offset + merges.byteLength; at += 3) {
    const damaged = bytes.slice();
    damaged[at] ^= 1 << at % 8;
    await Deno.writeFile(path, damaged);
    try {
      const tokenizer = loadTokenizer(readGguf(path));
      tokenizer.encode("<|im_start|>the tree 12", "parse");
    } catch (error) {
      assertInstanceOf(error, ModelError, `byte ${at}: ${error}`);
      refused++;
    }
  }
  assertGreater(refused, 500);
  await Deno.remove(folder, { recursive: true });
});
