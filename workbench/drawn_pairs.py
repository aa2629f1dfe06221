"""Pairs of networks with the correlations of their units: what Figures 5 and 6 draw, of hidden units and of outputs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.text import Text

from workbench import comparing
from workbench.analysis import Analysis, Selection
from workbench.comparing import Compared, How
from workbench.compute import Compute
from workbench.figures import HeatMap, figure, text_heat_map
from workbench.good_and_bad import KINDS, SOURCES, TOLD, generators_for, pools
from workbench.numerics.similarity.grouped import mutual
from workbench.paper import SAMPLED
from workbench.reproducing import Params, Progress, at_work, population_of, seeds_of
from workbench.rollouts.reference_set import reference_set

ROWS = (*KINDS, "mixed")


@dataclass(frozen=True)
class Frame(Progress):
    """Correlations of units as far as they are made."""

    seed: int
    count: int
    output: bool
    """Whether units are outputs; else hidden ones."""
    survival: NDArray[np.float64]
    """(sources, 3, 2) of the two networks of each pair: good, bad, mixed."""
    distances: NDArray[np.float64]
    """(sources, 3, 2) convergence distance both ways."""
    correlations: NDArray[np.float64]
    """(sources, 3, h, h) of absolute activations, partners on the diagonal, the closest first."""
    states: str
    states_hash: str


def analysis(name: str, title: str, output: bool, paper: Mapping[str, float]) -> Analysis:
    """A figure of hidden units, or of outputs."""

    def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
        """Yield a frame a source."""
        population, seed = population_of(selection), seeds_of(params)[0]
        count = SAMPLED if params.quick else params.count
        chosen = reference_set("rollouts", population)
        width = population.spec.sizes[-1 if output else -2]
        shape = (len(SOURCES), len(ROWS))
        survival, distances = np.full((*shape, 2), np.nan), np.full((*shape, 2), np.nan)
        correlations = np.full((*shape, width, width), np.nan)
        total = 100

        def frame(done: float, doing: str) -> Frame:
            return Frame(
                round(done), total, doing, population.name, seed, count, output, survival.copy(), distances.copy(),
                correlations.copy(), chosen.name, chosen.hash,
            )  # fmt: skip

        loaded: dict[str, Any] = {}
        for waiting in generators_for(population, seed, compute):
            if isinstance(waiting, dict):
                loaded = waiting
            else:
                yield frame(60 * waiting.done / waiting.total, waiting.name)
        for k, source in enumerate(SOURCES):
            yield frame(60 + 40 * k / len(SOURCES), f"sampling {TOLD[source]}")
            found = pools(population, source, seed, count, loaded, compute)
            good, bad = (found.ten(kind) for kind in KINDS)
            compared = Compared((found.networks,), (np.concatenate([good, bad]),))
            how = How(("output-cd" if output else "cd",))
            matrix = np.full((1, len(compared), len(compared)), np.nan)
            for _ in comparing.run(compared, chosen.states, how, how.measure, compute, matrix):
                pass
            tens = np.arange(len(good)), np.arange(len(good), len(compared))
            for r, (a, b) in enumerate(((tens[0], tens[0]), (tens[1], tens[1]), tens)):
                first, second = _typical(mutual(matrix[0]), a, b)
                rows = [int(compared.rows[0][n]) for n in (first, second)]
                two = Compared((found.networks,) * 2, (np.array(rows[:1]), np.array(rows[1:])))
                values, partners, _ = comparing.matched(two, chosen.states, how, output)
                correlations[k, r] = values[np.ix_(*comparing.in_order(values, partners))]
                distances[k, r] = matrix[0, first, second], matrix[0, second, first]
                survival[k, r] = found.survival[rows]
        yield frame(total, "done")

    def panels(frame: Frame) -> list[HeatMap]:
        found = []
        for k, source in enumerate(SOURCES):
            for r, row in enumerate(ROWS):
                values = frame.correlations[k, r]
                if np.isnan(values).all():
                    continue
                cd, lasted = frame.distances[k, r].mean(), frame.survival[k, r]
                found.append(
                    HeatMap(
                        values, value_label="correlation", value_range=(-1, 1), diverging=True,
                        marked=[(j, j) for j in range(len(values))] if frame.output else (), marked_label="matched",
                        items="units",
                        x_label=f"units of a network of {lasted[1]:.0f} steps",
                        y_label=f"units of one of {lasted[0]:.0f} steps",
                        title=f"{TOLD[source].partition(',')[0]}, {row}: CD {cd:.2f} (paper {paper[row]:.2f})",
                    )
                )  # fmt: skip
        return found

    def about(frame: Frame) -> str:
        return (
            f"{title}; {frame.population}, seed {frame.seed}; of the ten networks nearest in survival time (of "
            f"{frame.count:,}) the pair whose CD is in the middle; partners lie on the diagonal, the closest first; "
            f"states: {frame.states} ({frame.states_hash}). {at_work(frame)}"
        ).rstrip()

    def table(frame: Frame) -> Group:
        """The panels in characters."""
        height = 14 if frame.output else 40
        return Group(Text(about(frame)), *(Text(text_heat_map(p, 78, height)) for p in panels(frame)))

    def summary(frame: Frame) -> dict[str, Any]:
        """Every correlation."""
        return {
            "seed": frame.seed,
            "n": frame.count,
            "states": {"from": frame.states, "hash": frame.states_hash},
            "pairs": {
                f"{TOLD[source]}, {row}": {
                    "survival": frame.survival[k, r].tolist(),
                    "distance": frame.distances[k, r].tolist(),
                    "paper": paper[row],
                    "correlations": frame.correlations[k, r].tolist(),
                }
                for k, source in enumerate(SOURCES)
                for r, row in enumerate(ROWS)
            },
        }

    def svg(frame: Frame) -> str:
        """The paper's three panels for each source."""
        return figure(panels(frame), title, columns=len(ROWS))

    return Analysis(name, title, Params, Frame, run, table, summary, figure=svg, whole=True)


def _typical(both: NDArray[np.float64], a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[int, int]:
    """The pair whose distance is in the middle of all pairs of networks `a` with networks `b`."""
    pairs = [(i, j) for i in a.tolist() for j in b.tolist() if (i < j) or not np.array_equal(a, b)]
    pairs = sorted((p for p in pairs if np.isfinite(both[p])), key=lambda p: both[p])
    return pairs[len(pairs) // 2]
