"""Table 1: sampling new instances of CartPoleNet (section 3.5), beside the paper's figures and with controls."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import claims
from workbench.analyses import sample
from workbench.analysis import Analysis, Selection
from workbench.claims import Claim
from workbench.compute import Compute
from workbench.figures import Lines, Series, figure
from workbench.groups import CARTPOLE
from workbench.paper import SAMPLED, TABLE_1_SAMPLES, TABLE_1_TRAINING
from workbench.reproducing import GROUPS, Params, Progress, at_work, population_of, seeds_of, seeds_told, trained
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout
from workbench.sampled_claims import of_samples
from workbench.text import clean

FAITHFUL, BEST = "cartpolegen", "functional"
ROWS = (
    "cartpolegen, posterior, n 200", "cartpolegen, posterior", "cartpolegen, prior", "cartpolegen + predictor",
    "functional, prior", "functional + predictor", *sample.CONTROLS,
)  # fmt: skip
PAPER_ROW, BEST_ROW = ROWS[0], ROWS[5]
FIGURES = (
    "mean",
    "std",
    "w1",
    "inside",
    "behaviour_novelty",
    "weight_novelty",
    "behaviour_diversity",
    "weight_diversity",
)


@dataclass(frozen=True)
class Frame(Progress):
    """Figures so far; NaN where they are not made yet."""

    seeds: tuple[int, ...]
    count: int
    training: NDArray[np.float64]
    """(groups, 4): networks, mean, standard deviation and greatest of survival, steps."""
    floor: NDArray[np.float64]
    """(seeds, groups, 2): floors of W1 for n 200 and for n, steps."""
    figures: NDArray[np.float64]
    """(seeds, groups, rows, figures)."""
    seconds: NDArray[np.float64]
    """(seeds, 2) training times of the two generators as their files say."""
    samples: NDArray[np.float64]
    """(seeds, groups, n) survival times of CartPoleGen's samples from the posterior, steps."""
    again: NDArray[np.float64]
    """(seeds, groups, n) survival times of training networks in other episodes than those that made the groups."""


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a group, generator and seed."""
    population = population_of(selection)
    seeds = seeds_of(params)
    from workbench.learning.scoring import yardstick

    count = SAMPLED if params.quick else params.count
    survival = np.asarray(population["survival"], float)
    group = CARTPOLE.assign(survival)
    members = [survival if g == "all" else survival[group == CARTPOLE.names.index(g)] for g in GROUPS]
    training = np.array([(len(m), m.mean(), m.std(), m.max()) if len(m) else (0, *[np.nan] * 3) for m in members])
    samples, again = (np.full((len(seeds), len(GROUPS), count), np.nan) for _ in range(2))
    floor = np.full((len(seeds), len(GROUPS), 2), np.nan)
    figures = np.full((len(seeds), len(GROUPS), len(ROWS), len(FIGURES)), np.nan)
    seconds = np.full((len(seeds), 2), np.nan)
    total = 1000 * len(seeds)

    def frame(done: float, doing: str) -> Frame:
        return Frame(
            min(total, round(done)), total, doing, population.name, seeds, count, training, floor.copy(),
            figures.copy(), seconds.copy(), samples.copy(), again.copy(),
        )  # fmt: skip

    for s, seed in enumerate(seeds):
        files = {}
        for k, kind in enumerate((FAITHFUL, BEST)):
            for waiting in trained(population, kind, seed, compute):
                if isinstance(waiting, str):
                    files[kind] = waiting
                else:
                    yield frame(1000 * s + 300 * (k + waiting.done / waiting.total), waiting.name)
            seconds[s, k] = sample.generators.load(files[kind]).provenance.get("seconds", np.nan)
        for g, name in enumerate(GROUPS):
            drawn = np.random.default_rng([seed, 24, g]).choice(
                yardstick(population, name, seed, compute).training, count
            )
            other = Episodes(seed=seed, first=Episodes().count)
            again[s, g] = rollout(np.asarray(population.weights[drawn]), population.spec, other, compute).steps.mean(1)
            asked: list[tuple[int, dict[str, Any]]] = [
                (0, {"generator": files[FAITHFUL], "source": "posterior", "count": SAMPLED}),
                (1, {"generator": files[FAITHFUL], "source": "posterior", "count": count}),
                (4, {"generator": files[BEST], "selector": "none", "count": count}),
                (5, {"generator": files[BEST], "selector": "predictor", "count": count}),
            ]
            for row, how in asked:
                only = sample.Params(group=name, seed=seed, **how)
                reached: dict[str, dict[str, float]] = {}
                for found in sample.run(compute, Selection(population), only):
                    reached = found.rows
                    if row != 5 and len(reached):
                        break
                floor[s, g, 0 if row == 0 else 1] = found.floor
                if row == 1:
                    samples[s, g] = found.survival
                for label, values in reached.items():
                    at = _row(label, row)
                    if at is not None:
                        figures[s, g, at] = [values[f] for f in FIGURES]
                yield frame(
                    1000 * s + 600 + 400 * (g + (asked.index((row, how)) + 1) / 4) / len(GROUPS), f"sampling {name}"
                )
    yield frame(total, "")


def _row(label: str, asked: int) -> int | None:
    """Which row a row of `sample` is, when it was asked for this one."""
    if asked != 5:
        return asked
    if label in sample.CONTROLS:
        return ROWS.index(label)
    return {"functional + predictor": 5, "cartpolegen": 2, "cartpolegen + predictor": 3}.get(label)


def _figure(frame: Frame, g: int, row: int, name: str) -> tuple[float, float]:
    """Mean over seeds and standard deviation between them; NaN where nothing is made yet."""
    values = frame.figures[:, g, row, FIGURES.index(name)]
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else 0.0


def _floors(frame: Frame, g: int, row: int) -> float:
    values = frame.floor[:, g, 0 if row == 0 else 1]
    values = values[~np.isnan(values)]
    return float(values.mean()) if len(values) else float("nan")


def _told(value: tuple[float, float], form: str = ".1f", seeds: int = 1) -> str:
    mean, spread = value
    if np.isnan(mean):
        return "-"
    return f"{mean:{form}}" + (f" ± {spread:{form}}" if seeds > 1 else "")


def table(frame: Frame) -> Group:
    """The paper's table beside ours, then every row with its controls."""
    n = len(frame.seeds)
    first = Table(title=f"Table 1: {frame.population}, {seeds_told(frame.seeds)}")
    for name in ("group", "networks", "training: paper", "ours", "generated: paper", "CartPoleGen", "functional"):
        first.add_column(name, justify="left" if name == "group" else "right")
    for g, name in enumerate(GROUPS):
        theirs, samples = TABLE_1_TRAINING[name], TABLE_1_SAMPLES[name]
        size, mean, std, _ = frame.training[g]
        ours = [
            f"{_told(_figure(frame, g, ROWS.index(r), 'mean'))}, {_told(_figure(frame, g, ROWS.index(r), 'std'))}"
            for r in (PAPER_ROW, BEST_ROW)
        ]
        first.add_row(
            name, f"{size:,.0f}", f"{theirs.mean}, {theirs.std}", f"{mean:.1f}, {std:.1f}",
            f"{samples.mean}, {samples.std}", *ours,
        )  # fmt: skip
    first.caption = "mean, standard deviation of survival time (steps)"
    spread = f"mean ± sd over {n} seeds" if n > 1 else seeds_told(frame.seeds)
    second = Table(
        title=f"Wasserstein distance (W1) from held-out networks (steps), share in the group; n {frame.count:,}, "
        f"{spread}"
    )
    third = Table(title="Ratios to held-out networks: novelty and diversity, in behaviour (b) and weights (w)")
    for g, out in ((0, second), (1, third)):
        del g
        out.add_column("")
        for name in GROUPS:
            out.add_column(name, justify="right")
    # With as many samples as the paper's there is one row of them, not the same one twice.
    for r, row in ((r, row) for r, row in enumerate(ROWS) if r != 1 or frame.count != SAMPLED):
        cells, ratios = [], []
        for g in range(len(GROUPS)):
            w1, inside = _figure(frame, g, r, "w1"), _figure(frame, g, r, "inside")[0]
            times = w1[0] / _floors(frame, g, r)
            told = "-" if np.isnan(w1[0]) else f"{_told(w1, '.1f', n)}\n{times:.1f} floors"
            cells.append(told + ("" if np.isnan(inside) or GROUPS[g] == "all" else f"\n{inside:.0%} inside"))
            four = [_told(_figure(frame, g, r, f), ".2f") for f in FIGURES[4:]]
            ratios.append(f"b {four[0]} {four[2]}\nw {four[1]} {four[3]}" if four[0] != "-" else "-")
        second.add_row(row, *cells, end_section=True)
        third.add_row(row, *ratios, end_section=True)
    second.add_row("floor", *(f"{_floors(frame, g, 1):.2f}" for g in range(len(GROUPS))))
    third.caption = "each: novelty, then diversity; 1 is right, far below is memorised or collapsed"
    said = Text(clean(sentence(frame), 2000), style="bold")
    return Group(first, second, third, said, *claims.lines(answered(frame)))


def sentence(frame: Frame) -> str:
    """How far the generators are from what they were trained on."""
    if frame.done < frame.total:
        return at_work(frame)
    best = max(_figure(frame, g, 5, "w1")[0] / _floors(frame, g, 5) for g in range(len(GROUPS)))
    faithful = min(_figure(frame, g, 1, "w1")[0] / _floors(frame, g, 1) for g in range(len(GROUPS)))
    return (
        f"CartPoleGen is at least {faithful:.0f} sampling floors from its group, the functional generator with its "
        f"predictor at most {best:.1f}."
    )


@claims.remembered
def answered(frame: Frame) -> list[Claim]:
    """Claims 3, 4 and 6, of CartPoleGen's samples from the posterior."""
    return of_samples(frame.samples, frame.again, frame.training, frame.seeds) if frame.done >= frame.total else []


def summary(frame: Frame) -> dict[str, Any]:
    """Every number."""
    return {
        "seeds": list(frame.seeds),
        "n": frame.count,
        "sentence": sentence(frame),
        "training_seconds": {k: frame.seconds[:, i].tolist() for i, k in enumerate((FAITHFUL, BEST))},
        "groups": {
            name: {
                "training": dict(zip(("networks", "mean", "std", "max"), map(float, frame.training[g]), strict=True)),
                "paper": {
                    "training": [TABLE_1_TRAINING[name].mean, TABLE_1_TRAINING[name].std],
                    "generated": [TABLE_1_SAMPLES[name].mean, TABLE_1_SAMPLES[name].std],
                },
                "floor": {"n 200": frame.floor[:, g, 0].tolist(), "n": frame.floor[:, g, 1].tolist()},
                "rows": {
                    row: {f: frame.figures[:, g, r, i].tolist() for i, f in enumerate(FIGURES)}
                    for r, row in enumerate(ROWS)
                },
            }
            for g, name in enumerate(GROUPS)
        },
    }


def svg(frame: Frame) -> str:
    """W1 against the floor, by group and generator."""
    x = np.arange(len(GROUPS), dtype=float)
    series = [
        Series(row, x, np.array([_figure(frame, g, ROWS.index(row), "w1")[0] for g in range(len(GROUPS))]), joined=True)
        for row in (ROWS[1], ROWS[3], ROWS[4], ROWS[5])
    ]
    series.append(Series("floor", x, np.array([_floors(frame, g, 1) for g in range(len(GROUPS))])))
    panel = Lines(series, "survival group", "W1 (steps)", log_y=True, names=GROUPS)
    return figure([panel], "Table 1: distance of samples from held-out networks")


ANALYSIS = Analysis(
    "table1",
    "Table 1: sampling new networks",
    Params,
    Frame,
    run,
    table,
    summary,
    figure=svg,
    claims=answered,
    whole=True,
)
