import { assertEquals, assertThrows } from "@std/assert";
import { chooseMarks, isMarked, mark, unmark } from "../../src/chat/marks.ts";

const MARKS = { open: "\ufdd0", close: "\ufdd1", end: "\ufdd2" };

Deno.test("chooseMarks() gives three characters that the texts have not", () => {
  assertEquals(chooseMarks(["plain"]), MARKS);
  assertEquals(chooseMarks(["a\ufdd0", "\ufdd2b"]), {
    open: "\ufdd1",
    close: "\ufdd3",
    end: "\ufdd4",
  });
});

Deno.test("chooseMarks() goes on in the private use area", () => {
  const all = Array.from(
    { length: 32 },
    (_, at) => String.fromCharCode(0xfdd0 + at),
  ).join("");
  assertEquals(chooseMarks([all, "\ue001"]), {
    open: "\ue000",
    close: "\ue002",
    end: "\ue003",
  });
});

Deno.test("chooseMarks() refuses texts that leave none", () => {
  let all = "";
  for (let code = 0xe000; code <= 0xf8ff; code++) {
    all += String.fromCharCode(code);
  }
  for (let code = 0xfdd0; code <= 0xfdef; code++) {
    all += String.fromCharCode(code);
  }
  assertThrows(
    () => chooseMarks([all]),
    RangeError,
    "Cannot render the conversation: it uses every private character",
  );
});

Deno.test("mark() stands on both sides of each character, unmark() undoes it", () => {
  const marked = mark(" a😀 \ud800", /\S/gu, MARKS);
  assertEquals(
    marked,
    " \ufdd0a\ufdd1\ufdd0😀\ufdd1 \ufdd0\ud800\ufdd1",
  );
  assertEquals(unmark(marked, MARKS), " a😀 \ud800");
});

Deno.test("isMarked() says whether unmark() would give a text", () => {
  const marked = mark(" a😀 \ud800", /\S/gu, MARKS);
  for (
    const plain of [" a😀 \ud800", " a😀 ", " a😀 \ud800b", "", " b😀 \ud800"]
  ) {
    const isSame = unmark(marked, MARKS) === plain;
    assertEquals(isMarked(marked, plain, MARKS), isSame, plain);
  }
  assertEquals(isMarked("\ufdd0\ufdd1", "", MARKS), true);
});
