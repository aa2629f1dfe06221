"""A walk between two agents: survival along lines through latent space and through the weights (section 4.2)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import comparing, generators
from workbench.analysis import Analysis, Selection
from workbench.comparing import Compared, How
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import Lines, Reference, Series, figure, text_lines
from workbench.numerics.patterns import Pattern, pattern
from workbench.numerics.statistics import standard_error
from workbench.performance import measure_named
from workbench.physics import is_cartpole
from workbench.policies import PolicySpec, forward
from workbench.population import FINGERPRINT, Population, fingerprints
from workbench.population import Text as TextColumn
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import behaviour, has_discrete_actions, performance
from workbench.rollouts.reference_set import ReferenceSet, reference_set
from workbench.sweeping import TOLD, Walk, alphas_of, check_paths, needs_generator, walk
from workbench.text import clean, counted

STATES = 2000
"""Reference states, rollouts of the population's networks, on which actions and units are compared."""
MARKS = {"latent": "●", "tuned": "◆", "decoded": "○", "original": "×", "aligned": "◇", "mirrored": "□"}
STYLES = {
    "latent": "second",
    "tuned": "second",
    "decoded": "first",
    "original": "dim",
    "aligned": "accent",
    "mirrored": "strong",
}
STRAIGHT = "straight line"


@dataclass(frozen=True)
class Params(Walk):
    """Which two agents, and how the line between them is walked."""

    first: int = 0
    """Row of agent A in the population (alpha 0)."""
    second: int = 1
    """Row of agent B (alpha 1)."""


@dataclass(frozen=True)
class Frame:
    """Networks along the lines: survival first, the rest in the second frame."""

    done: int
    total: int
    names: tuple[str, str]
    generator: str
    """Name and file; empty where no path goes through one."""
    group: str
    spec: str
    """The networks' spec, as JSON."""
    paths: tuple[str, ...]
    alphas: NDArray[np.float64]
    """(t,) with 0 and 1 among them."""
    weights: NDArray[np.float32]
    """(paths, t, p)."""
    survival: NDArray[np.float64]
    """(paths, t) mean steps, or returns."""
    error: NDArray[np.float64]
    """(paths, t) its standard error."""
    originals: NDArray[np.float64]
    """(2,) survival of A and B themselves in the same episodes; a generator's copies of them may differ."""
    agreement: NDArray[np.float64]
    """(paths, t, 2) share of states with the same action as A, as B; NaN before it is known, or where actions are
    not discrete."""
    nearest: NDArray[np.int64]
    """(paths, t) the training network that each behaves most like, -1 before it is known."""
    distance: NDArray[np.float64]
    """(paths, t) how far that is in behaviour, against the median of held-out networks; NaN where that is 0."""
    lean: NDArray[np.float64]
    """(paths, t, 3) mean cart position (m), pole angle (rad), sharpness; NaN outside Cart-Pole."""
    convergence: NDArray[np.float64]
    """(2,) hidden convergence distance between A and B, both ways."""
    states: str
    states_hash: str
    measure: str
    """survival or return: what stands under `survival`."""
    margin: float
    seed: int
    episodes: int
    cap: int

    def pattern(self, path: str) -> Pattern:
        """What happens along a path."""
        top = measure_named(self.measure).top(self.cap)
        return pattern(self.alphas, self.survival[self.paths.index(path)], top, self.margin)


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield survival at once, then what takes longer."""
    population = selection.population
    alphas = alphas_of(params.points, params.low, params.high)
    paths = check_paths(params.path, population.spec)
    episodes = Episodes(params.episodes, params.cap, params.seed)
    if not 0 <= params.margin < population.measure.top(params.cap):
        raise WorkbenchError(f"margin: expected 0 or more and less than the cap of {params.cap}, got {params.margin:g}")
    ends = np.array([params.first, params.second])
    check_agents(population, {"first": params.first, "second": params.second})
    a, b = (np.array(population.weights[row : row + 1]) for row in ends)
    generator = None
    if needs_generator(paths):
        generator = generators.for_population(population, params.generator, compute)
        generator.check_group(params.group)
    weights = np.stack(
        [walk(path, a, b, alphas, population.spec, compute, generator, params.group)[0] for path in paths]
    )
    shape = weights.shape[:2]
    every = np.concatenate([a, b, weights.reshape(-1, weights.shape[2])])
    values = performance(every, population.spec, episodes, compute)
    lasted, errors = values.mean(1), standard_error(values)
    spec = json.dumps(population.spec.to_json(), sort_keys=True)
    agreement, lean = np.full((*shape, 2), np.nan), np.full((*shape, 3), np.nan)
    nearest, distance = np.full(shape, -1), np.full(shape, np.nan)
    convergence, states, states_hash = np.full(2, np.nan), "", ""

    def frame(done: int) -> Frame:
        return Frame(
            done, 3, (f"#{params.first}", f"#{params.second}"),
            f"{generator.NAME} ({generator.title})" if generator else "", params.group, spec, paths, alphas, weights,
            lasted[2:].reshape(shape), errors[2:].reshape(shape), lasted[:2], agreement, nearest, distance, lean,
            convergence, states, states_hash, population.measure.name, params.margin, params.seed, params.episodes,
            params.cap,
        )  # fmt: skip

    yield frame(1)
    chosen = reference_set("rollouts", population, STATES, params.seed)
    states, states_hash = chosen.name, chosen.hash
    if has_discrete_actions(population.spec):
        with np.errstate(all="ignore"):  # far beyond both agents
            actions = forward(every, population.spec, chosen.states).argmax(2)
        same = [(actions[2:] == actions[k]).mean(1) for k in (0, 1)]
        agreement = np.stack(same, axis=1).reshape(*shape, 2)
    convergence = distances(population, ends[None], chosen, compute)[0]
    if is_cartpole(population.spec):
        moved = behaviour(every[2:], population.spec, episodes, compute)
        lean = np.stack([moved.lean_x, moved.lean_angle, moved.sharpness], axis=1).reshape(*shape, 3)
    yield frame(2)
    nearest, distance = _nearest(population, every[2:], shape, params.seed, compute)
    yield frame(3)


def check_agents(population: Population, rows: dict[str, int]) -> None:
    """Whether agents, by the name of the parameter that asks for each, are networks that differ.

    Raises:
        WorkbenchError: no such networks, two that are the same, or weights that are not finite.
    """
    for name, row in rows.items():
        if not 0 <= row < len(population):
            raise WorkbenchError(f"{name}: {population.name} has networks 0 to {len(population) - 1:,}, got {row}")
        if not np.isfinite(population.weights[row]).all():
            raise WorkbenchError(f"{name}: network #{row} has weights that are not finite")
    for (name, a), (other, b) in combinations(rows.items(), 2):
        if a == b or np.array_equal(population.weights[a], population.weights[b]):
            raise WorkbenchError(f"{other}: the same network as {name} (#{a} and #{b}); different ones are needed")


def distances(population: Population, pairs: NDArray, states: ReferenceSet, compute: Compute) -> NDArray[np.float64]:
    """Hidden convergence distance both ways (m, 2) of pairs (m, 2) of networks; NaN where there is no hidden layer."""
    how = How(("cd",))
    found = np.full((len(pairs), 2), np.nan)
    if how.hidden(population.spec) is None:
        return found
    for k, pair in enumerate(pairs):
        matrix = np.full((1, 2, 2), np.nan)
        for _ in comparing.run(
            Compared((population,), (np.asarray(pair),)), states.states, how, ("cd",), compute, matrix
        ):
            pass
        found[k] = matrix[0, 0, 1], matrix[0, 1, 0]
    return found


def _nearest(
    population: Population, weights: NDArray, shape: tuple[int, ...], seed: int, compute: Compute
) -> tuple[NDArray, NDArray]:
    """The training network that each behaves most like, and how far it is; unknown where behaviour has no vector."""
    from workbench.learning.data import ALL
    from workbench.learning.scoring import yardstick

    if not population.measured or len(population) < 20:
        return np.full(shape, -1), np.full(shape, np.nan)
    try:
        held_against = yardstick(population, ALL, seed, compute)
    except WorkbenchError:
        return np.full(shape, -1), np.full(shape, np.nan)
    finite = np.isfinite(weights).all(1)
    rows, away = np.full(len(weights), -1), np.full(len(weights), np.nan)
    if finite.any():
        near = held_against.nearest(weights[finite])
        usual = float(np.median(held_against.held_out_distances))
        rows[finite] = near.rows
        if usual > 0:  # not where they are copies themselves
            away[finite] = near.distances / usual
    return rows.reshape(shape), away.reshape(shape)


def panel(frame: Frame) -> Lines:
    """Figure 7's chart: survival over alpha for each path, and the straight line between the endpoints."""
    series = []
    for k, path in enumerate(frame.paths):
        series.append(Series(TOLD[path], frame.alphas, frame.survival[k], MARKS[path], STYLES[path], joined=False))
    inside = (frame.alphas >= 0) & (frame.alphas <= 1)
    first = frame.survival[0]
    a, b = first[frame.alphas == 0][0], first[frame.alphas == 1][0]
    straight = np.where(inside, a + (b - a) * frame.alphas, np.nan)
    series.append(Series(STRAIGHT, frame.alphas, straight, "·", "dim"))
    measure = measure_named(frame.measure)
    return Lines(
        series, "alpha", measure.label, (Reference(1.0, "B", vertical=True),),
        x_range=(float(frame.alphas[0]), float(frame.alphas[-1])),
        y_range=measure.range(1.04 * frame.cap, frame.survival),
        title=f"{frame.names[0]} to {frame.names[1]}",
    )  # fmt: skip


def sentence(frame: Frame) -> str:
    """The pattern of each path, and what stands in the way of seeing one."""
    told = []
    for path in frame.paths:
        p = frame.pattern(path)
        words = [f"barrier {p.barrier:.0f}"] + ([f"{p.beyond} past B"] if p.beyond else [])
        told.append(f"{path}: {p.name} ({', '.join(words)})")
    text = f"{'; '.join(told)}; margin {frame.margin:g}{measure_named(frame.measure).unit}."
    if all(frame.pattern(path).saturated for path in frame.paths):
        text += (
            f" Everything from A to B reaches the cap of {frame.cap} steps: a higher cap ({2.5 * frame.cap:.0f}) may "
            "tell them apart."
        )
    elif any(frame.pattern(path).saturated for path in frame.paths):
        which = ", ".join(path for path in frame.paths if frame.pattern(path).saturated)
        text += f" All of {which} reaches the cap of {frame.cap} steps."
    return text


def about(frame: Frame) -> str:
    """What the figures are of."""
    a, b = frame.originals
    unit = measure_named(frame.measure).unit
    text = f"{frame.measure} of A {frame.names[0]} {a:.1f}, of B {frame.names[1]} {b:.1f}{unit}"
    if np.isfinite(frame.convergence).all():
        forward_, backward = frame.convergence
        text += f"; hidden CD {frame.convergence.mean():.2f} ({forward_:.2f} →, {backward:.2f} ←)"
    text += f"; {frame.generator}, {frame.group}" if frame.generator else ""
    states = f"; {STATES:,} states: {frame.states} ({frame.states_hash})" if frame.states else ""
    return f"{text}; {counted(frame.episodes, 'episode')}, cap {frame.cap}, seed {frame.seed}; 95 % intervals{states}"


def table(frame: Frame) -> Group:
    """The chart, and a row an alpha."""
    out = Table()
    out.add_column("alpha", justify="right")
    for path in frame.paths:
        out.add_column(path, justify="right")
    out.add_column(f"{frame.paths[0]}:\nas A, B", justify="right")
    out.add_column("nearest", justify="right")
    for t, alpha in enumerate(frame.alphas):
        cells = [f"{frame.survival[k, t]:.1f}±{1.96 * frame.error[k, t]:.1f}" for k in range(len(frame.paths))]
        same = "-" if np.isnan(frame.agreement[0, t]).any() else "{:.0%} {:.0%}".format(*frame.agreement[0, t])
        far = "" if np.isnan(frame.distance[0, t]) else f" {frame.distance[0, t]:.2f}"
        near = "-" if frame.nearest[0, t] < 0 else f"#{frame.nearest[0, t]}{far}"
        out.add_row(f"{alpha:.3g}", *cells, same, near)
    chart = Text(text_lines(panel(frame), 78, 20))
    note = (
        "as A, B: share of states with the same action; nearest: the training network that behaves most like it, and "
        "how far it is against held-out networks (1: as they are)"
    )
    return Group(
        chart, out, Text(note, style="dim"), Text(clean(about(frame), 1000)), Text(sentence(frame), style="bold")
    )


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    paths = {}
    for k, path in enumerate(frame.paths):
        found = frame.pattern(path)
        paths[path] = {
            frame.measure: frame.survival[k].tolist(),
            "standard_error": frame.error[k].tolist(),
            "agreement": frame.agreement[k].tolist(),
            "nearest": frame.nearest[k].tolist(),
            "distance": frame.distance[k].tolist(),
            "lean": frame.lean[k].tolist(),
            "pattern": {name: getattr(found, name) for name in found.__dataclass_fields__},
        }
    return {
        "networks": list(frame.names),
        "originals": frame.originals.tolist(),
        "generator": frame.generator,
        "group": frame.group,
        "alphas": frame.alphas.tolist(),
        "convergence": frame.convergence.tolist(),
        "measure": frame.measure,
        "margin": frame.margin,
        "seed": frame.seed,
        "episodes": frame.episodes,
        "cap": frame.cap,
        "states": {"from": frame.states, "hash": frame.states_hash},
        "paths": paths,
        "sentence": sentence(frame),
    }


def svg(frame: Frame) -> str:
    """The chart."""
    return figure([panel(frame)], f"From {frame.names[0]} to {frame.names[1]}")


def networks(frame: Frame) -> Population:
    """All networks on all paths as a population."""
    n, t = frame.survival.shape
    weights = np.ascontiguousarray(frame.weights.reshape(n * t, -1))
    columns: dict[str, Any] = {
        frame.measure: frame.survival.ravel(),
        measure_named(frame.measure).error: frame.error.ravel().astype(np.float32),
        "recipe": TextColumn.of([f"swept, {path}" for path in frame.paths for _ in range(t)]),
        "alpha": np.tile(frame.alphas, n),
        "as_first": frame.agreement[:, :, 0].ravel(),
        "as_second": frame.agreement[:, :, 1].ravel(),
        "nearest": frame.nearest.ravel(),
        FINGERPRINT: fingerprints(weights),
    }
    made = {"networks": list(frame.names), "generator": frame.generator, "group": frame.group, "seed": frame.seed}
    return Population(PolicySpec.from_json(json.loads(frame.spec)), weights, columns, {"sweep": made})


def reads(selection: Selection, params: Params) -> tuple[Path, ...]:
    """The generator's file, where a path goes through one."""
    paths = check_paths(params.path, selection.population.spec)
    return generators.file_of(selection, params) if needs_generator(paths) else ()


ANALYSIS = Analysis(
    "sweep", "Walk between two agents", Params, Frame, run, table, summary, networks=networks, figure=svg, reads=reads
)
