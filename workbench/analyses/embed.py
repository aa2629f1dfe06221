"""Agent embeddings: where a generator puts networks in its latent space, and a map of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from workbench import generators
from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.text import counted

CHUNK = 4096
ACTIVE = 0.01
"""Variance of posterior means above which a latent carries something (Burda, Grosse and Salakhutdinov, 2016)."""


@dataclass(frozen=True)
class Params:
    """Which embeddings."""

    generator: str = "functional"
    """A trained generator: a name or a file."""
    group: str = "all"
    """Whose encoder, where a generator has one for each survival group."""


@dataclass(frozen=True)
class Frame:
    """Embeddings, and the plane that shows most of them."""

    done: int
    total: int
    generator: str
    group: str
    latents: NDArray[np.float32]
    """(done, k) posterior means."""
    deviations: NDArray[np.float64]
    """(k,) mean posterior standard deviation."""
    origin: NDArray[np.float64]
    """(k,) mean latent."""
    axes: NDArray[np.float64]
    """(2, k) the two principal components."""
    explained: NDArray[np.float64]
    """(2,) share of the variance that each explains."""

    def project(self, latents: NDArray) -> NDArray[np.float64]:
        """Latents (n, k) on the map, (n, 2)."""
        return (np.asarray(latents, float) - self.origin) @ self.axes.T


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a chunk of networks; the map is drawn of those there are."""
    if not len(selection):
        raise WorkbenchError("embed: no networks")
    generator = generators.for_population(selection.population, params.generator, compute)
    weights = selection.weights
    parts, spread, known = [], np.zeros(generator.dimensions), 0
    for begin in range(0, len(weights), CHUNK):
        mean, deviation = generator.encode(np.asarray(weights[begin : begin + CHUNK]), params.group)
        parts.append(mean)
        finite = np.isfinite(mean).all(1)
        spread, known = spread + deviation[finite].sum(0), known + int(finite.sum())
        done = min(begin + CHUNK, len(weights))
        if done < len(weights) and begin % (4 * CHUNK):
            continue
        latents = np.concatenate(parts)
        whole = finite_rows(latents).astype(float)
        origin = whole.mean(0)
        axes, explained = principal(whole - origin)
        yield Frame(
            done, len(weights), f"{generator.NAME} ({generator.title})", params.group, latents,
            spread / max(1, known), origin, axes, explained,
        )  # fmt: skip


def finite_rows(latents: NDArray) -> NDArray:
    """Latents (m, k) of networks whose weights are finite; zeros (1, k) where none are."""
    found = latents[np.isfinite(latents).all(1)]
    return found if len(found) else np.zeros((1, latents.shape[1]))


def principal(centred: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The first two principal components (2, k) of centred points (n, k), and the share of variance of each (2,).

    Their signs are fixed: the largest entry of each is positive.
    """
    k = centred.shape[1]
    values, vectors = np.linalg.eigh(centred.T @ centred / max(1, len(centred)))
    axes = np.zeros((2, k))
    axes[: min(2, k)] = vectors[:, ::-1].T[:2]
    signs = np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])
    shares = np.zeros(2)
    shares[: min(2, k)] = values[::-1][:2] / max(values.sum(), 1e-300)
    return axes * np.where(signs == 0, 1, signs)[:, None], shares


def table(frame: Frame) -> Table:
    """A row a latent."""
    out = Table(title=f"{counted(frame.done, 'network')} embedded by {frame.generator}, group {frame.group}")
    for name in ("latent", "mean", "sd of means", "posterior sd", "on axis 1", "on axis 2"):
        out.add_column(name, justify="right")
    latents = finite_rows(frame.latents)
    means, deviations = latents.mean(0), latents.std(0)
    for j in range(frame.latents.shape[1]):
        out.add_row(
            str(j), f"{means[j]:+.2f}", f"{deviations[j]:.2f}", f"{frame.deviations[j]:.2f}",
            *(f"{a:+.2f}" for a in frame.axes[:, j]),
        )  # fmt: skip
    active = int((latents.var(0) > ACTIVE).sum())
    out.caption = (
        f"{active} of {frame.latents.shape[1]} latents are in use; the map shows "
        f"{frame.explained[0]:.0%} and {frame.explained[1]:.0%} of their variance"
    )
    return out


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values, with the map's coordinates."""
    return {
        "generator": frame.generator,
        "group": frame.group,
        "explained": frame.explained.tolist(),
        "active": int((finite_rows(frame.latents).var(0) > ACTIVE).sum()),
        "posterior_sd": frame.deviations.tolist(),
        "map": frame.project(frame.latents).round(5).tolist(),
    }


ANALYSIS = Analysis(
    "embed",
    "Agent embeddings and a map of the latent space",
    Params,
    Frame,
    run,
    table,
    summary,
    reads=generators.file_of,
)
