"""Observation normalisers: VecNormalize of Stable-Baselines3 from its pickle, which is never unpickled, or by hand."""

import json
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.importing import numpy_pickles, pickles
from workbench.importing.archives import DAMAGED, Archive
from workbench.importing.formats.arrays import array
from workbench.importing.pickles import Record
from workbench.policies import Normaliser, PolicySpec, flatten, layers
from workbench.text import clean

INERT = ("stable_baselines3.", "sb3_contrib.", "gymnasium.", "gym.", "numpy.random.", "collections.")
"""Whose objects stand in a VecNormalize; they become records."""
FILE = "vecnormalize.pkl"
EPSILON = 1e-8
STEPS = re.compile(r"^(.*)_(\d+)_steps$")
"""Names that a checkpoint callback gives: `rl_model_10000_steps.zip`, `rl_model_vecnormalize_10000_steps.pkl`."""


def beside(checkpoint: Path, env: str) -> Path | None:
    """The VecNormalize that was saved with a checkpoint: of the same step, in its folder, or in one named as the
    environment is.
    """
    candidates = [checkpoint.parent / FILE, *([checkpoint.parent / env / FILE] if env else [])]
    told = STEPS.match(checkpoint.stem)
    if told:
        candidates.insert(0, checkpoint.with_name(f"{told[1]}_vecnormalize_{told[2]}_steps.pkl"))
    return next((path for path in candidates if path.is_file()), None)


def read(path: Path) -> Normaliser | None:
    """A normaliser from a VecNormalize (.pkl), or from mean and scale, std or var in JSON or .npz; None for one that
    normalises rewards alone.

    Raises:
        WorkbenchError: it cannot be read, or says something else.
    """
    try:
        about = path.stat()
        if about.st_size > pickles.LARGEST:
            raise WorkbenchError(f"{path}: {about.st_size / 2**20:.0f} MiB; normalisers are smaller than 64")
        found = _read(path, about.st_size, about.st_mtime_ns)
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: no such file") from None
    except OSError as error:
        raise WorkbenchError(f"{path}: cannot be read ({error.strerror or error})") from None
    if isinstance(found, str):
        raise WorkbenchError(found)
    return found


@lru_cache(maxsize=64)
def _read(path: Path, _size: int, _changed: int) -> Normaliser | str | None:
    """The normaliser, or why there is none. One file stands beside many checkpoints: it is read once."""
    data = path.read_bytes()
    try:
        match path.suffix:
            case ".pkl":
                return _vecnormalize(data)
            case ".npz":
                archive = Archive(BytesIO(data))
                return _by_hand({n.removesuffix(".npy"): array(archive.read(n)) for n in archive.members})
            case ".json":
                return _by_hand(json.loads(data))
            case _:
                raise WorkbenchError("expected a file ending in .pkl, .json or .npz")
    except WorkbenchError as error:
        return f"{path}: {error}"
    except DAMAGED as error:
        return f"{path}: no normaliser ({clean(error, 80)})"


def _vecnormalize(data: bytes) -> Normaliser | None:
    found = pickles.read(BytesIO(data), numpy_pickles.CALLS, INERT)
    if not isinstance(found, Record) or not found.path.endswith(".VecNormalize"):
        raise WorkbenchError("not a VecNormalize")
    if not found.get("norm_obs", True):
        return None
    running = found.get("obs_rms")
    if not isinstance(running, Record):
        raise WorkbenchError("a VecNormalize without one mean and variance of observations")
    epsilon, clip = found.get("epsilon", EPSILON), found.get("clip_obs", 10.0)
    return _normaliser(running.get("mean"), running.get("var"), epsilon, clip)


def _by_hand(said: Any) -> Normaliser:
    if not isinstance(said, dict) or "mean" not in said:
        raise WorkbenchError("expected `mean`, and one of `scale`, `std` or `var`")
    known = {"mean", "scale", "std", "var", "clip", "epsilon"}
    spread = [name for name in ("scale", "std", "var") if name in said]
    if unknown := set(said) - known:
        raise WorkbenchError(f"unknown entries {', '.join(sorted(clean(u, 30) for u in unknown))}")
    if len(spread) != 1:
        raise WorkbenchError(f"expected one of `scale`, `std` or `var`, got {', '.join(spread) or 'none'}")
    values = np.asarray(said[spread[0]], float)
    squares = values if spread[0] == "var" else values**2
    default = EPSILON if spread[0] == "var" else 0.0
    return _normaliser(said["mean"], squares, said.get("epsilon", default), said.get("clip", math.inf))


def _normaliser(mean: Any, variance: Any, epsilon: Any, clip: Any) -> Normaliser:
    """clip((o - mean) / sqrt(variance + epsilon)), as VecNormalize.normalize_obs has it."""
    try:
        with np.errstate(invalid="ignore"):
            scale = np.sqrt(np.asarray(variance, float) + float(epsilon))
        means = np.asarray(mean, float)
        if means.ndim != 1 or scale.ndim != 1:
            raise WorkbenchError(f"mean and variance of shapes {means.shape} and {scale.shape}; vectors are expected")
        return Normaliser(tuple(means.tolist()), tuple(scale.tolist()), float(clip))
    except (TypeError, ValueError):
        raise WorkbenchError("its mean, variance or clip are no numbers") from None


@dataclass(frozen=True)
class Folded:
    """Networks that do themselves what a normaliser did for them."""

    weights: NDArray[np.float32]
    bias: bool


def fold(weights: NDArray[np.float32], spec: PolicySpec, normaliser: Normaliser) -> Folded:
    """A normaliser taken into the first layer: exact but for its clip.

    Args:
        weights: (k, p) of networks behind the normaliser.
        spec: theirs, without it; layers without biases get some.
        normaliser: what stood before them.
    """
    scale, mean = np.asarray(normaliser.scale), np.asarray(normaliser.mean)
    parts = [
        (matrix.astype(float), np.zeros(matrix.shape[:-1]) if bias is None else bias.astype(float))
        for matrix, bias in layers(weights, spec)
    ]
    first = parts[0][0] / scale
    parts[0] = first, parts[0][1] - first @ mean
    return Folded(flatten(parts).astype(np.float32), True)  # type: ignore[arg-type]
