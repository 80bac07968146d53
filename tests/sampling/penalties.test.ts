import { assertEquals } from "@std/assert";
import { TokenHistory } from "../../src/sampling/history.ts";
import {
  hasPenalty,
  penalise,
  type PenaltyOptions,
} from "../../src/sampling/penalties.ts";

const OFF: PenaltyOptions = {
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
};

/** Token 1 in the prompt, 2 in both (twice), 3 produced three times. */
function history(): TokenHistory {
  const history = new TokenHistory(5);
  for (const id of [1, 2, 1]) history.addPrompt(id);
  for (const id of [3, 2, 3, 3]) history.addProduced(id);
  return history;
}

function penalised(options: Partial<PenaltyOptions>, logits: number[]) {
  const changed = Float32Array.from(logits);
  penalise(changed, history(), { ...OFF, ...options });
  return [...changed];
}

Deno.test("TokenHistory counts what was produced, and each token once", () => {
  const seen = history();
  const ids = Array.from({ length: seen.size }, (_, at) => seen.token(at));
  assertEquals(ids, [1, 2, 3]);
  assertEquals(ids.map((id) => seen.produced(id)), [0, 1, 3]);
});

Deno.test("penalise() divides positive and multiplies negative logits of prompt and continuation", () => {
  assertEquals(
    penalised({ repetitionPenalty: 2 }, [4, 4, -4, 0, 4]),
    [4, 2, -8, 0, 4],
  );
});

Deno.test("penalise() takes the presence penalty once off what was produced", () => {
  assertEquals(
    penalised({ presencePenalty: 0.5 }, [4, 4, 4, 4, 4]),
    [4, 4, 3.5, 3.5, 4],
  );
});

Deno.test("penalise() takes the frequency penalty off for each time", () => {
  assertEquals(
    penalised({ frequencyPenalty: 0.5 }, [4, 4, 4, 4, 4]),
    [4, 4, 3.5, 2.5, 4],
  );
});

Deno.test("penalise() scales before it subtracts", () => {
  const options = {
    repetitionPenalty: 2,
    presencePenalty: 1,
    frequencyPenalty: -0.25,
  };
  assertEquals(penalised(options, [8, 8, 8, 8, 8]), [8, 4, 3.25, 3.75, 8]);
});

Deno.test("penalise() keeps logits finite under the least repetition penalty", () => {
  const logits = penalised({ repetitionPenalty: Number.MIN_VALUE }, [
    9,
    90,
    -90,
    9,
    9,
  ]);
  assertEquals(logits.every(Number.isFinite), true);
});

Deno.test("hasPenalty() tells whether any is on", () => {
  assertEquals(hasPenalty(OFF), false);
  assertEquals(hasPenalty({ ...OFF, repetitionPenalty: 1.1 }), true);
  assertEquals(hasPenalty({ ...OFF, presencePenalty: -1 }), true);
  assertEquals(hasPenalty({ ...OFF, frequencyPenalty: 1 }), true);
});
