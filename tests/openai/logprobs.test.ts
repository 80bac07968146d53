import { assertEquals } from "@std/assert";
import {
  chatLogprob,
  CompletionLogprobsWriter,
} from "../../src/openai/logprobs.ts";
import { scored } from "../helpers/scripted_engine.ts";

const tokenBytes = (id: number) => Uint8Array.of(id);

Deno.test("chatLogprob() gives the exact bytes and \\xNN for what is no whole character", () => {
  const cases: [number[], string][] = [
    [[72, 105], "Hi"],
    [[0xc3, 0xa9], "é"],
    [[0xe2, 0x80], "\\xe2\\x80"],
    [[0x20, 0xf0, 0x9f], " \\xf0\\x9f"],
    [[0x0a], "\n"],
    [[0xef, 0xbb, 0xbf], "\ufeff"],
    [[], ""],
  ];
  for (const [bytes, token] of cases) {
    assertEquals(chatLogprob(scored(bytes, -1), tokenBytes), {
      token,
      logprob: -1,
      bytes,
      top_logprobs: [],
    });
  }
});

Deno.test("chatLogprob() lists the likeliest in order, and the impossible as -9999", () => {
  const top = [{ id: 65, logprob: -0.1 }, { id: 0xff, logprob: -Infinity }];
  assertEquals(chatLogprob(scored("B", -2, top), tokenBytes), {
    token: "B",
    logprob: -2,
    bytes: [66],
    top_logprobs: [
      { token: "A", logprob: -0.1, bytes: [65] },
      { token: "\\xff", logprob: -9999, bytes: [255] },
    ],
  });
});

Deno.test("CompletionLogprobsWriter.write() has an entry for every token in every list", () => {
  const writer = new CompletionLogprobsWriter(tokenBytes);
  const top = [{ id: 66, logprob: -0.1 }, { id: 67, logprob: -3 }];
  assertEquals(
    writer.write("AB", [scored("A", null), scored("B", -0.1, top)]),
    {
      tokens: ["A", "B"],
      token_logprobs: [null, -0.1],
      top_logprobs: [null, { B: -0.1, C: -3 }],
      text_offset: [0, 1],
    },
  );
});

Deno.test("CompletionLogprobsWriter.write() adds the token of the text to the likeliest", () => {
  const writer = new CompletionLogprobsWriter(tokenBytes);
  const top = [{ id: 65, logprob: -0.1 }];
  assertEquals(writer.write("Z", [scored("Z", -9, top)]).top_logprobs, [
    { A: -0.1, Z: -9 },
  ]);
  assertEquals(writer.write("Z", [scored("Z", -9)]).top_logprobs, [{ Z: -9 }]);
});

Deno.test("CompletionLogprobsWriter.write() keeps the better of two tokens that look the same", () => {
  const writer = new CompletionLogprobsWriter(tokenBytes);
  const top = [{ id: 65, logprob: -0.1 }, { id: 65, logprob: -4 }];
  assertEquals(writer.write("A", [scored("A", -4, top)]).top_logprobs, [
    { A: -0.1 },
  ]);
});

Deno.test("CompletionLogprobsWriter.write() counts offsets in characters over all pieces", () => {
  const writer = new CompletionLogprobsWriter(tokenBytes);
  assertEquals(
    writer.write("a🙂", [scored("a"), scored("🙂")]).text_offset,
    [0, 1],
  );
  assertEquals(
    writer.write("é!", [scored([0xc3]), scored([0xa9]), scored("!")]),
    {
      tokens: ["bytes:\\xc3", "bytes:\\xa9", "!"],
      token_logprobs: [-0.5, -0.5, -0.5],
      top_logprobs: [
        { "bytes:\\xc3": -0.5 },
        { "bytes:\\xa9": -0.5 },
        { "!": -0.5 },
      ],
      text_offset: [2, 2, 3],
    },
  );
});

Deno.test("CompletionLogprobsWriter.write() gives no room to a token that the text does not show", () => {
  const writer = new CompletionLogprobsWriter(tokenBytes);
  const tokens = [scored("a"), scored("<|end|>"), scored("b")];
  assertEquals(writer.write("ab", tokens).text_offset, [0, 1, 1]);
});

Deno.test("CompletionLogprobsWriter.write() places a token whose first part came a piece before", () => {
  const writer = new CompletionLogprobsWriter(tokenBytes);
  assertEquals(writer.write("x", []).text_offset, []);
  assertEquals(writer.write("y", [scored("xy")]).text_offset, [0]);
  assertEquals(writer.write("z", [scored("z")]).text_offset, [2]);
});
