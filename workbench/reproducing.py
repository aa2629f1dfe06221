"""What all reproductions share: their parameters, the survival groups in the paper's order, generators on demand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.analysis import Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.groups import CARTPOLE
from workbench.paper import SAMPLED
from workbench.population import Population
from workbench.text import counted

if TYPE_CHECKING:
    from workbench.learning.shelf import Waiting

GROUPS = (*CARTPOLE.names, "all")
EPSILON = 5.0
"""Steps by which survival varies between measurements, as the paper says: its threshold of what is the same."""


@dataclass(frozen=True)
class Params:
    """How thoroughly."""

    seeds: tuple[str, ...] = ("0", "1", "2")
    """Seeds of training and sampling; may be repeated. What is not trained yet is trained first."""
    count: int = 1000
    """Networks sampled for each figure; the paper's 200 are always shown too."""
    quick: bool = False
    """One seed, 200 samples, and fewer pairs and networks."""


@dataclass(frozen=True)
class Progress:
    """What every frame begins with: how far it is, what is at work, and of which population."""

    done: int
    total: int
    doing: str
    population: str


def seeds_of(params: Params) -> tuple[int, ...]:
    """The seeds as numbers; the first alone where it shall be quick.

    Raises:
        WorkbenchError: none, one twice, or not a number.
    """
    try:
        seeds = tuple(int(seed) for seed in params.seeds)
    except ValueError:
        raise WorkbenchError(f"seeds: expected whole numbers, got {' '.join(params.seeds)}") from None
    if not seeds or len(set(seeds)) < len(seeds) or not all(0 <= seed < 2**63 for seed in seeds):
        raise WorkbenchError(f"seeds: expected different numbers from 0 on, got {' '.join(params.seeds) or 'none'}")
    return seeds[:1] if params.quick else seeds


def seeds_told(seeds: Sequence[int]) -> str:
    """`seed 0`, or `seeds 0, 1, 2`."""
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(map(str, seeds))}"


def trainings(seeds: tuple[int, ...]) -> str:
    """How many trainings an answer rests on, in words."""
    if len(seeds) == 1:
        return f"one training, {seeds_told(seeds)}"
    return f"{len(seeds)} trainings, {seeds_told(seeds)}, which must agree"


def made_with(params: Params) -> str:
    """How thoroughly figures were made, in words."""
    if params.quick:
        return f"{seeds_told(seeds_of(params))}; {SAMPLED} samples; --quick: fewer seeds, samples, pairs and networks"
    return f"{seeds_told(seeds_of(params))}; {counted(params.count, 'sample')}"


def at_work(frame: Progress) -> str:
    """What a frame is doing, in a sentence; nothing of one that is finished."""
    return f"{frame.doing}…" if frame.doing and frame.done < frame.total else ""


def population_of(selection: Selection) -> Population:
    """The population, which must be whole and have survival times.

    Raises:
        WorkbenchError: only a part is selected, or a column is missing.
    """
    if selection.rows is not None:
        raise WorkbenchError("reproduce: works on a whole population; save the part you want as one of its own")
    population = selection.population
    if "survival" not in population.columns:
        raise WorkbenchError(f"{population.name}: no column `survival`; the paper's groups need one")
    return population


def single(compute: Compute) -> Compute:
    """The same device with one thread: more of them only wait for each other where batches are of ten networks."""
    return replace(compute, threads=1)


def trained(population: Population, kind: str, seed: int, compute: Compute) -> "Iterator[Waiting | str]":
    """The file of a trained generator; while it is being trained, how far that is."""
    from workbench.learning.shelf import Waiting, obtain

    for waiting in obtain(population, kind, seed, compute):
        yield waiting if isinstance(waiting, Waiting) else str(waiting.path)
