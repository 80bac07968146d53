"""Records what an independent implementation computes with tiny models of random weights.

    deno run --allow-write=DIR tests/oracles/tiny_models.ts DIR
    python tests/oracles/forward_tiny.py --models DIR --out tests/fixtures

The reference is transformers' Llama on the CPU, with each file's weights dequantised to float32.
It writes forward_tiny.safetensors:

    tokens         u16 [40]           the same for all models
    NAME           f32 [40, vocab]    logits of the model after each token

`models` in `about` says for each NAME the `options` of tests/helpers/tiny_gguf.ts that make the
file and the `sha256` of it, so that a reader can tell when the helper makes another file.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from reference import load_model, versions, write_tensors

TOKENS = [(7 + 37 * i) % 300 for i in range(40)]


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--models", type=Path, required=True, help="folder of the tiny models")
    parser.add_argument("--out", type=Path, required=True, help="folder of the fixtures")
    options = parser.parse_args()

    tensors, models = {"tokens": np.array(TOKENS, np.uint16)}, {}
    for name, made_by in json.loads((options.models / "models.json").read_text()).items():
        gguf = options.models / f"{name}.gguf"
        tensors[name] = load_model(gguf)(torch.tensor([TOKENS])).logits[0].numpy()
        digest = hashlib.sha256(gguf.read_bytes()).hexdigest()
        models[name] = {"options": made_by, "sha256": digest}
    write_tensors(
        options.out / "forward_tiny.safetensors", tensors, {**versions(), "models": models}
    )


if __name__ == "__main__":
    main()
