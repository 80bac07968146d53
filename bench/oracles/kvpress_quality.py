"""The perplexity of `deno task bench quality`, under the scores of kvpress' presses.

    pip install -r tests/oracles/requirements.txt
    python bench/oracles/kvpress_quality.py --model X.gguf --text FOLDER --slots 256

kvpress compresses once, after the prefill, by a ratio. Here its presses are called after every block
of tokens for a number of slots, through its own KeyRerotationPress (what stays is moved together, so
that positions are indices in the cache), and the first tokens and the last ones always stay. What
the bench has and this has not: 8-bit activations (here all is f32), and scores that add up over
blocks (kvpress looks at one pass only, so there is no h2o). SnapKV's window is one query shorter
than the block, because its press wants more queries than its window.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from kvpress import KeyDiffPress, KeyRerotationPress, RandomPress, ScorerPress
from kvpress import SnapKVPress, StreamingLLMPress, TOVAPress
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer, DynamicCache

sys.path.append(str(Path(__file__).parents[2] / "tests/oracles"))
from reference import load_model, versions  # noqa: E402

PASSAGES = [
    ("anar_secH3", 30_000),
    ("anar_append31", 60_000),
    ("handbook", 40_000),
    ("anar_append46", 50_000),
]
TOKENS, UNSCORED, CLUSTER = 2560, 512, 64
PRESSES = {
    "full": None,
    "random": RandomPress(),
    "streaming_llm": StreamingLLMPress(),
    "snapkv": SnapKVPress(window_size=63, kernel_size=7),
    "tova": TOVAPress(),
    "keydiff": KeyDiffPress(),
}


@dataclass
class Protected(ScorerPress):
    """The scores of another press, with the first and the last tokens above all."""

    press: ScorerPress | None = None
    sinks: int = 4
    window: int = 32

    def score(self, module, hidden_states, keys, values, attentions, kwargs):
        self.press.compression_ratio = self.compression_ratio
        scores = self.press.score(module, hidden_states, keys, values, None, kwargs).clone()
        scores[..., : self.sinks] = torch.inf
        scores[..., -self.window :] = torch.inf
        return scores


def compressing(press: ScorerPress, slots: int):
    """A hook on an attention layer that brings its cache back to `slots`."""
    rotating = KeyRerotationPress(Protected(press=press))

    def hook(module, _inputs, kwargs, output):
        layer = kwargs["past_key_values"].layers[module.layer_idx]
        length = layer.keys.shape[2]
        if length > slots:
            # Half a slot more, so that rounding down gives `slots`.
            rotating.compression_ratio = 1 - (slots + 0.5) / length
            layer.keys, layer.values = rotating.compress(
                module, kwargs["hidden_states"], layer.keys, layer.values, None, kwargs
            )
        return output

    return hook


@torch.inference_mode()
def read(model, tokens: torch.Tensor, block: int) -> torch.Tensor:
    """The surprise, in nats, of the tokens from UNSCORED on; `tokens` [TOKENS]."""
    cache = DynamicCache()
    nats = []
    for first in range(0, TOKENS, block):
        chunk = tokens[first : first + block]
        held = cache.get_seq_length()
        logits = model(
            chunk[None],
            past_key_values=cache,
            cache_position=torch.arange(held, held + len(chunk)),
        ).logits[0]
        following = tokens[first + 1 : first + 1 + len(chunk)]
        nats.append(cross_entropy(logits[: len(following)], following, reduction="none"))
    return torch.cat(nats)[UNSCORED - 1 :]


def measure(model, texts: list[torch.Tensor], press: ScorerPress | None, slots: int, block: int):
    """The mean surprise of every CLUSTER tokens."""
    hooks = []
    for layer in model.model.layers if press else []:
        layer.self_attn.rotary_emb = model.model.rotary_emb
        hook = compressing(press, slots)
        hooks.append(layer.self_attn.register_forward_hook(hook, with_kwargs=True))
    nats = torch.stack([read(model, text, block) for text in texts])
    for hook in hooks:
        hook.remove()
    return nats.reshape(-1, CLUSTER).mean(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="the default model's GGUF")
    parser.add_argument("--text", type=Path, required=True, help="folder of the reference texts")
    parser.add_argument("--slots", type=int, default=256)
    parser.add_argument("--block", type=int, default=64)
    parser.add_argument("--methods", default=",".join(PRESSES))
    options = parser.parse_args()
    torch.manual_seed(0)
    model = load_model(options.model)
    file = options.model
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    texts = []
    for name, offset in PASSAGES:
        text = (options.text / f"{name}.txt").read_text()[offset : offset + TOKENS * 6]
        ids = tokenizer(text, add_special_tokens=False).input_ids[:TOKENS]
        texts.append(torch.tensor(ids))
    print(", ".join(f"{name} {version}" for name, version in versions("kvpress").items()))
    print("\n| method | slots | nats | Δ nats |\n| --- | --: | --: | --- |")
    full = None
    for method in dict.fromkeys(["full", *options.methods.split(",")]):
        start = time.monotonic()
        nats = measure(model, texts, PRESSES[method], options.slots, options.block)
        full = nats if full is None else full
        delta = nats - full
        error = delta.std() / len(delta) ** 0.5
        slots = "all" if method == "full" else options.slots
        change = f"{delta.mean():+.3f} ± {error:.3f}"
        print(f"| {method} | {slots} | {nats.mean():.3f} | {change} |", flush=True)
        print(f"{method}: {time.monotonic() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
