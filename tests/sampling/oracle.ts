/** What tests/oracles/sampling.py recorded. */
export interface SamplingOracle {
  cases: {
    logits: number[];
    /** Tokens of the text so far. */
    seen: number[];
    logprobs: number[];
    results: {
      /** Those that differ from the neutral ones. */
      options: Record<string, number>;
      /** Tokens that may be drawn, ascending, and their probabilities. */
      ids: number[];
      probs: number[];
    }[];
  }[];
}

export function readOracle(): SamplingOracle {
  const url = new URL("../fixtures/sampling.json", import.meta.url);
  return JSON.parse(Deno.readTextFileSync(url));
}
