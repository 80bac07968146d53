"""Records what `transformers` makes of random logits under the options of a sampler.

    python tests/oracles/sampling.py > tests/fixtures/sampling.json

Needs torch and transformers 5.2. Logits are multiples of 1/256, so that f32 and JSON hold them exactly,
and all different, so that no rule for ties matters.
"""

import json

import torch
import transformers
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

VOCAB = 160
OPTIONS = [
    {},
    {"temperature": 0.7},
    {"temperature": 1.9},
    {"topK": 1},
    {"topK": 10},
    {"topK": 159},
    {"topK": 500},
    {"topP": 0.05},
    {"topP": 0.5},
    {"topP": 0.9},
    {"topP": 0.999},
    {"minP": 0.02},
    {"minP": 0.3},
    {"minP": 1.0},
    {"repetitionPenalty": 1.3},
    {"repetitionPenalty": 0.6},
    {"temperature": 0.8, "topK": 40, "topP": 0.95},
    {"temperature": 1.5, "topK": 25, "topP": 0.8, "minP": 0.1},
    {"temperature": 0.6, "topP": 0.9, "minP": 0.05, "repetitionPenalty": 1.2},
    {"temperature": 2.0, "topK": 60, "minP": 0.2, "repetitionPenalty": 1.9},
]


def random_logits(generator, spread):
    steps = torch.randperm(int(VOCAB * 8 * spread), generator=generator)[:VOCAB]
    return (steps - int(VOCAB * 4 * spread)) / 256


def processors(options):
    chain = LogitsProcessorList()
    if "repetitionPenalty" in options:
        chain.append(RepetitionPenaltyLogitsProcessor(options["repetitionPenalty"]))
    if "temperature" in options:
        chain.append(TemperatureLogitsWarper(options["temperature"]))
    if "topK" in options:
        chain.append(TopKLogitsWarper(options["topK"]))
    if "topP" in options:
        chain.append(TopPLogitsWarper(options["topP"]))
    if "minP" in options:
        chain.append(MinPLogitsWarper(options["minP"]))
    return chain


def main():
    generator = torch.Generator().manual_seed(0)
    cases = []
    for spread in (0.5, 1.5, 4.0):
        logits = random_logits(generator, spread)
        seen = torch.randint(0, VOCAB, (30,), generator=generator)
        logprobs = torch.log_softmax(logits.double(), dim=-1)
        results = []
        for options in OPTIONS:
            scores = processors(options)(seen[None], logits[None].clone())
            probs = torch.softmax(scores[0].double(), dim=-1)
            support = torch.nonzero(probs).flatten().tolist()
            results.append(
                {
                    "options": options,
                    "ids": support,
                    "probs": [round(probs[i].item(), 9) for i in support],
                }
            )
        cases.append(
            {
                "logits": logits.tolist(),
                "seen": seen.tolist(),
                "logprobs": [round(x, 9) for x in logprobs.tolist()],
                "results": results,
            }
        )
    print(json.dumps({"transformers": transformers.__version__, "cases": cases}))


if __name__ == "__main__":
    main()
