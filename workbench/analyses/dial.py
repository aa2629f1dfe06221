"""The dial: policies of a wanted survival time or return, and how each was found and confirmed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import generators
from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.groups import Groups
from workbench.numerics.statistics import mean_interval
from workbench.performance import RETURN, Measure, measure_of
from workbench.policies import PolicySpec
from workbench.population import FINGERPRINT, Population, fingerprints
from workbench.population import Text as TextColumn
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import performance
from workbench.text import clean, counted

TRIED = 16
"""Candidates that the simulator tries for each policy wanted, where it may choose."""


@dataclass(frozen=True)
class Params:
    """How long, how many, and how they may be looked for."""

    target: float = 120.0
    """Steps that a policy shall survive; elsewhere than in Cart-Pole, the return it shall have."""
    count: int = 8
    """Policies to find."""
    generator: str = "functional"
    """A trained generator: a name or a file."""
    selector: str = "predictor"
    """predictor: no simulator episode is used to choose; simulator: the predictor's best are tried before."""
    candidates: int = 2000
    """Networks generated to choose from."""
    seed: int = 0
    """Seed of everything drawn."""
    episodes: int = 100
    """Fresh episodes in which each policy found is confirmed."""
    cap: int = 200
    """Steps after which an episode ends."""


@dataclass(frozen=True)
class Frame:
    """The policies found, the nearest to the target first as they were chosen."""

    done: int
    total: int
    target: float
    generator: str
    selector: str
    candidates: int
    seed: int
    cap: int
    spec: str
    """Their spec, as JSON."""
    tried: int
    """Simulator episodes that choosing took."""
    predicted: NDArray[np.float64]
    """(n, 2) predicted survival (steps) or return, and by how much 95 % of such predictions are off."""
    steps: NDArray[np.float64]
    """(n, episodes) survival (steps) or return in fresh episodes."""
    latents: NDArray[np.float32]
    """(n, k)."""
    weights: NDArray[np.float32]
    """(n, p)."""

    @property
    def error(self) -> float:
        """Mean absolute difference of what was confirmed from the target."""
        return float(np.abs(self.steps.mean(1) - self.target).mean())

    @property
    def measure(self) -> Measure:
        """Survival or return."""
        return measure_of(PolicySpec.from_json(json.loads(self.spec)))


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield candidates chosen, then confirmed."""
    if params.selector not in ("predictor", "simulator"):
        raise WorkbenchError(f"selector: expected predictor or simulator, got {params.selector!r}")
    if not 1 <= params.count <= 1000:
        raise WorkbenchError(f"count: expected 1 to 1000, got {params.count}")
    if not params.count <= params.candidates <= 1_000_000:
        raise WorkbenchError(f"candidates: expected {params.count} (the count) to 1000000, got {params.candidates}")
    confirm = Episodes(params.episodes, params.cap, params.seed)
    if selection.population.measure is RETURN:
        if not np.isfinite(params.target):
            raise WorkbenchError(f"target: expected a return, got {params.target:g}")
    elif not 1 <= params.target <= params.cap:
        raise WorkbenchError(f"target: expected 1 to {params.cap} steps (the cap), got {params.target:g}")
    from workbench.learning.data import ALL
    from workbench.learning.selection import TRIAL_EPISODES, TRIAL_SEED, predictor_of

    generator = generators.for_population(selection.population, params.generator, compute)
    predictor = predictor_of(generator)
    if predictor is None:
        raise WorkbenchError(f"dial: {generator.title} has no survival predictor; functional generators have one")
    group = group_of(selection.population.groups, params.target, generator.groups, ALL)
    samples = generator.sample(params.candidates, group, params.seed)
    predicted, off = predictor.predict(samples.weights)
    keep = params.count * (TRIED if params.selector == "simulator" else 1)
    order = np.argsort(np.abs(predicted - params.target), kind="stable")[: min(keep, len(predicted))]
    tried = 0
    if params.selector == "simulator":
        trial = Episodes(TRIAL_EPISODES * 5, params.cap, (params.seed + TRIAL_SEED) % 2**63)
        lasted = performance(samples.weights[order], selection.population.spec, trial, compute).mean(1)
        tried = len(order) * trial.count
        order = order[np.argsort(np.abs(lasted - params.target), kind="stable")]
    order = order[: params.count]

    def frame(done: int, steps: NDArray) -> Frame:
        return Frame(
            done, 2, params.target, f"{generator.NAME} ({generator.title})", params.selector, len(predicted),
            params.seed, params.cap, json.dumps(selection.population.spec.to_json(), sort_keys=True), tried,
            np.stack([predicted[order], off[order]], 1), steps, samples.latents[order], samples.weights[order],
        )  # fmt: skip

    yield frame(1, np.zeros((len(order), 0)))
    yield frame(2, performance(samples.weights[order], selection.population.spec, confirm, compute))


def group_of(groups: Groups, target: float, known: tuple[str, ...], everything: str) -> str:
    """The group that a target lies in, where the generator knows it."""
    name = groups.names[int(groups.assign(np.array([target]))[0])]
    return name if name in known else everything


def table(frame: Frame) -> Group:
    """A row a policy."""
    out = Table(title=f"policies of {frame.measure.name} {frame.target:g}{frame.measure.unit}, {frame.generator}")
    for name in ("policy", "predicted", "confirmed", "off by"):
        out.add_column(name, justify="right")
    for k, (predicted, off) in enumerate(frame.predicted):
        row = ["-", "-"]
        if frame.steps.shape[1]:
            found = mean_interval(frame.steps[k])
            row = [f"{found.value:.1f} ± {found.half:.1f}", f"{found.value - frame.target:+.1f}"]
        out.add_row(str(k), f"{predicted:.1f} ± {off:.1f}", *row)
    return Group(out, Text(clean(sentence(frame), 1000)))


def sentence(frame: Frame) -> str:
    """How they were found, and how well."""
    how = f"the {frame.selector} chose {len(frame.weights)} of {counted(frame.candidates, 'candidate')}"
    how += f" with {frame.tried:,} simulator episodes" if frame.tried else " without a simulator episode"
    if not frame.steps.shape[1]:
        return f"{how}; confirming…"
    return (
        f"{how}; off by {frame.error:.1f}{frame.measure.unit} on average in {frame.steps.shape[1]} fresh episodes each "
        f"(cap {frame.cap}, seed {frame.seed}; 95 % intervals)"
    )


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    confirmed = frame.steps.shape[1] > 0
    found = [mean_interval(row) if confirmed else None for row in frame.steps]
    name = frame.measure.name
    return {
        "target": frame.target,
        "generator": frame.generator,
        "selector": frame.selector,
        "candidates": frame.candidates,
        "simulator_episodes": frame.tried,
        "seed": frame.seed,
        "error": frame.error if confirmed else None,
        "policies": [
            {"predicted": float(p), "off": float(o), name: f and f.value, "interval": f and [f.low, f.high]}
            for (p, o), f in zip(frame.predicted, found, strict=True)
        ],
    }


def networks(frame: Frame) -> Population:
    """The policies as a population."""
    columns = {
        frame.measure.name: frame.steps.mean(1),
        "recipe": TextColumn.of([f"dialled to {frame.target:g}"] * len(frame.weights)),
        FINGERPRINT: fingerprints(frame.weights),
    }
    made = {k: getattr(frame, k) for k in ("generator", "target", "selector", "candidates", "seed")}
    return Population(PolicySpec.from_json(json.loads(frame.spec)), frame.weights, columns, {"dial": made})


ANALYSIS = Analysis(
    "dial", "Find policies of a wanted survival time or return", Params, Frame, run, table, summary,
    networks=networks, reads=generators.file_of,
)  # fmt: skip
