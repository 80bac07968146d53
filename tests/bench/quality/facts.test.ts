import { assertEquals } from "@std/assert";
import { Draw } from "../../../bench/quality/draw.ts";
import {
  drawFacts,
  FOUR_KINDS,
  THREE_KINDS,
} from "../../../bench/quality/facts.ts";

Deno.test("drawFacts() draws facts of different kinds about different people", () => {
  for (let stream = 0; stream < 20; stream++) {
    const facts = drawFacts(new Draw(1, stream), FOUR_KINDS, 3);
    const kinds = facts.map(({ begun }) => begun.split(" of ")[0]);
    const people = facts.map(({ begun }) => begun.split(" of ")[1]);
    assertEquals([new Set(kinds).size, new Set(people).size], [3, 3]);
  }
});

Deno.test("drawFacts() tells a fact as its question's answer begins", () => {
  for (const fact of drawFacts(new Draw(1, 0), THREE_KINDS, 3)) {
    const { begun, word, sentence, question } = fact;
    assertEquals(sentence, `${begun} ${word}.`);
    const person = begun.match(/ of (\w+) /)![1];
    assertEquals(question.endsWith(` of ${person}?`), true);
  }
});
