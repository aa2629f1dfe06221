"""One checkpoint read: its networks, the spec they are taken to have, and what was assumed for it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import WorkbenchError
from workbench.importing import formats, naming, normalisers
from workbench.importing.archives import DAMAGED
from workbench.importing.contract import HEAD, Hints
from workbench.policies import ACTION_RULES, ACTIVATIONS, PolicySpec
from workbench.rules import parse
from workbench.text import clean

LARGEST = 1 << 30
"""Bytes of a file."""
SPEC = "spec.json"
"""What the files of a folder are, as `export` writes it beside state dicts: a spec in JSON."""
LARGEST_SPEC = 1 << 20
MOST_NUMBERS = 1 << 28
"""In the weights of one file."""


@dataclass(frozen=True)
class Overrides:
    """What is said of the networks instead of being assumed."""

    activation: str = ""
    """Between layers: identity, elu, relu, tanh or sigmoid; else what such files usually have."""
    action: str = ""
    """How outputs become actions: greedy (assumed) or sampled."""
    env: str = ""
    """Gymnasium id of the environment; else by name or by the numbers of observations and outputs."""
    env_kwargs: tuple[str, ...] = ()
    """An argument of the environment, as in gravity=9.8; may be repeated."""
    normaliser: str = ""
    """A VecNormalize (.pkl), or mean and scale, std or var (.json, .npz); none; else the VecNormalize beside a file."""
    fold: bool = False
    """Take normalisers into the first layer (exact but for their clip): networks with their own share a spec."""
    sizes: str = ""
    """Layer sizes of flat vectors, as in 4-64-2."""
    network: str = ""
    """Beginning of the names of the policy's layers, where a file holds several networks."""

    def check(self) -> None:
        """Told before any file is read.

        Raises:
            WorkbenchError: a value that cannot be.
        """
        if self.activation and self.activation not in ACTIVATIONS:
            raise WorkbenchError(f"activation: expected {', '.join(ACTIVATIONS)}, got {self.activation!r}")
        if self.action and self.action not in ACTION_RULES:
            raise WorkbenchError(f"action: expected {' or '.join(ACTION_RULES)}, got {self.action!r}")
        if self.normaliser not in ("", "none"):
            normalisers.read(Path(self.normaliser))
        _ = self.hints, self.arguments

    @property
    def said(self) -> dict[str, Any]:
        """Fields of a spec that are not to be assumed, whatever the files say."""
        given = {"activation": self.activation, "action": self.action, "env": self.env, "env_kwargs": self.arguments}
        return {name: value for name, value in given.items() if value}

    @property
    def hints(self) -> Hints:
        """What formats want to know.

        Raises:
            WorkbenchError: layer sizes that cannot be.
        """
        try:
            sizes = tuple(int(n) for n in self.sizes.replace(",", "-").split("-")) if self.sizes else ()
        except ValueError:
            sizes = (0,)
        if self.sizes and (len(sizes) < 2 or min(sizes) < 1):
            raise WorkbenchError(f"sizes: expected layer sizes as in 4-64-2, got {clean(self.sizes)!r}")
        return Hints(sizes, self.network)

    @property
    def arguments(self) -> tuple[tuple[str, Any], ...]:
        """Arguments of the environment.

        Raises:
            WorkbenchError: not of the form name=value, or a value that is neither number, text nor truth.
        """
        found = parse(self.env_kwargs)
        for name, value in found.items():
            if isinstance(value, dict | list):
                raise WorkbenchError(f"env-kwargs: expected a number, text, true, false or null for {name}")
        return tuple(sorted(found.items()))


@dataclass(frozen=True)
class Checkpoint:
    """The networks of one file."""

    name: str
    """The file, below the folder that is read."""
    format: str
    spec: PolicySpec
    weights: NDArray[np.float32]
    """(k, p)."""
    assumed: tuple[str, ...]
    columns: Mapping[str, Any] = field(default_factory=dict)
    """What the file says besides, for all its networks alike."""


def read(root: Path, name: str, overrides: Overrides) -> Checkpoint:
    """The networks of a file below a folder.

    Raises:
        WorkbenchError: why it cannot be read, without its name.
    """
    path = root / name
    try:
        with open(path, "rb") as file:
            first = file.read(HEAD)
            size = file.seek(0, 2)
        if size > LARGEST:
            raise WorkbenchError(f"{size / 2**30:.1f} GiB; files of 1 GiB at most are read")
        of = next((f for f in formats.every() if f.recognises(path, first)), None)
        if of is None:
            raise WorkbenchError(f"neither a population nor a checkpoint ({', '.join(sorted(formats.suffixes()))})")
        held = of.read(path, overrides.hints)
    except OSError as error:
        raise WorkbenchError(f"cannot be read ({error.strerror or error})") from None
    except (*DAMAGED, AttributeError, MemoryError) as error:
        raise WorkbenchError(f"damaged ({type(error).__name__}: {clean(error, 80)})") from None
    if held.weights.size > MOST_NUMBERS:
        raise WorkbenchError(f"{held.weights.size:,} weights; {MOST_NUMBERS:,} at most are read from a file")
    told, beside = list(held.assumed), None if held.spec else _beside(path)
    if isinstance(beside, str):
        told.append(beside)
    whole = held.spec or (beside if isinstance(beside, PolicySpec) and beside.sizes == held.sizes else None)
    if overrides.activation or whole:
        told = [t for t in told if not t.startswith("activation ")]
    if whole is not None:
        spec = replace(whole, bias=held.bias, **overrides.said)
        spec, weights, how = _normalised(path, spec, held.weights, overrides)
        return Checkpoint(name, of.name, spec, weights, (*told, *([how] if how else [])), held.columns)
    env, known = (overrides.env, "") if overrides.env else (held.env, "")
    if not env:
        env, known = naming.environment(path.absolute(), held.sizes)
    activation = overrides.activation or held.activation if len(held.sizes) > 2 else "identity"
    spec = PolicySpec(
        held.sizes, activation, held.bias, overrides.action or "greedy",  # type: ignore[arg-type]
        env=env, env_kwargs=overrides.arguments,
    )  # fmt: skip
    told += [known] * bool(known) + ["action greedy"] * (not overrides.action)
    spec, weights, how = _normalised(path, spec, held.weights, overrides)
    return Checkpoint(name, of.name, spec, weights, (*told, *([how] if how else [])), held.columns)


def _normalised(
    path: Path, spec: PolicySpec, weights: NDArray[np.float32], overrides: Overrides
) -> tuple[PolicySpec, NDArray[np.float32], str]:
    """The spec with its normaliser, or without it and weights that do its work; and what was assumed."""
    if overrides.normaliser == "none":
        return replace(spec, normaliser=None), weights, ""
    if spec.normaliser is not None and not overrides.normaliser:
        return _behind(spec, weights, overrides, "")
    given = Path(overrides.normaliser) if overrides.normaliser else None
    source = given or normalisers.beside(path, spec.env)
    if source is None:
        return spec, weights, "no normaliser"
    try:
        normaliser = normalisers.read(source)
        if normaliser is None:
            return spec, weights, f"no normaliser ({source.name} has rewards' alone)"
        whole = replace(spec, normaliser=normaliser)
    except WorkbenchError as error:
        raise WorkbenchError(
            f"{str(error).removeprefix(f'{source.parent}/')}; --normaliser none does without"
        ) from None
    return _behind(whole, weights, overrides, "" if given else f"normaliser {clean(source.name, 60)}")


def _behind(
    spec: PolicySpec, weights: NDArray[np.float32], overrides: Overrides, how: str
) -> tuple[PolicySpec, NDArray[np.float32], str]:
    """A spec with a normaliser as it is, or with that folded into the first layer."""
    if not overrides.fold or spec.normaliser is None:
        return spec, weights, how
    without = replace(spec, normaliser=None)
    folded = normalisers.fold(weights, without, spec.normaliser)
    return replace(without, bias=folded.bias), folded.weights, f"{how or 'normaliser'}, folded without its clip"


def _beside(path: Path) -> PolicySpec | str | None:
    """The spec in `spec.json` beside a file, or why that one is not taken; None where there is none."""
    said = path.parent / SPEC
    try:
        about = said.stat()
    except OSError:
        return None
    return _spec(said, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=64)
def _spec(path: Path, size: int, _changed: int) -> PolicySpec | str:
    """One file stands beside many checkpoints: it is read once."""
    try:
        if size > LARGEST_SPEC:
            raise ValueError(f"{size} bytes")
        said = json.loads(path.read_bytes())
        return PolicySpec.from_json({k: v for k, v in said.items() if k != "layout"})
    except (OSError, ValueError, AttributeError, RecursionError, WorkbenchError) as error:
        return f"{SPEC} beside it is none of this program ({clean(error, 80)})"
