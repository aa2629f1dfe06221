"""Survival or return of networks that were imported, kept on disk as it is measured."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import storage
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.importing.gathering import Gathered
from workbench.numerics.statistics import standard_error
from workbench.performance import measure_of
from workbench.physics import is_cartpole
from workbench.population import Column
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import judged, stream
from workbench.rules import BEHAVIOUR

FAST, SLOW = 1024, 4
"""Networks between two looks at whether to go on: of the compiled Cart-Pole, and of other environments."""
FLUSH_SECONDS = 5.0


def measure(
    gathered: Gathered, episodes: Episodes, compute: Compute, folder: Path | None = None, name: str = ""
) -> Iterator[tuple[int, dict[str, Column]]]:
    """Play the networks.

    Args:
        gathered: the networks.
        episodes: what they play.
        compute: threads.
        folder: where figures are kept as they come, and what is there already is taken from; None keeps none.
        name: of their files.

    Yields:
        How many networks are done, and their columns so far: survival or return with its standard error, and in
        Cart-Pole how they move.

    Raises:
        WorkbenchError: the environment cannot be made.
    """
    spec, weights = gathered.spec, gathered.weights()
    cartpole = is_cartpole(spec)
    figures = np.zeros((len(gathered), 5 if cartpole else 2))
    fingerprints = np.array(gathered.fingerprints, np.uint64)
    done = _kept(figures, fingerprints, folder, name)
    kept, flushed = done, time.monotonic()
    yield done, _columns(gathered, figures[:done])

    def keep() -> None:
        if folder is not None and done > kept:
            part = {"figures": figures[kept:done]}
            header = {"kind": "measured", "begin": kept, "of": _digest(fingerprints[kept:done])}
            storage.write_tensors(folder / f"{name}-{kept:09d}.safetensors", part, header)

    try:
        while done < len(gathered):
            part = weights[done : done + (FAST if cartpole else SLOW)]
            before = done
            for many, played, moved in stream(part, spec, episodes, compute, measure=cartpole):
                values = judged(played, spec)
                rows = [values.mean(1), standard_error(values)]
                if moved is not None:
                    rows += [getattr(moved, m) for m in BEHAVIOUR]
                figures[done : before + many] = np.transpose(rows)
                done = before + many
            if time.monotonic() - flushed > FLUSH_SECONDS:
                keep()
                kept, flushed = done, time.monotonic()
            yield done, _columns(gathered, figures[:done])
    finally:
        keep()


def _kept(figures: NDArray, fingerprints: NDArray[np.uint64], folder: Path | None, name: str) -> int:
    """Fill in what was measured of these very networks before; returns of how many."""
    done = 0
    for path in sorted(folder.glob(f"{name}-*.safetensors")) if folder is not None else ():
        arrays, header = storage.read_tensors(path)
        part = arrays.get("figures")
        fits = part is not None and part.ndim == 2 and part.shape[1] == figures.shape[1] and header.get("begin") == done
        if part is None or not fits or header.get("of") != _digest(fingerprints[done : done + len(part)]):
            raise WorkbenchError(f"{path}: not of this import; remove it, and --resume measures again")
        figures[done : done + len(part)] = part
        done += len(part)
    return done


def _digest(fingerprints: NDArray[np.uint64]) -> str:
    return hashlib.blake2b(np.ascontiguousarray(fingerprints).tobytes(), digest_size=16).hexdigest()


def _columns(gathered: Gathered, figures: NDArray) -> dict[str, Column]:
    of = measure_of(gathered.spec)
    found: dict[str, Column] = {of.name: figures[:, 0], of.error: figures[:, 1].astype(np.float32)}
    moves = BEHAVIOUR if figures.shape[1] > 2 else ()
    return found | {name: figures[:, 2 + k].astype(np.float32) for k, name in enumerate(moves)}
