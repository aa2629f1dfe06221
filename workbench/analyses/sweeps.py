"""Many walks: how often each pattern comes, what extrapolation gains, whether distance tells hills (section 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import generators
from workbench.analyses.sweep import STATES, distances
from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import Histogram, figure
from workbench.numerics.distributions import density
from workbench.numerics.patterns import BEYOND, PATTERNS, Pattern, frequencies, pattern
from workbench.performance import measure_named
from workbench.population import Population, fingerprints
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import performance
from workbench.rollouts.reference_set import reference_set
from workbench.sweeping import Walk, alphas_of, check_paths, needs_generator, walk
from workbench.text import clean, counted

MOST = 20_000
"""Pairs."""
APART = 50.0
"""Steps by which endpoints differ where the monotone share is told."""
CHUNK = 8
"""Pairs between two frames."""


@dataclass(frozen=True)
class Params(Walk):
    """How many pairs, and how they are walked; B is the better of the two."""

    pairs: int = 240
    """Pairs: random ones of held-out networks, or of those selected (all of these, if they are not more)."""


@dataclass(frozen=True)
class Frame:
    """Walks so far."""

    done: int
    total: int
    generator: str
    group: str
    which: str
    """Which networks pairs are of."""
    paths: tuple[str, ...]
    alphas: NDArray[np.float64]
    """(t,)."""
    pairs: NDArray[np.int64]
    """(m, 2) rows in the population: A, and B, which survives longer."""
    survival: NDArray[np.float64]
    """(done, paths, t) mean steps."""
    convergence: NDArray[np.float64]
    """(done, 2) hidden convergence distance, both ways."""
    measure: str
    """survival or return: what stands under `survival`."""
    margin: float
    seed: int
    episodes: int
    cap: int

    def patterns(self, path: str) -> list[Pattern]:
        """Of each walk so far."""
        k = self.paths.index(path)
        top = measure_named(self.measure).top(self.cap)
        return [pattern(self.alphas, walked[k], top, self.margin) for walked in self.survival]


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame every few pairs."""
    population = selection.population
    if not 1 <= params.pairs <= MOST:
        raise WorkbenchError(f"pairs: expected 1 to {MOST:,}, got {params.pairs}")
    alphas = alphas_of(params.points, params.low, params.high)
    paths = check_paths(params.path, population.spec)
    episodes = Episodes(params.episodes, params.cap, params.seed)
    if not 0 <= params.margin < population.measure.top(params.cap):
        raise WorkbenchError(f"margin: expected 0 or more and less than the cap of {params.cap}, got {params.margin:g}")
    generator = None
    if needs_generator(paths):
        generator = generators.for_population(population, params.generator, compute)
        generator.check_group(params.group)
    pairs, which = _pairs(selection, params, compute)
    states = reference_set("rollouts", population, STATES, params.seed)
    found: list[NDArray] = []
    apart: list[NDArray] = []

    def frame() -> Frame:
        survival = np.concatenate(found) if found else np.zeros((0, len(paths), len(alphas)))
        away = np.concatenate(apart) if apart else np.zeros((0, 2))
        return Frame(
            len(survival), len(pairs), f"{generator.NAME} ({generator.title})" if generator else "", params.group,
            which, paths, alphas, pairs, survival, away, population.measure.name, params.margin, params.seed,
            params.episodes, params.cap,
        )  # fmt: skip

    yield frame()
    for begin in range(0, len(pairs), CHUNK):
        part = pairs[begin : begin + CHUNK]
        a, b = (np.array(population.weights[part[:, k]]) for k in (0, 1))
        networks = np.stack(
            [walk(path, a, b, alphas, population.spec, compute, generator, params.group) for path in paths], axis=1
        )
        lasted = performance(networks.reshape(-1, networks.shape[-1]), population.spec, episodes, compute).mean(1)
        found.append(lasted.reshape(networks.shape[:3]))
        apart.append(distances(population, part, states, compute))
        yield frame()


def _pairs(selection: Selection, params: Params, compute: Compute) -> tuple[NDArray[np.int64], str]:
    """Pairs (m, 2), the network that survives longer second; and which networks they are of, in words."""
    from workbench.learning.data import held_out_rows

    population = selection.population
    finite = np.asarray(np.isfinite(population.weights).all(axis=1))
    if selection.rows is None:
        rows, which = np.flatnonzero(held_out_rows(population) & finite), "held-out networks"
    else:
        rows, which = selection.indices[finite[selection.indices]], "selected networks"
    if len(rows) < 2:
        raise WorkbenchError(f"{population.name}: {len(rows)} {which} with finite weights; a walk needs two")
    # Of copies the first alone. Adding 0 makes 0 of -0.
    _, once = np.unique(fingerprints(population.weights[rows] + np.float32(0)), return_index=True)
    rows = rows[np.sort(once)]
    if len(rows) < 2:
        raise WorkbenchError(f"{population.name}: all {which} are the same network; there is no way between them")
    possible = len(rows) * (len(rows) - 1) // 2
    random = np.random.default_rng([params.seed, 16])
    if possible <= 4 * params.pairs:
        places = np.array(list(combinations(range(len(rows)), 2)))
        if possible > params.pairs:
            places = places[random.permutation(possible)[: params.pairs]]
    else:
        first = random.integers(0, len(rows), 2 * params.pairs + 100)
        second = (first + random.integers(1, len(rows), len(first))) % len(rows)
        drawn = np.sort(np.stack([first, second], 1), axis=1)
        _, once = np.unique(drawn[:, 0] * len(rows) + drawn[:, 1], return_index=True)
        places = drawn[np.sort(once)][: params.pairs]
    pairs = rows[places]
    lasted = _lasted(population, pairs, compute)
    return np.where((lasted[:, 0] > lasted[:, 1])[:, None], pairs[:, ::-1], pairs), which


def _lasted(population: Population, pairs: NDArray[np.int64], compute: Compute) -> NDArray[np.float64]:
    """Survival (m, 2) of pairs (m, 2): the population's, measured where it has none."""
    rows, back = np.unique(pairs, return_inverse=True)
    lasted = population.performance[rows]
    unknown = np.isnan(lasted)
    if unknown.any():
        weights = np.array(population.weights[rows[unknown]])
        lasted[unknown] = performance(weights, population.spec, Episodes(), compute).mean(1)
    return lasted[back].reshape(pairs.shape)


def figures_of(frame: Frame, path: str) -> dict[str, Any]:
    """Frequencies of patterns, the monotone share, barrier, what lies beyond B, and tests of two claims."""
    found = frame.patterns(path)
    k = frame.paths.index(path)
    at = {alpha: int(np.flatnonzero(frame.alphas == alpha)[0]) for alpha in (0.0, 1.0)}
    ends = frame.survival[:, k][:, [at[0.0], at[1.0]]]
    apart = np.abs(ends[:, 1] - ends[:, 0]) > APART
    names = [p.name for p in found]
    beyond = [p.beyond for p in found if p.beyond]
    gains = np.array([p.gain for p in found])
    top = measure_named(frame.measure).top(frame.cap)
    # Past an end that is better by more than the margin and not at the cap, there is something to gain.
    room = (ends[:, 1] - ends[:, 0] > frame.margin) & (ends[:, 1] < top - frame.margin) & np.isfinite(gains)
    return {
        "pairs": len(found),
        "patterns": dict(zip(PATTERNS, frequencies(names, PATTERNS).tolist(), strict=True)),
        "beyond": dict(zip(BEYOND, frequencies(beyond, BEYOND).tolist(), strict=True)),
        "apart": int(apart.sum()),
        "monotone": float(np.mean([p.monotone for p, far in zip(found, apart, strict=True) if far]))
        if apart.any()
        else float("nan"),
        "barrier": float(np.mean([p.barrier for p in found])) if found else float("nan"),
        "room": int(room.sum()),
        "gain": float(gains[room].mean()) if room.any() else float("nan"),
        "gained": float((gains[room] > frame.margin).mean()) if room.any() else float("nan"),
        "saturated": float(np.mean([p.saturated for p in found])) if found else float("nan"),
        "hills_and_distance": _hills(frame, found),
        "valleys_and_boosts": _tied(found, ("valley", "mixed"), "boost"),
        "hills_and_drops": _tied(found, ("hill", "mixed"), "drop"),
    }


def _hills(frame: Frame, found: list[Pattern]) -> dict[str, float]:
    """Hidden convergence distance of pairs with a hill and without one (Mann-Whitney), and with how high it rises."""
    nothing = {"hills": float("nan"), "others": float("nan"), "p_value": float("nan"), "spearman": float("nan")}
    away = frame.convergence.mean(axis=1)
    hill = np.array([p.name in ("hill", "mixed") for p in found], bool)
    known = np.isfinite(away)
    if (hill & known).sum() < 2 or (~hill & known).sum() < 2:
        return nothing
    from scipy.stats import mannwhitneyu

    from workbench.numerics.patterns import spearman

    test = mannwhitneyu(away[hill & known], away[~hill & known], alternative="two-sided")
    return {
        "hills": float(away[hill & known].mean()),
        "others": float(away[~hill & known].mean()),
        "p_value": float(test.pvalue),
        "spearman": spearman(away[known], np.array([p.over for p in found])[known]),
    }


def _tied(found: list[Pattern], names: tuple[str, ...], beyond: str) -> dict[str, float]:
    """Share of walks with a pattern that go on so past B, share of the others, and Fisher's exact p-value."""
    known = [p for p in found if p.beyond]
    counts = [[0, 0], [0, 0]]
    for p in known:
        counts[p.name not in names][p.beyond != beyond] += 1
    (yes, no), (other, neither) = counts
    if not yes + no or not other + neither:
        return {"with": float("nan"), "without": float("nan"), "p_value": float("nan")}
    from scipy.stats import fisher_exact

    return {
        "with": yes / (yes + no),
        "without": other / (other + neither),
        "p_value": float(fisher_exact(np.array(counts)).pvalue),
    }


def sentences(frame: Frame) -> list[str]:
    """What the paper and the blog say, answered for each path."""
    told = []
    for path in frame.paths if frame.done else ():
        f = figures_of(frame, path)
        hills, boosts, drops = f["hills_and_distance"], f["valleys_and_boosts"], f["hills_and_drops"]
        words = [
            f"{path}: monotone in {_share(f['monotone'])} of the {f['apart']} walks whose ends are more than "
            f"{APART:.0f}{measure_named(frame.measure).unit} apart"
        ]
        if np.isfinite(hills["p_value"]):
            sure = hills["p_value"] <= 0.05
            answer = "go with" if sure and hills["hills"] > hills["others"] else "do not go with"
            words.append(
                f"hills {answer} large hidden CD ({hills['hills']:.2f} with a hill, {hills['others']:.2f} without, p "
                f"{hills['p_value']:.2g})"
            )
        for name, f_ in (("boosts follow {:.0%} of valleys", boosts), ("drops follow {:.0%} of hills", drops)):
            if np.isfinite(f_["p_value"]):
                words.append(f"{name.format(f_['with'])}, {f_['without']:.0%} of others (p {f_['p_value']:.2g})")
        told.append("; ".join(words) + ".")
    return told


def _share(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.0%}"


def table(frame: Frame) -> Group:
    """A row a path."""
    out = Table(title="patterns between A and B, the better; what lies past B", box=SIMPLE_HEAD, padding=0)
    for name in ("path", *PATTERNS, "mono.", "barrier", *BEYOND, "gain"):
        out.add_column(name, justify="left" if name == "path" else "right", no_wrap=True)
    for path in frame.paths if frame.done else ():
        f = figures_of(frame, path)
        gain = "-" if np.isnan(f["gain"]) else f"{f['gain']:+.1f}"
        out.add_row(
            path, *map(_share, f["patterns"].values()), _share(f["monotone"]), f"{f['barrier']:.0f}",
            *map(_share, f["beyond"].values()), gain,
        )  # fmt: skip
    unit = measure_named(frame.measure).unit
    note = (
        f"mono.: monotone, rank correlation with alpha of .8 or more and nothing outside the ends by more than the "
        f"margin, of walks whose ends are more than {APART:.0f}{unit} apart; barrier: mean of how far {frame.measure} "
        f"falls below the straight line{',' * bool(unit)}{unit}; gain: the best past B less B, of walks that "
        "have room to gain"
    )
    about = (
        f"{frame.done} of {counted(frame.total, 'pair')} of {frame.which}; {frame.generator or 'no generator'}, "
        f"{frame.group}; "
        f"margin {frame.margin:g}, {counted(frame.episodes, 'episode')}, cap {frame.cap}, seed {frame.seed}"
    )
    lines = [Text(note, style="dim"), Text(clean(about, 1000)), *(Text(s, style="bold") for s in sentences(frame))]
    return Group(out, *lines)


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values, and every walk."""
    top = measure_named(frame.measure).top(frame.cap)
    return {
        "generator": frame.generator,
        "group": frame.group,
        "of": frame.which,
        "alphas": frame.alphas.tolist(),
        "measure": frame.measure,
        "margin": frame.margin,
        "seed": frame.seed,
        "episodes": frame.episodes,
        "cap": frame.cap,
        "paths": {path: figures_of(frame, path) for path in frame.paths} if frame.done else {},
        "sentences": sentences(frame),
        "walks": [
            {
                "pair": frame.pairs[m].tolist(),
                "convergence": frame.convergence[m].tolist(),
                frame.measure: {path: frame.survival[m, k].tolist() for k, path in enumerate(frame.paths)},
                "pattern": {path: pattern(frame.alphas, frame.survival[m, k], top, frame.margin).name
                            for k, path in enumerate(frame.paths)},
            }
            for m in range(frame.done)
        ],
    }  # fmt: skip


def svg(frame: Frame) -> str:
    """Hidden convergence distance of pairs with a hill over those without, a panel a path."""
    panels = []
    away = frame.convergence.mean(axis=1)
    for path in frame.paths:
        hill = np.array([p.name in ("hill", "mixed") for p in frame.patterns(path)], bool)
        with_hill, without = away[hill & np.isfinite(away)], away[~hill & np.isfinite(away)]
        if len(with_hill) < 2 or len(without) < 2:
            continue
        grid = np.linspace(0, float(away[np.isfinite(away)].max()) * 1.05, 200)
        panels.append(
            Histogram(
                (0.0, float(grid[-1])), with_hill, "with a hill", grid, density(without, grid), "without",
                bars_density=density(with_hill, grid), line_values=without, x_label="hidden CD", unit="", title=path,
            )
        )  # fmt: skip
    return figure(panels, f"{counted(frame.done, 'walk')}: hidden convergence distance")


def reads(selection: Selection, params: Params) -> tuple[Path, ...]:
    """The generator's file, where a path goes through one."""
    paths = check_paths(params.path, selection.population.spec)
    return generators.file_of(selection, params) if needs_generator(paths) else ()


ANALYSIS = Analysis(
    "sweeps", "Many walks: patterns and gains", Params, Frame, run, table, summary, figure=svg, reads=reads
)
