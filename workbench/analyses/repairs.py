"""Many repairs: how often each method succeeds at each level of damage, on networks that nothing was fitted to."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import generators, repairing
from workbench.analyses.repair import MOST, check_params
from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import Lines, Series, figure
from workbench.numerics import ranking
from workbench.numerics.damage import check
from workbench.numerics.distributions import bootstrap
from workbench.numerics.proportions import wilson
from workbench.numerics.statistics import Interval
from workbench.repairing import ALIKE, RANKINGS, SUCCESSES, Original, Trial
from workbench.text import clean, counted

LEVELS = (".05", ".1", ".2", ".4", ".6")
"""Those that are usual."""
WORTH = tuple(f.name for f in fields(ranking.Found))
MARKS = "●○◆◇■□▲△×+▼▽★#%&@"
"""One a row, so that colour need not tell them apart."""
STYLES = ("accent", "first", "second", "strong")


@dataclass(frozen=True)
class Params(Trial):
    """How many networks, how damaged, and what is tried."""

    networks: int = 40
    """Held-out networks, drawn at random."""
    levels: tuple[str, ...] = ()
    """Only these levels of damage; may be repeated. .05, .1, .2, .4 and .6 without any."""


@dataclass(frozen=True)
class Frame:
    """Trials so far."""

    done: int
    total: int
    generator: str
    """Name and file."""
    which: str
    """Which networks are repaired."""
    kind: str
    levels: tuple[float, ...]
    networks: NDArray[np.int64]
    """(n,) rows in the population."""
    names: tuple[str, ...]
    """A name a row: methods, then controls."""
    knows: tuple[str, ...]
    """What each was told beside the damaged weights; empty before its first trial."""
    off: NDArray[np.float64]
    """(rows, levels, n, keep) difference of survival in fresh episodes, steps; NaN before the trial, or where there
    are fewer candidates."""
    actions: NDArray[np.float64]
    """(rows, levels, n, keep) share of the original's actions on reference states."""
    own: NDArray[np.float64]
    """(rows, levels, n, keep) the same on states that the original visits itself."""
    cost: NDArray[np.float64]
    """(rows, levels, n, 2) networks drawn, simulator episodes to choose; NaN before the trial."""
    memorised: NDArray[np.float64]
    """(rows, levels, n) 1 where the first candidate behaves as a training network does; NaN before the trial."""
    samples: int
    keep: int
    epsilon: float
    shown: int
    """Actions of the original that repair by demonstration sees."""
    seed: int
    episodes: int
    cap: int
    detected: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0, 0, 0)))
    """(rankings, levels, n, len(WORTH)) what rankings of weights by suspicion are worth, where no one knows which are
    damaged; NaN before the trial, without rows where positions are known."""

    def counts(self, row: int, level: int) -> tuple[NDArray[np.int64], int]:
        """Successes (2, len(SUCCESSES)) of the first candidate and of any, and trials so far."""
        tried = ~np.isnan(self.off[row, level, :, 0])
        won = repairing.successes(
            self.off[row, level, tried], self.actions[row, level, tried], self.own[row, level, tried], self.epsilon
        )
        return np.stack([won[:, 0].sum(0), won.any(1).sum(0)]), int(tried.sum())


def levels_of(levels: tuple[str, ...], kind: str) -> tuple[float, ...]:
    """Levels as numbers.

    Raises:
        WorkbenchError: not a number, one twice, out of range, or one that damages nothing.
    """
    try:
        found = tuple(float(level) for level in levels or LEVELS)
    except ValueError:
        raise WorkbenchError(f"levels: expected numbers, got {' '.join(levels)}") from None
    if len(set(found)) < len(found):
        raise WorkbenchError(f"levels: expected different numbers, got {' '.join(levels)}")
    for level in found:
        check(kind, level)
        if level == 0:
            raise WorkbenchError("levels: 0 damages nothing; there is nothing to repair")
    return found


def held_out_networks(selection: Selection, count: int, seed: int) -> tuple[NDArray[np.int64], str]:
    """Rows (n,) of finite held-out networks, at most so many, and what they are in words.

    Raises:
        WorkbenchError: a count out of range, or none there.
    """
    if not 1 <= count <= MOST:
        raise WorkbenchError(f"networks: expected 1 to {MOST:,}, got {count}")
    from workbench.learning.data import held_out_rows

    population = selection.population
    rows = selection.indices
    rows = rows[held_out_rows(population)[rows] & np.isfinite(population.weights[rows]).all(1)]
    if not len(rows):
        raise WorkbenchError(f"{population.name}: no held-out networks with finite weights are selected")
    drawn = np.random.default_rng([seed, 21]).permutation(rows)[:count]
    return drawn, "held-out networks" if selection.rows is None else "selected held-out networks"


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a network and level."""
    fresh = check_params(params)
    levels = levels_of(params.levels, params.kind)
    methods = repairing.chosen_methods(params.method, params.kind)
    rows, which = held_out_networks(selection, params.networks, params.seed)
    population = selection.population
    generator = generators.for_population(population, params.generator, compute)
    from workbench.learning.repair import Source

    source = Source.of(population, generator, compute, params.source)
    states = repairing.reference_states(population, params.seed)
    pool = repairing.shown_states(population, params.seed)
    told = repairing.Memory(population, params.seed, compute)
    names = repairing.row_names(methods, params.kind)
    knows = [""] * len(names)
    shape = (len(names), len(levels), len(rows))
    off, actions, own = (np.full((*shape, params.keep), np.nan) for _ in range(3))
    cost, memorised = np.full((*shape, 2), np.nan), np.full(shape, np.nan)
    rankings = RANKINGS if params.kind in repairing.DETECTABLE else ()
    detected = np.full((len(rankings), *shape[1:], len(WORTH)), np.nan)

    def frame(done: int) -> Frame:
        return Frame(
            done, len(rows) * len(levels), f"{generator.NAME} ({generator.title})", which, params.kind, levels, rows,
            names, tuple(knows), off.copy(), actions.copy(), own.copy(), cost.copy(), memorised.copy(), params.samples,
            params.keep, params.epsilon, params.actions, params.seed, params.episodes, params.cap,
            detected.copy(),
        )  # fmt: skip

    done = 0
    yield frame(0)
    for n, row in enumerate(rows):
        weights = np.array(population.weights[row])
        original = Original.of(weights, population.spec, fresh, states, params.epsilon, compute)
        for k, level in enumerate(levels):
            # A seed of its own for each trial, which does not depend on which others there are.
            seed = int(np.random.default_rng([params.seed, 22, row, round(level * 1e6)]).integers(2**62))
            damaged = repairing.damage_network(weights, population.spec, params.kind, level, seed)
            case = repairing.case_of(
                original,
                damaged,
                repairing.trial_episodes(fresh),
                pool,
                params.actions,
                params.samples,
                params.keep,
                seed,
                params.demonstrated,
            )
            detection = repairing.detection_of(damaged, source, seed)
            if detection is not None:
                pairs = zip(detection.scores, detection.chosen, strict=True)
                detected[:, k, n] = [astuple(ranking.found(*pair, damaged.mask)) for pair in pairs]
            for r, found in enumerate(repairing.trial(original, damaged, case, source, methods, detection)):
                assert found.name == names[r]
                tried = len(found.repaired.weights)
                knows[r] = found.knows
                off[r, k, n, :tried] = found.verdicts.off
                actions[r, k, n, :tried], own[r, k, n, :tried] = found.verdicts.actions, found.verdicts.own
                cost[r, k, n] = found.repaired.samples, found.repaired.episodes
                memorised[r, k, n] = told.memorised(found.repaired.weights)
            done += 1
            yield frame(done)


def figures_of(frame: Frame, row: int, level: int) -> dict[str, Any]:
    """Counts, shares with Wilson's intervals, and means over networks."""
    counts, n = frame.counts(row, level)
    out: dict[str, Any] = {"n": n}
    for which, won in zip(("one", "any"), counts, strict=True):
        out[which] = {
            name: _interval(wilson(int(count), n)) if n else None for name, count in zip(SUCCESSES, won, strict=True)
        }
    tried = ~np.isnan(frame.off[row, level, :, 0])
    for name, values in (("off", frame.off), ("actions", frame.actions), ("own_actions", frame.own)):
        out[name] = float(values[row, level, tried, 0].mean()) if n else None
    out["samples"], out["episodes"] = frame.cost[row, level, tried].mean(0).tolist() if n else (None, None)
    out["memorised"] = float(frame.memorised[row, level, tried].mean()) if n else None
    return out


def detection_of(frame: Frame, level: int) -> dict[str, dict[str, dict[str, float]]]:
    """Means over networks of what each ranking is worth, with bootstrap intervals."""
    out = {}
    for name, values in zip(RANKINGS, frame.detected[:, level] if len(frame.detected) else (), strict=False):
        tried = values[~np.isnan(values[:, 0])]
        if len(tried):
            out[name] = {
                worth: _interval(bootstrap(lambda v: float(np.mean(v)), tried[:, w])) for w, worth in enumerate(WORTH)
            }
    return out


def _interval(found: Interval) -> dict[str, float]:
    return {"share": found.value, "low": found.low, "high": found.high}


NOTE = (
    f"per cent of networks, first candidate/any of all; ST: survival within epsilon of the original's; act., own: "
    f"{ALIKE:.0%} of its actions or more, in states that the population visits, and that it visits itself; joint: ST "
    "and act., with 95 % intervals (Wilson); strict: ST and own; mem.: first candidates that behave as a training "
    "network"
)


def table(frame: Frame) -> Group:
    """A table a level, a row a method and control."""
    parts: list[Any] = []
    for k, level in enumerate(frame.levels):
        tried = int((~np.isnan(frame.off[-1, k, :, 0])).sum())
        if not tried:
            continue
        out = Table(title=f"{frame.kind}, level {level:g}: {counted(tried, 'network')}", box=SIMPLE_HEAD, padding=0)
        for name in ("", "ST", "act.", "own", "joint", "95 %", "strict", "mem."):
            out.add_column(name, justify="right" if name else "left", no_wrap=bool(name))
        for r, name in enumerate(frame.names):
            f = figures_of(frame, r, k)
            one, best = f["one"], f["any"]
            pairs = [_both(one[s]["share"], best[s]["share"]) for s in SUCCESSES]
            ends = f"{_range(one['joint'])} {_range(best['joint'])}"
            out.add_row(name, *pairs[:4], ends, pairs[4], f"{f['memorised']:.0%}")
        parts.append(out)
        parts += [Text(line) for line in _detected(frame, k)]
    about = (
        f"{frame.done} of {frame.total} trials, {len(frame.networks)} {frame.which}; {frame.generator}; "
        f"{counted(frame.samples, 'sample')}, {counted(frame.keep, 'candidate')}, epsilon {frame.epsilon:g}, "
        f"{counted(frame.shown, 'action')} shown to "
        f"repair by demonstration; {frame.episodes} fresh episodes, cap {frame.cap}, seed {frame.seed}"
    )
    known = {name: told for name, told in zip(frame.names, frame.knows, strict=True) if told}
    lines = [f"{name} knows {told}" for name, told in known.items()]
    return Group(*parts, Text(NOTE, style="dim"), Text(clean("; ".join(lines), 2000)), Text(clean(about, 1000)))


def _detected(frame: Frame, level: int) -> list[str]:
    found = detection_of(frame, level)
    if not found:
        return []
    lines = ["weights suspected (means, 95 % bootstrap intervals over networks):"]
    for name, worth in found.items():
        said = [f"{'average precision' if w == 'average' else w} {_mean(worth[w])}" for w in ("average", "level")]
        if name == RANKINGS[0]:
            said += [f"{w} {_mean(worth[w])}" for w in ("precision", "recall")]
        lines.append(f"  {name}: {', '.join(said)}")
    return lines


def _mean(found: dict[str, float]) -> str:
    return f"{found['share']:.2f} ({found['low']:.2f}-{found['high']:.2f})"


def _both(one: float, best: float) -> str:
    return f"{100 * one:.0f}/{100 * best:.0f}"


def _range(found: dict[str, float]) -> str:
    return f"{100 * found['low']:.0f}-{100 * found['high']:.0f}"


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values, and every trial."""
    return {
        "generator": frame.generator,
        "of": frame.which,
        "kind": frame.kind,
        "levels": list(frame.levels),
        "networks": frame.networks.tolist(),
        "samples": frame.samples,
        "keep": frame.keep,
        "epsilon": frame.epsilon,
        "actions_shown": frame.shown,
        "seed": frame.seed,
        "episodes": frame.episodes,
        "cap": frame.cap,
        "detection": {f"{level:g}": detection_of(frame, k) for k, level in enumerate(frame.levels)},
        "rows": {
            name: {
                "knows": frame.knows[r],
                "levels": {f"{level:g}": figures_of(frame, r, k) for k, level in enumerate(frame.levels)},
                "off": frame.off[r].tolist(),
                "actions": frame.actions[r].tolist(),
                "own_actions": frame.own[r].tolist(),
            }
            for r, name in enumerate(frame.names)
        },
    }


def svg(frame: Frame) -> str:
    """Joint success over levels, of the first candidate and of any."""
    panels = []
    levels = np.array(frame.levels)
    order = np.argsort(levels)
    for which, title in ((0, "first candidate"), (1, f"any of {frame.keep}")):
        series = []
        for r, name in enumerate(frame.names):
            if name == repairing.UNTOUCHED:
                continue
            found = [frame.counts(r, k) for k in order]
            share = np.array([100 * won[which, 3] / n if n else np.nan for won, n in found])
            series.append(Series(name, levels[order], share, MARKS[r % len(MARKS)], STYLES[r % len(STYLES)]))
        panels.append(
            Lines(series, "level of damage", "joint success (%)", y_range=(0.0, 104.0), title=title)
        )  # fmt: skip
    return figure(panels, f"{frame.done} repairs of {frame.which}, {frame.kind}")


def reads(selection: Selection, params: Params) -> tuple[Path, ...]:
    """The generator's file."""
    return generators.file_of(selection, params)


ANALYSIS = Analysis(
    "repairs", "Many repairs: success by method and level", Params, Frame, run, table, summary, figure=svg, reads=reads
)
