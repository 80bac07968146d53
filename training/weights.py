"""The file that the engine reads."""

import json
from datetime import date
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .budget import SIZES
from .model import Model, sha256_of
from .options import Options
from .parts import Parts
from .score import POOL

FORMAT = "locoloop-learned/1"
MOST_BYTES = 4 * 1024 * 1024


def write_weights(path: Path, model: Model, options: Options, parts: Parts, errors: torch.Tensor, trained: dict) -> None:
    """Writes all learned parts with their metadata; `errors` [layers, kv_heads, sizes] are what slots are shared out by.

    Raises FloatingPointError if a number is not finite, ValueError if the file would be too large.
    """
    tensors = learned_tensors(parts, errors)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise FloatingPointError(f"Cannot write {name}: it has numbers that are not finite")
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if size > MOST_BYTES:
        raise ValueError(f"Cannot write {path.name}: {size} bytes, at most {MOST_BYTES}")
    c = model.config
    facts = {
        "format": FORMAT,
        "model_sha256": model.sha256,
        "layers": c.layers,
        "query_heads": c.heads,
        "kv_heads": c.kv_heads,
        "head_dim": c.head_dim,
        "hidden": c.hidden,
        "block": options.block,
        "sinks": options.sinks,
        "recent": options.recent,
        "share": parts.share,
        "far": options.far,
        "pool": POOL,
        "trained": json.dumps({"date": date.today().isoformat(), **trained}, sort_keys=True),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {name: str(value) for name, value in facts.items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata)
    # It is written for its owner alone; a server may run as somebody else.
    path.chmod(0o644)


def learned_tensors(parts: Parts, errors: torch.Tensor) -> dict[str, torch.Tensor]:
    """The tensors of the file, f32."""
    corrections = parts.corrections
    tensors = {
        "score.text": parts.text.detach(),
        "score.chat": parts.chat.detach(),
        "budget.sizes": torch.tensor(SIZES),
        "budget.error": errors,
    }
    if corrections is not None:
        tensors |= {f"correction.{name}": part.detach() for name, part in corrections.named_parameters()}
    if parts.fusion is not None:
        tensors |= {f"fusion.{name}": part.detach() for name, part in parts.fusion.named_parameters()}
    return {name: tensor.float() for name, tensor in tensors.items()}


def read_weights(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a file."""
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def read_weights_of(model: Model, path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata of a file that was made for `model`.

    Raises FileNotFoundError if it is not there, ValueError if it is another file or another model's.
    """
    if not path.is_file():
        raise FileNotFoundError(f"Cannot read {path}: no such file")
    try:
        tensors, metadata = read_weights(path)
    except SafetensorError as error:
        raise ValueError(f"Cannot read {path}: {error}") from error
    if (metadata or {}).get("format") != FORMAT:
        raise ValueError(f"Cannot start from {path}: it is not a file of learned parts ({FORMAT})")
    if metadata["model_sha256"] != model.sha256:
        raise ValueError(f"Cannot start from {path}: it was made for another model")
    missing = [name for name in ("score.text", "score.chat", "budget.error") if name not in tensors]
    if missing:
        raise ValueError(f"Cannot start from {path}: it lacks {', '.join(missing)}")
    return tensors, metadata


def read_history(metadata: dict[str, str]) -> tuple[dict, list[dict]]:
    """How a file says that it was trained, and the runs of tuning, the first one first."""
    trained = json.loads(metadata["trained"])
    runs = trained.pop("tune", [])
    if isinstance(runs, dict):
        # As the first files have it: the last run, and at most one before it.
        runs = [run for run in (trained.pop("before", None), runs) if run is not None]
    return trained, runs


def enter_in_index(index: Path, weights: Path, model_path: Path) -> None:
    """Makes `index` name `weights` for the model."""
    entries = json.loads(index.read_text()) if index.exists() else {}
    entries[sha256_of(model_path)] = {
        "file": weights.name,
        "sha256": sha256_of(weights),
        "model_bytes": model_path.stat().st_size,
    }
    index.write_text(json.dumps(entries, indent=2, sort_keys=True) + "\n")
