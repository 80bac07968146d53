/** The server over the default model. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import OpenAI from "openai";
import { untilIdle, untilLoad } from "../helpers/health.ts";
import { realModelPath } from "../helpers/real_model.ts";
import { ServerProcess } from "../helpers/server_process.ts";

Deno.test("the default model answers over the API", async (t) => {
  await using server = await ServerProcess.start([
    ...["--model", realModelPath(), "--method", "streaming_llm"],
  ]);
  const client = new OpenAI({
    baseURL: `${server.url}/v1`,
    apiKey: "none",
    maxRetries: 0,
  });
  const { data: [{ id: model }] } = await client.models.list();
  const ask = (content: string) => ({
    model,
    messages: [{ role: "user" as const, content }],
    temperature: 0,
  });

  await t.step("with language, and ends by itself", async () => {
    const answer = await client.chat.completions.create({
      ...ask("What is the capital of France? Answer in one sentence."),
      max_tokens: 60,
    });
    const [choice] = answer.choices;
    assertMatch(choice.message.content ?? "", /Paris/);
    assertEquals(choice.finish_reason, "stop");
  });

  await t.step("the same in a stream", async () => {
    const request = { ...ask("Count from one to five."), max_tokens: 24 };
    const whole = await client.chat.completions.create(request);
    const stream = await client.chat.completions.create({
      ...request,
      stream: true,
    });
    let text = "";
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? "";
    }
    assertEquals(text, whole.choices[0].message.content);
    assert(text.length > 20, text);
  });

  await t.step("going on with an answer that was begun", async () => {
    const { choices } = await client.chat.completions.create({
      ...ask("What is the capital of France?"),
      messages: [
        { role: "user", content: "What is the capital of France?" },
        { role: "assistant", content: "The capital of France is" },
      ],
      max_tokens: 4,
    });
    assertMatch(choices[0].message.content ?? "", /^ Paris/);
  });

  await t.step("reading only what is new in the next turn", async () => {
    const first = "My dog is called Rufus. Say hello to him.";
    const { messages, ...rest } = ask(first);
    const limits = { ...rest, max_tokens: 40 };
    const answer = await client.chat.completions.create({
      ...limits,
      messages,
    });
    const next = await client.chat.completions.create({
      ...limits,
      messages: [
        ...messages,
        answer.choices[0].message,
        { role: "user", content: "What is the name of my dog?" },
      ],
    });
    const known = next.usage!.prompt_tokens_details!.cached_tokens!;
    const { prompt_tokens, completion_tokens } = answer.usage!;
    // The last token of the answer was drawn and not read.
    assertEquals(known, prompt_tokens + completion_tokens - 1);
    assertMatch(next.choices[0].message.content ?? "", /Rufus/);
  });

  await t.step("scoring a sensible text above a senseless one", async () => {
    const score = async (prompt: string) => {
      const { choices: [{ logprobs }] } = await client.completions.create({
        model,
        prompt,
        echo: true,
        logprobs: 0,
        max_tokens: 0,
      });
      return logprobs!.token_logprobs!.slice(1).reduce((a, b) => a + b, 0);
    };
    const sensible = await score("The capital of France is Paris.");
    const senseless = await score("The capital of France is carrots.");
    assert(sensible > senseless + 2, `${sensible} and ${senseless}`);
  });

  await t.step(
    "and is free again when a client leaves in prefill",
    async () => {
      const leaving = new AbortController();
      const prompt = Array.from({ length: 20_000 }, (_, at) => 100 + at % 300);
      const answer = client.completions.create(
        { model, prompt },
        { signal: leaving.signal },
      );
      const left = assertRejects(() => answer, OpenAI.APIUserAbortError);
      await untilLoad(server, ({ running }) => running === 1);
      leaving.abort();
      await left;
      await untilIdle(server);
    },
  );
});
