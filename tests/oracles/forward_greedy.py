"""forward_greedy.json: the 64 tokens that greedy decoding appends to each of ten chats.

Each of `chats` has the `messages`, the `prompt` (ids, by the chat template in the model file) and
64 `tokens`. Decoding does not end at a stop token; `stopAt` is the index of the first <|im_end|>
among the tokens, or -1, for a reader that stops there. Per step, `runnerUp` is the second best
token, and `best` and `second` are the logits of the two: where they lie close, an implementation
that rounds otherwise may depart. `llamaCppAgrees` is, for information, the number of leading
tokens that llama.cpp (8-bit activations) chooses alike.
"""

import json
from pathlib import Path

import torch
from llama_cpp_peer import Peer

TOKENS = 64
NEAR_TIE = 0.3


def record(model, peer: Peer, tokenizer, chats: list, info: dict, path: Path) -> None:
    stop = tokenizer.convert_tokens_to_ids("<|im_end|>")
    records = []
    for messages in chats:
        prompt = tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_dict=False
        )
        steps = greedy(model, prompt)
        tokens = [step.indices[0].item() for step in steps]
        theirs = peer.greedy(prompt, TOKENS)
        records.append({
            "messages": messages,
            "prompt": prompt,
            "tokens": tokens,
            "runnerUp": [step.indices[1].item() for step in steps],
            "best": [round(step.values[0].item(), 5) for step in steps],
            "second": [round(step.values[1].item(), 5) for step in steps],
            "stopAt": tokens.index(stop) if stop in tokens else -1,
            "llamaCppAgrees": next((i for i in range(TOKENS) if theirs[i] != tokens[i]), TOKENS),
        })
        report(records[-1], tokenizer)
    lines = ",\n".join(json.dumps(chat) for chat in records)
    path.write_text(f'{{"about": {json.dumps(info)}, "chats": [\n{lines}\n]}}\n')


@torch.no_grad()
def greedy(model, prompt: list[int]) -> list[torch.return_types.topk]:
    """The two best logits of each step of greedy decoding after `prompt`."""
    output = model(torch.tensor([prompt]), use_cache=True)
    steps = [output.logits[0, -1].topk(2)]
    while len(steps) < TOKENS:
        chosen = steps[-1].indices[:1][None]
        output = model(chosen, past_key_values=output.past_key_values)
        steps.append(output.logits[0, -1].topk(2))
    return steps


def report(chat: dict, tokenizer) -> None:
    gaps = [best - second for best, second in zip(chat["best"], chat["second"])]
    ties = {index: round(gap, 4) for index, gap in enumerate(gaps) if gap <= NEAR_TIE}
    print(f"{chat['messages'][-1]['content']} -> {tokenizer.decode(chat['tokens'])!r}")
    print(f"  near ties {ties}, llama.cpp agrees for {chat['llamaCppAgrees']}")
