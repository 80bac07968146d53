import { assertEquals, assertThrows } from "@std/assert";
import { JinjaTemplate } from "../../src/chat/jinja.ts";
import { ModelError } from "../../src/engine/errors.ts";
import type { ChatMessage } from "../../src/engine/types.ts";

const SPECIAL = { bos: "<s>", eos: "</s>" };
const TALK: ChatMessage[] = [
  { role: "user", content: "Hi", name: "Ann" },
  { role: "assistant", content: "Hello" },
];

function render(source: string, messages = TALK, answer = true): string {
  return new JinjaTemplate(source, SPECIAL).render(messages, answer);
}

Deno.test("JinjaTemplate.render() gives what templates ask for", () => {
  const cases: [source: string, text: string][] = [
    ["{{ bos_token }}{{ eos_token }}", "<s></s>"],
    [
      "{% for m in messages %}{{ m.role }} {{ m.name }}.{% endfor %}",
      "user Ann.assistant .",
    ],
    ["{{ messages[0]['content'] }}", "Hi"],
    ["{% if add_generation_prompt %}yes{% endif %}", "yes"],
    ["{% if tools is not none %}tools{% endif %}", ""],
    ["{% if documents %}documents{% endif %}", ""],
    ["a\n{% if true %}\n  b\n{% endif %}\nc", "a\n  b\nc"],
  ];
  for (const [source, text] of cases) {
    assertEquals(render(source), text, source);
  }
});

Deno.test("JinjaTemplate.render() passes the template's own complaint on", () => {
  const error = assertThrows(
    () => render("{{ raise_exception('Roles must alternate') }}"),
    RangeError,
    "Cannot render the conversation: Roles must alternate",
  );
  assertEquals(error.message.split("\n").length, 1);
});

Deno.test("JinjaTemplate.render() refuses what a template cannot do", () => {
  const sources = [
    "{{ messages | nosuchfilter }}",
    "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
    "{% set ns = namespace(t='xxxxxxxx') %}{% for i in range(60) %}" +
    "{% set ns.t = ns.t + ns.t %}{% endfor %}{{ ns.t }}",
  ];
  for (const source of sources) {
    assertThrows(
      () => render(source),
      RangeError,
      "Cannot render the conversation: ",
    );
  }
});

Deno.test("JinjaTemplate.render() bounds what a template makes of a conversation", () => {
  const source = "{% for a in messages %}{% for b in messages %}" +
    "{{ b.content }}{% endfor %}{% endfor %}";
  const many = Array.from(
    { length: 50 },
    (): ChatMessage => ({ role: "user", content: "x".repeat(1000) }),
  );
  assertEquals(render(source, many.slice(0, 2)).length, 4000);
  assertThrows(
    () => render(source, many),
    RangeError,
    "the chat template makes 2500000 characters of 50000",
  );
});

Deno.test("JinjaTemplate() refuses what is not a template", () => {
  for (const source of ["{% if %}", "{{ 'open", "{% for m in messages %}"]) {
    assertThrows(
      () => new JinjaTemplate(source, SPECIAL),
      ModelError,
      "Cannot parse the model's chat template: ",
    );
  }
});
