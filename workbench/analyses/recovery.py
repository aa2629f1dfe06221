"""Figure 8 for one network: how far Algorithm 1 recovers its survival at ten levels of damage (section 4.3)."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import generators
from workbench.analyses import repair
from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import Lines, Series, figure
from workbench.numerics.damage import KINDS, damage
from workbench.recovering import CRITERIA, LEVELS, READINGS, Search, chart, recover
from workbench.rollouts.play import rollout
from workbench.text import clean, counted

LEAST = 0.1
"""Steps; smaller differences are drawn as this one."""
X_RANGE = (0.05, 1.05)
APART = 0.016
"""Of levels, by which marks are drawn beside each other: several criteria often come to the same."""


@dataclass(frozen=True)
class Params:
    """Which network, how it is damaged, and what the algorithm may draw."""

    network: int = 0
    """Row of the network in the population."""
    kind: str = "missing"
    """A kind of damage whose positions are known: missing, or units (whole hidden ones)."""
    generator: str = "functional"
    """A trained generator: cartpolegen (the paper's), functional, or a file that `train` has written."""
    source: str = "prior"
    """Where samples come from: prior, or posterior of random training networks."""
    samples: int = 200
    """Networks drawn at each level; the paper's gamma."""
    keep: int = 10
    """Candidates tried, those nearest by the criterion; the paper's k."""
    epsilon: float = 5.0
    """Difference of survival times that counts as success, steps."""
    seed: int = 0
    """Seed of damage and samples, and of the fresh episodes."""
    episodes: int = 100
    """Episodes a network plays, fresh ones as well as those in which candidates are tried."""
    cap: int = 200
    """Steps after which an episode ends."""


@dataclass(frozen=True)
class Frame:
    """What is unrepaired, then what is repaired."""

    done: int
    total: int
    network: int
    generator: str
    """Name and file."""
    kind: str
    survival: float
    """Of the original in fresh episodes, steps."""
    unrepaired: NDArray[np.float64]
    """(levels,) difference of survival of the damaged network, steps."""
    off: NDArray[np.float64]
    """(levels, criteria, readings) the same of what the algorithm returns, in fresh episodes; NaN before."""
    claimed: NDArray[np.float64]
    """(levels, criteria, readings) 1 where the algorithm says success, by the episodes it chose in; NaN before."""
    samples: int
    keep: int
    epsilon: float
    seed: int
    episodes: int
    cap: int


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame of the damaged networks, then one with what is recovered."""
    fresh = repair.check_params(repair.Params(**asdict(params)))
    if not KINDS[params.kind]:
        known = ", ".join(kind for kind, told in KINDS.items() if told)
        raise WorkbenchError(f"kind: Algorithm 1 wants to know what is missing: expected {known}, got {params.kind}")
    population, row = selection.population, params.network
    if not 0 <= row < len(population):
        raise WorkbenchError(f"network: {population.name} has networks 0 to {len(population) - 1:,}, got {row}")
    weights, spec = np.array(population.weights[row]), population.spec
    lost = np.stack([damage(weights, spec, params.kind, level, params.seed).weights for level in LEVELS])
    generator = generators.for_population(population, params.generator, compute)
    from workbench.learning.repair import Source

    training = Source.of(population, generator, compute, params.source, weights).weights
    lasted = rollout(np.concatenate([weights[None], lost]), spec, fresh, compute).steps.mean(1)
    shape = (len(LEVELS), len(CRITERIA), len(READINGS))
    frame = Frame(
        1, 2, row, f"{generator.NAME} ({generator.title})", params.kind, float(lasted[0]),
        np.abs(lasted[1:] - lasted[0]), np.full(shape, np.nan), np.full(shape, np.nan), params.samples, params.keep,
        params.epsilon, params.seed, params.episodes, params.cap,
    )  # fmt: skip
    yield frame
    search = Search(params.samples, params.keep, params.epsilon, params.kind)
    drawn = training if params.source == "posterior" else None
    off, claimed = recover(weights, spec, generator, drawn, fresh, params.seed, compute, search)
    yield replace(frame, done=2, off=off, claimed=claimed)


def panels(frame: Frame) -> list[Lines]:
    """A chart a reading, over what the damaged network itself comes to; logarithmic, since success is near zero."""
    damaged = Series("unrepaired", np.array(LEVELS), frame.unrepaired, "▒", "dim", joined=False)
    found = []
    for r, reading in enumerate(READINGS):
        panel = chart(frame.off[:, :, r], frame.epsilon, f"#{frame.network}, {reading}")
        series = [
            replace(s, x=s.x + APART * (k - len(panel.series) / 2), y=np.maximum(s.y, LEAST))
            for k, s in enumerate((damaged, *panel.series))
        ]
        label = f"{panel.y_label[:-1]}, from {LEAST:g} on)"
        found.append(
            replace(panel, series=series, log_y=True, x_range=X_RANGE, y_range=(LEAST, float(frame.cap)), y_label=label)
        )
    return found


def sentence(frame: Frame) -> str:
    """At how many levels survival is recovered, beside candidates that no criterion has chosen."""
    if frame.done < frame.total:
        return "The damaged networks are played; repairs come next."
    hits = (frame.off < frame.epsilon).sum(0)
    told = [
        f"{reading}: {', '.join(f'{name} {hits[c, r]}' for c, name in enumerate(CRITERIA))}"
        for r, reading in enumerate(READINGS)
    ]
    return f"Within {frame.epsilon:g} steps at so many of {len(LEVELS)} levels: {'; '.join(told)}."


def about(frame: Frame) -> str:
    """What was done."""
    return (
        f"#{frame.network} survives {frame.survival:.1f} steps; {frame.kind}; {frame.generator}, {frame.samples} "
        f"samples, {counted(frame.keep, 'candidate')}; epsilon {frame.epsilon:g} steps, "
        f"{counted(frame.episodes, 'fresh episode')}, cap "
        f"{frame.cap}, seed {frame.seed}"
    )


def table(frame: Frame) -> Group:
    """A row a level: differences of survival, those that are no success in brackets."""
    out = Table(box=SIMPLE_HEAD, padding=0)
    out.add_column("level", justify="right")
    names = [f"{name}, {reading}" for reading in READINGS for name in CRITERIA]
    for name in ("unrepaired", *(f"  {name.replace(', ', chr(10) + '  ')}" for name in names)):
        out.add_column(name, justify="right")
    for k, level in enumerate(LEVELS):
        off = frame.off[k].T.ravel()
        cells = ["-" if np.isnan(v) else f"{v:.1f}" if v < frame.epsilon else f"({v:.1f})" for v in off]
        out.add_row(f"{level:g}", f"{frame.unrepaired[k]:.1f}", *cells)
    note = "difference of survival in fresh episodes, steps; (not within epsilon)"
    return Group(out, Text(note, style="dim"), Text(sentence(frame), style="bold"), Text(clean(about(frame), 1000)))


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    told = bool(frame.done == frame.total)
    return {
        "network": frame.network,
        "generator": frame.generator,
        "kind": frame.kind,
        "survival": frame.survival,
        "levels": list(LEVELS),
        "unrepaired": frame.unrepaired.tolist(),
        "off": frame.off.tolist() if told else None,
        "said_success": frame.claimed.tolist() if told else None,
        "axes": {"off": ["level", "criterion", "reading"], "criteria": CRITERIA, "readings": READINGS},
        "samples": frame.samples,
        "keep": frame.keep,
        "epsilon": frame.epsilon,
        "seed": frame.seed,
        "episodes": frame.episodes,
        "cap": frame.cap,
        "sentence": sentence(frame),
    }


def svg(frame: Frame) -> str:
    """Both readings side by side."""
    return figure(panels(frame), f"Figure 8 for one network: {frame.kind} weights, repaired by Algorithm 1", columns=2)


def reads(selection: Selection, params: Params) -> tuple[Path, ...]:
    """The generator's file."""
    return generators.file_of(selection, params)


ANALYSIS = Analysis(
    "recovery", "Figure 8 for one network: survival at ten levels of damage", Params, Frame, run, table, summary,
    figure=svg, reads=reads,
)  # fmt: skip
