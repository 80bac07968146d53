"""Records what an independent implementation computes with the default model.

    pip install -r tests/oracles/requirements.txt
    python tests/oracles/forward.py --model X.gguf --out tests/fixtures

The reference is transformers' Llama on the CPU, with the file's weights dequantised to float32.
Nothing is random; another machine or version of torch may differ in the last digits of a float.
It writes forward_kl.safetensors, forward_greedy.json and forward_sliding.safetensors; the module
of the same name says what is in each, and tests/helpers/oracle.ts reads them.
"""

import argparse
from pathlib import Path

import forward_greedy
import forward_kl
import forward_sliding
from forward_texts import CHATS, TEXTS
from llama_cpp_peer import Peer
from reference import about, load_model
from transformers import AutoTokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, required=True, help="the default model's GGUF")
    parser.add_argument("--out", type=Path, required=True, help="folder of the fixtures")
    options = parser.parse_args()

    gguf, out = options.model.resolve(), options.out
    model, peer, info = load_model(gguf), Peer(gguf), about(gguf)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    texts = forward_kl.cut({
        name: tokenizer(text, add_special_tokens=False).input_ids for name, text in TEXTS.items()
    })
    forward_kl.record(model, peer, texts, info, out / "forward_kl.safetensors")
    forward_greedy.record(model, peer, tokenizer, CHATS, info, out / "forward_greedy.json")
    stream = sum(texts.values(), [])
    forward_sliding.record(model, stream, info, out / "forward_sliding.safetensors")


if __name__ == "__main__":
    main()
