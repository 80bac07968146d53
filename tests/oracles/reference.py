"""The reference model and the form in which its answers are recorded."""

import hashlib
import importlib.metadata
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save
from transformers import AutoModelForCausalLM
from transformers.utils import logging

TOP = 64


def load_model(gguf: Path):
    """The weights of `gguf`, dequantised to float32, in transformers' own Llama."""
    logging.disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent, gguf_file=gguf.name, dtype=torch.float32
    )
    return model.eval()


def top_logprobs(logits: torch.Tensor) -> dict[str, np.ndarray]:
    """The likeliest tokens of each row of `logits` [position, vocab], likeliest first.

    `ids` [position, TOP] uint16, `logprobs` [position, TOP] float32 (natural logarithms), and
    `rest` [position] float32, the logarithm of the probability of all other tokens together.
    The softmax is taken in float64.
    """
    logprobs = torch.log_softmax(logits.double(), dim=-1)
    top = logprobs.topk(TOP, dim=-1)
    rest = logprobs.scatter(-1, top.indices, -torch.inf).logsumexp(-1)
    return {
        "ids": top.indices.numpy().astype(np.uint16),
        "logprobs": top.values.numpy().astype(np.float32),
        "rest": rest.numpy().astype(np.float32),
    }


def versions(*more: str) -> dict[str, str]:
    """The libraries that computed a record, and the versions of `more` that had a part in it."""
    return {name: importlib.metadata.version(name) for name in ("torch", "transformers", *more)}


def about(gguf: Path) -> dict[str, str]:
    """Where a record comes from: the model file's digest and the libraries that read it."""
    return {"modelSha256": hashlib.sha256(gguf.read_bytes()).hexdigest(), **versions()}


def write_tensors(path: Path, tensors: dict[str, np.ndarray], info: dict) -> None:
    """Writes a safetensors file with `info` as JSON under the metadata key `about`."""
    tensors = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    path.write_bytes(save(tensors, metadata={"about": json.dumps(info, sort_keys=True)}))
    print(f"{path.name}: {path.stat().st_size} bytes")
