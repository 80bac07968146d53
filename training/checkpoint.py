"""Files that a stage can be taken up from."""

import hashlib
import os
from pathlib import Path
from typing import Any

import torch


def save_checkpoint(path: Path, options: Any, state: Any) -> None:
    """Writes beside `path`, then renames, so that a checkpoint is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    torch.save({"options": options, "state": state}, beside)
    os.replace(beside, path)


def load_checkpoint(path: Path, options: Any) -> Any:
    """The state of a checkpoint, or None if there is none.

    Raises ValueError if it was made with other options.
    """
    if not path.exists():
        return None
    found = torch.load(path, weights_only=False)
    if found["options"] != options:
        raise ValueError(f"Cannot resume from {path}: it was made with {found['options']}; remove it or ask for the same")
    return found["state"]


def hash_of(*tensors: torch.Tensor) -> str:
    """Tells tensors apart."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
