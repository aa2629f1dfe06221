"""Survival or return as a landscape: the plane through three agents, or a slice around one in random directions.

Slices in weights go in filter-normalised directions (Li, Xu, Taylor, Studer and Goldstein, *Visualizing the loss
landscape of neural nets*, 2018): each unit's part of a direction is as long as the unit's own weights, so that networks
whose weights differ in size can be compared. Planes are as in Garipov et al. (2018).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.text import Text

from workbench import generators
from workbench.analyses.sweep import check_agents
from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import HeatMap, figure, text_heat_map
from workbench.numerics.landscapes import filter_normalised, plane
from workbench.numerics.symmetry import align
from workbench.performance import RETURN, measure_named
from workbench.population import Population
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import performance
from workbench.text import clean, counted

SPACES = ("weights", "latent")
MOST = 400
"""Points along a side."""
WIDE = 100.0
MARGIN = 0.5
"""Share of the triangle's extent that a plane shows beyond it."""


@dataclass(frozen=True)
class Params:
    """Which agents, and in which space."""

    first: int = 0
    """Row of the agent in the middle of the slice, or of the first of three."""
    second: int = -1
    """Row of the second agent of a plane; -1 with the third for a slice around the first."""
    third: int = -1
    """Row of the third agent of a plane."""
    space: str = "weights"
    """weights (of three agents, with their units aligned to the first's), or latent."""
    generator: str = "functional"
    """A trained generator for latent space: cartpolegen, functional, or a file that `train` has written."""
    group: str = "all"
    """Survival group whose encoder and decoder are used, where the generator has several."""
    grid: int = 40
    """Points along each side."""
    span: float = 1.0
    """Half the side of a slice: in weights 1 is as far as the network's own weights are long, unit by unit; in latent
    space one standard deviation of the group's latents in each direction."""
    seed: int = 0
    """Seed of the random directions and the episodes."""
    episodes: int = 50
    """Episodes each network plays."""
    cap: int = 200
    """Steps after which an episode ends."""


@dataclass(frozen=True)
class Frame:
    """The landscape as far as it is played."""

    done: int
    total: int
    names: tuple[str, ...]
    """The agents."""
    space: str
    generator: str
    measure: str
    """survival or return: what stands under `survival`."""
    survival: NDArray[np.float64]
    """(g, g) mean steps or returns, rows upwards; NaN where it is not played yet. Filled in place."""
    x: NDArray[np.float64]
    """(g,) across."""
    y: NDArray[np.float64]
    """(g,) upwards."""
    places: NDArray[np.float64]
    """(agents, 2) where the agents lie."""
    agents: NDArray[np.float64]
    """(agents,) the same of the agents themselves, in the same episodes."""
    seed: int
    episodes: int
    cap: int


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a row of the picture, from the middle outwards."""
    population = selection.population
    rows = _rows(population, params)
    episodes = Episodes(params.episodes, params.cap, params.seed)
    if params.space not in SPACES:
        raise WorkbenchError(f"space: expected {' or '.join(SPACES)}, got {params.space!r}")
    if not 2 <= params.grid <= MOST:
        raise WorkbenchError(f"grid: expected 2 to {MOST} points, got {params.grid}")
    if not 0 < params.span <= WIDE:
        raise WorkbenchError(f"span: expected above 0 and at most {WIDE:g}, got {params.span:g}")
    agents = np.array(population.weights[rows])
    generator = None
    vectors: NDArray = agents.astype(float)
    if params.space == "latent":
        generator = generators.for_population(population, params.generator, compute)
        generator.check_group(params.group)
        vectors = generator.encode(agents, params.group)[0].astype(float)
    elif len(rows) == 3 and len(population.spec.sizes) == 3:
        vectors[1:] = align(np.repeat(agents[:1], 2, axis=0), agents[1:], population.spec, compute)
    if len(rows) == 3:
        origin, directions, places = plane(vectors)
        low, high = places.min(axis=0), places.max(axis=0)
        margin = MARGIN * (high - low)
        x, y = (np.linspace(a, b, params.grid) for a, b in zip(low - margin, high + margin, strict=True))
    else:
        random = np.random.default_rng([params.seed, 17])
        origin, places = vectors[0], np.zeros((1, 2))
        if generator is None:
            directions = filter_normalised(agents[0], population.spec, random)
        else:
            drawn = generator.prior(2000, params.group, np.random.default_rng([params.seed, 1]))
            directions = random.standard_normal((2, len(origin)))
            directions *= drawn.std(axis=0) / np.sqrt(len(origin))
        x = y = np.linspace(-params.span, params.span, params.grid)
    survival = np.full((params.grid, params.grid), np.nan)
    played = performance(agents, population.spec, episodes, compute).mean(1)

    def frame(done: int) -> Frame:
        return Frame(
            done, params.grid, tuple(f"#{row}" for row in rows), params.space,
            f"{generator.NAME} ({generator.title})" if generator else "", population.measure.name, survival, x, y,
            places, played, params.seed, params.episodes, params.cap,
        )  # fmt: skip

    yield frame(0)
    middle = (params.grid - 1) / 2
    for done, k in enumerate(sorted(range(params.grid), key=lambda k: abs(k - middle)), 1):
        points = origin + np.outer(x, directions[0]) + y[k] * directions[1]
        with np.errstate(over="ignore"):
            weights = points.astype(np.float32) if generator is None else generator.decode(points, params.group)
        survival[k] = performance(weights, population.spec, episodes, compute).mean(1)
        yield frame(done)


def _rows(population: Population, params: Params) -> list[int]:
    asked = {"first": params.first, "second": params.second, "third": params.third}
    rows = {name: row for name, row in asked.items() if name == "first" or row != -1}
    if len(rows) == 2:
        raise WorkbenchError("landscape: a plane goes through three agents, a slice lies around one; two were given")
    check_agents(population, rows)
    return list(rows.values())


def panel(frame: Frame) -> HeatMap:
    """Survival or return over the plane, the agents' cells marked."""
    half = [(v[1] - v[0]) / 2 for v in (frame.x, frame.y)]
    near = [
        (int(np.abs(frame.y - place[1]).argmin()), int(np.abs(frame.x - place[0]).argmin())) for place in frame.places
    ]
    plane_ = len(frame.names) == 3
    unit = "distance in latent space" if frame.space == "latent" else "distance in weights"
    return HeatMap(
        frame.survival, value_label=frame.measure,
        value_range=measure_named(frame.measure).range(frame.cap, frame.survival), upward=True, marked=near,
        marked_label="agents", items="networks",
        x_range=(float(frame.x[0] - half[0]), float(frame.x[-1] + half[0])),
        y_range=(float(frame.y[0] - half[1]), float(frame.y[-1] + half[1])),
        x_label=unit if plane_ else "first direction", y_label="" if plane_ else "second direction",
        title=f"{frame.space}: {'plane through' if plane_ else 'around'} {' '.join(frame.names)}",
    )  # fmt: skip


def sentence(frame: Frame) -> str:
    """How much of the picture does how well."""
    known = frame.survival[np.isfinite(frame.survival)]
    if not known.size:
        return "playing…"
    if measure_named(frame.measure) is RETURN:
        return f"mean return {known.mean():.1f}, worst {known.min():.1f}, best {known.max():.1f}"
    return (
        f"{np.mean(known >= frame.cap - 1e-9):.0%} of the picture reaches the cap of {frame.cap} steps, "
        f"{np.mean(known < 50):.0%} stays below 50; mean {known.mean():.1f}, best {known.max():.1f}"
    )


def about(frame: Frame) -> str:
    """What the picture is of."""
    agents = ", ".join(f"{name} {steps:.1f}" for name, steps in zip(frame.names, frame.agents, strict=True))
    agents += measure_named(frame.measure).unit
    text = f"{agents} themselves; {frame.survival.shape[0]} x {frame.survival.shape[1]} networks"
    text += f", {frame.generator}" if frame.generator else ""
    return f"{text}; {counted(frame.episodes, 'episode')}, cap {frame.cap}, seed {frame.seed}"


def table(frame: Frame) -> Group:
    """The picture in characters."""
    return Group(
        Text(text_heat_map(panel(frame), 78, 28)), Text(clean(about(frame), 500)), Text(sentence(frame), style="bold")
    )


def summary(frame: Frame) -> dict[str, Any]:
    """Every survival time or return."""
    return {
        "networks": list(frame.names),
        "originals": frame.agents.tolist(),
        "space": frame.space,
        "generator": frame.generator,
        "x": frame.x.tolist(),
        "y": frame.y.tolist(),
        "places": frame.places.tolist(),
        "measure": frame.measure,
        frame.measure: frame.survival.tolist(),
        "seed": frame.seed,
        "episodes": frame.episodes,
        "cap": frame.cap,
        "sentence": sentence(frame),
    }


def svg(frame: Frame) -> str:
    """The picture."""
    return figure([panel(frame)], f"{frame.measure.capitalize()} around agents")


def reads(selection: Selection, params: Params) -> tuple[Path, ...]:
    """The generator's file, in latent space."""
    return generators.file_of(selection, params) if params.space == "latent" else ()


ANALYSIS = Analysis(
    "landscape", "Survival or return around agents", Params, Frame, run, table, summary, figure=svg, reads=reads
)
