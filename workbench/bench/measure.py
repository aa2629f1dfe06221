"""How benchmarks measure: contenders side by side, round after round, so that a busy machine slows them all alike."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from workbench.errors import WorkbenchError
from workbench.places import default_population
from workbench.policies import PolicySpec
from workbench.population import Population, load
from workbench.text import clean

Tell = Callable[[str], None]
"""Says how far a benchmark is."""

SECONDS = "s"
"""The unit that is better when smaller; all others are rates."""

STAND_INS = 256
"""Networks trained where none ship."""


@dataclass(frozen=True)
class Contender:
    """One way to do the work."""

    what: str
    """Its name in the table."""
    measured: str
    """What a round of it does: networks, episodes, steps."""
    go: Callable[[], float]
    """Does it once; returns a rate or seconds."""
    seen: Callable[[], str] = str
    """What is only known after the rounds, put behind `measured`."""


@dataclass(frozen=True)
class Result:
    """A row: the median over the rounds, and how it stands to the first row of its group."""

    benchmark: str
    group: str
    """What the rows of the group have in common."""
    what: str
    value: float
    """Median; NaN where it could not be measured."""
    unit: str
    low: float
    """The smallest of the rounds."""
    high: float
    """The largest of the rounds."""
    speed: float
    """How many times as fast as the group's first row: median of the rounds' own ratios, 1 for that row itself."""
    measured: str
    """What was measured, how often, and what is assumed."""
    target: float | None = None
    """At most this is wanted; None where nothing is."""

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values (NaN among them where nothing was measured)."""
        return asdict(self)


def compare(
    benchmark: str, group: str, unit: str, contenders: Sequence[Contender], repeats: int, tell: Tell
) -> list[Result]:
    """Run the contenders in turn, `repeats` rounds of all of them; the first is what the others are held against.

    One that raises a WorkbenchError is left out of the rounds that follow, and its row says why.
    """
    values: list[list[float]] = [[] for _ in contenders]
    faults: dict[int, str] = {}
    for turn in range(repeats):
        tell(f"{benchmark}: {group}, round {turn + 1} of {repeats}")
        for k, contender in enumerate(contenders):
            if k in faults:
                continue
            try:
                values[k].append(contender.go())
            except WorkbenchError as error:
                faults[k] = clean(error)
    results = []
    for k, contender in enumerate(contenders):
        if k in faults:
            nothing = (float("nan"), unit, float("nan"), float("nan"), float("nan"))
            results.append(Result(benchmark, group, contender.what, *nothing, f"not measured: {faults[k]}"))
            continue
        mine = values[k]
        speed = float("nan")
        if 0 not in faults:
            pairs = zip(values[0], mine, strict=True)
            speed = statistics.median(first / own if unit == SECONDS else own / first for first, own in pairs)
        words = (contender.measured, contender.seen(), f"{repeats} {'round' if repeats == 1 else 'rounds'}")
        rounds = "; ".join(part for part in words if part)
        median = statistics.median(mine)
        results.append(Result(benchmark, group, contender.what, median, unit, min(mine), max(mine), speed, rounds))
    return results


def a_core_second(work: Callable[[], float]) -> float:
    """Units of work that `work` does in a second of processor time, whichever threads of this process spend it."""
    began = time.process_time()
    done = work()
    return done / (time.process_time() - began)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keeps torch to one thread: on these sizes more of them spend processor time and gain none."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def trained_networks(networks: int) -> tuple[Population, str]:
    """Networks to play with, and in words where they come from: the shipped population, else freshly trained ones.

    A population that has fewer gives the same ones again.

    Raises:
        WorkbenchError: the shipped population is there but cannot be read.
    """
    if default_population().exists():
        population = load()
        words = f"{networks:,} shipped networks"
    else:
        from workbench.training.recipes import Recipe

        spec = PolicySpec.cartpole()
        weights, columns = Recipe.of("dqn", ("updates=100..4000",)).train(0, 0, min(networks, STAND_INS), spec)
        population = Population(spec, weights, columns)
        words = f"{networks:,} networks trained for this"
    return population.select(np.arange(networks) % len(population)), words
