"""Table 2: convergence of good and bad networks (section 4.1), beside the paper's, with intervals and controls."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import comparing
from workbench.analysis import Analysis, Selection
from workbench.claims import UNSURE, Claim, lines, remembered
from workbench.comparing import COLUMNS, Compared, How
from workbench.compute import Compute
from workbench.figures import Histogram, figure
from workbench.good_and_bad import KINDS, QUICK_POOL, SOURCES, TOLD, generators_for, pools
from workbench.numerics.distributions import density
from workbench.numerics.similarity.grouped import Contrast, contrast, mutual, resampled
from workbench.numerics.similarity.verdicts import claims, verdict
from workbench.paper import COMPARED, SAMPLED, TABLE_2
from workbench.reproducing import Params, Progress, at_work, population_of, seeds_of, seeds_told
from workbench.rollouts.reference_set import reference_set

MEASURES = ("cd", "output-cd", "agreement", "cka", "procrustes")
ROWS = (*KINDS, "mixed")
TIMES = 1000
"""Draws of ten and ten networks."""
GRID_POINTS = 200


@dataclass(frozen=True)
class Frame(Progress):
    """Figures so far; NaN where they are not made yet."""

    seeds: tuple[int, ...]
    count: int
    """Networks sampled a group, of which the nearest in survival time are compared."""
    pool: int
    """Networks nearest to the wanted survival time, of which ten are drawn again and again."""
    survival: NDArray[np.float64]
    """(seeds, sources, 2, 4) of good and bad: mean of the ten, of the pool, least and most in the pool, steps."""
    ten: NDArray[np.float64]
    """(seeds, sources, 3, measures, 2) mean and standard deviation over pairs of the ten nearest: good, bad, mixed."""
    draws: NDArray[np.float64]
    """(seeds, sources, 3, measures, draws) the mean of other tens."""
    contrasts: NDArray[np.float64]
    """(seeds, sources, measures, 4) of whole pools: means of good and of bad, share of resamples in which good is the
    smaller, p-value."""
    controls: NDArray[np.float64]
    """(controls, measures, 2) mean and standard deviation, of the first seed's trained networks."""
    states: str
    states_hash: str
    states_count: int

    def interval(self, source: int, row: int, measure: int) -> tuple[float, float, float]:
        """Mean over all draws of all seeds, and where 95 % of them lie."""
        values = self.draws[:, source, row, measure].ravel()
        values = values[np.isfinite(values)]
        if not len(values):
            return (np.nan, np.nan, np.nan)
        low, high = np.quantile(values, [0.025, 0.975])
        return float(values.mean()), float(low), float(high)

    def share_below(self, source: int, measure: int) -> float:
        """Share of draws in which good networks have the smaller mean than bad ones."""
        good, bad = (self.draws[:, source, k, measure].ravel() for k in (0, 1))
        both = np.isfinite(good) & np.isfinite(bad)
        return float((good < bad)[both].mean()) if both.any() else np.nan


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield frames while generators are trained, and as pairs are compared."""
    population, seeds = population_of(selection), seeds_of(params)
    count, most = (SAMPLED, QUICK_POOL) if params.quick else (params.count, None)
    how, columns = How(MEASURES), MEASURES
    chosen = reference_set("rollouts", population)
    shape = (len(seeds), len(SOURCES))
    survival = np.full((*shape, len(KINDS), 4), np.nan)
    ten = np.full((*shape, len(ROWS), len(columns), 2), np.nan)
    draws = np.full((*shape, len(ROWS), len(columns), TIMES), np.nan)
    contrasts = np.full((*shape, len(columns), 4), np.nan)
    controls = np.full((len(comparing.CONTROLS), len(columns), 2), np.nan)
    total, each, pool = 1000, 600 / (len(seeds) * len(SOURCES)), 0

    def frame(done: float, doing: str) -> Frame:
        return Frame(
            round(done), total, doing, population.name, seeds, count, pool, survival.copy(), ten.copy(), draws.copy(),
            contrasts.copy(), controls.copy(), chosen.name, chosen.hash, len(chosen.states),
        )  # fmt: skip

    loaded: list[dict[str, Any]] = []
    for s, seed in enumerate(seeds):
        for waiting in generators_for(population, seed, compute):
            if isinstance(waiting, dict):
                loaded.append(waiting)
            else:
                yield frame(400 * (s + waiting.done / waiting.total) / len(seeds), waiting.name)
    for s, seed in enumerate(seeds):
        for k, source in enumerate(SOURCES):
            at = 400 + each * (s * len(SOURCES) + k)
            yield frame(at, f"sampling {TOLD[source]}")
            found = pools(population, source, seed, count, loaded[s], compute, most)
            pool = found.size
            compared = Compared((found.networks,), (np.arange(len(found.networks)),))
            matrices = np.full((len(columns), len(compared), len(compared)), np.nan)
            work, cost = 0, comparing.cost(compared, how, columns, compute)
            for more in comparing.run(compared, chosen.states, how, columns, compute, matrices):
                work += more
                yield frame(at + each * work / cost, f"comparing {TOLD[source]}")
            for g, kind in enumerate(KINDS):
                lasted = found.survival[found.pool(kind)]
                survival[s, k, g] = lasted[:COMPARED].mean(), lasted.mean(), lasted.min(), lasted.max()
            good, bad = (found.ten(kind) for kind in KINDS)
            for m, both in enumerate(map(mutual, matrices)):
                for r, (a, b) in enumerate(((good, good), (bad, bad), (good, bad))):
                    ten[s, k, r, m] = _moments(both[np.ix_(a, b)], a is b)
                wide, poor = (found.pool(kind) for kind in KINDS)
                draws[s, k, :, m] = resampled(both, wide, poor, COMPARED, TIMES, seed).T
                told = contrast(both, wide, poor, TIMES, seed)
                means = (_moments(both[np.ix_(a, a)], True)[0] for a in (wide, poor))
                contrasts[s, k, m] = *means, told.share_below, told.p_value
            if source == "trained" and s == 0:
                matrices_of = comparing.controls(compared, chosen.states, how, columns, compute, seed)
                controls = np.array([[_moments(m, True) for m in matrices_of[name]] for name in comparing.CONTROLS])
    yield frame(total, "done")


def _moments(values: NDArray, within: bool) -> tuple[float, float]:
    """Mean and standard deviation over pairs (m, n), each once."""
    single = values[np.triu_indices(len(values), 1)] if within else values.ravel()
    single = single[np.isfinite(single)]
    return (float(single.mean()), float(single.std(ddof=1))) if len(single) > 1 else (np.nan, np.nan)


def sentences(frame: Frame) -> list[str]:
    """The paper's claims for each source: whole pools are compared, and tens drawn from them."""
    told = []
    for k, source in enumerate(SOURCES):
        if np.isnan(frame.contrasts[:, k]).all():
            continue
        found, also = {}, {}
        for m, column in enumerate(MEASURES):
            found[column] = good, bad, _ = _contrast(frame, k, m)
            tens = frame.share_below(k, m)
            also[column] = f"in {tens if good < bad else 1 - tens:.0%} of tens"
        told.append(f"{TOLD[source]}: {claims(found, KINDS[0], KINDS[1], also)}")
    return told


def _contrast(frame: Frame, source: int, measure: int) -> tuple[float, float, Contrast]:
    """Means within good and within bad networks over seeds, and their contrast."""
    good, bad, share, _ = np.nanmean(frame.contrasts[:, source, measure], axis=0).tolist()
    # Seeds share what they are drawn from: the least sure of them speaks.
    return good, bad, Contrast(share, float(np.nanmax(frame.contrasts[:, source, measure, 3])))


@remembered
def answered(frame: Frame) -> list[Claim]:
    """Claims 1 and 2, of the samples that the paper compares; the other networks are told beside them."""
    if frame.done < frame.total:
        return []
    return [_ordered(frame, 1, 0, True, "hidden CD"), _ordered(frame, 2, 1, False, "output CD")]


def _ordered(frame: Frame, number: int, measure: int, smaller: bool, name: str) -> Claim:
    words, answers = [], []
    for k, source in enumerate(SOURCES):
        if np.isnan(frame.contrasts[:, k, measure]).all():
            answers.append(UNSURE)
            continue
        good, bad, told = _contrast(frame, k, measure)
        answers.append(verdict(told.share_below if smaller else 1 - told.share_below, told.p_value).partition(",")[0])
        words.append(f"{TOLD[source]} {good:.2f} and {bad:.2f} (p {told.p_value:.2g}: {answers[-1]})")
    order = "smaller" if smaller else "larger"
    speaks = ", the least sure of which speaks" if len(frame.seeds) > 1 else ""
    why = (
        f"mean {name} within good and within bad networks: {'; '.join(words)}. The first, the paper's, answers; good "
        f"should be {order} in 95 % of resamples of networks, with p .05 or less over permutations; the {frame.pool} "
        f"networks nearest to each survival time; {seeds_told(frame.seeds)}{speaks}."
    )
    return Claim(number, answers[0], why)


def table(frame: Frame) -> Group:
    """The paper's rows and ours: the ten nearest, and below where the mean of other tens lies."""
    out = Table(title="Table 2: convergence of good and bad networks")
    for heading in ("networks", "survival", *(COLUMNS[m].heading for m in MEASURES)):
        out.add_column(heading, justify="left" if heading == "networks" else "right")
    for kind, theirs in TABLE_2.items():
        moments = (f"{mean:.2f} ± {std:.2f}" for mean, std in (theirs.hidden, theirs.output))
        out.add_row(f"paper, {kind}", f"{theirs.survival:.0f}", *moments, *"-" * (len(MEASURES) - 2))
    for k, source in enumerate(SOURCES):
        out.add_section()
        for r, row in enumerate(ROWS):
            if np.isnan(frame.ten[:, k, r]).all():
                continue
            lasting = ""
            if row in KINDS:
                mean, _, low, high = np.nanmean(frame.survival[:, k, r], axis=0)
                lasting = f"{mean:.0f}\n({low:.0f}-{high:.0f})"
            out.add_row(f"{TOLD[source]}, {row}", lasting, *(_cell(frame, k, r, m) for m in range(len(MEASURES))))
    if np.isfinite(frame.controls).any():
        out.add_section()
        for name, row in zip(comparing.CONTROLS, frame.controls, strict=True):
            out.add_row(name, "", *("-" if np.isnan(m) else f"{m:.2f} ± {s:.2f}" for m, s in row))
    over = f"mean over {seeds_told(frame.seeds)}" if len(frame.seeds) > 1 else seeds_told(frame.seeds)
    about = (
        f"{frame.population}; mean ± standard deviation over the pairs of the ten networks nearest in survival time "
        f"of {frame.count:,} ({over}); below: mean, and where it lies for 95 % of {TIMES:,} other tens of the "
        f"{frame.pool} nearest (in brackets: their survival times). Sentences compare those {frame.pool} with each "
        f"other. CD: convergence distance, both directions averaged. {frame.states_count:,} states: {frame.states} "
        f"({frame.states_hash}). {at_work(frame)}"
    ).rstrip()
    return Group(
        out, Text(about, style="dim"), *(Text(line, style="bold") for line in sentences(frame)), *lines(answered(frame))
    )


def _cell(frame: Frame, source: int, row: int, measure: int) -> str:
    mean, std = np.nanmean(frame.ten[:, source, row, measure], axis=0)
    middle, low, high = frame.interval(source, row, measure)
    return f"{mean:.2f} ± {std:.2f}\n{middle:.2f} [{low:.2f}, {high:.2f}]"


def summary(frame: Frame) -> dict[str, Any]:
    """Every figure."""
    rows = {}
    for k, source in enumerate(SOURCES):
        for r, row in enumerate(ROWS):
            rows[f"{TOLD[source]}, {row}"] = {
                "survival": frame.survival[:, k, r].tolist() if row in KINDS else None,
                **{
                    column: {
                        "ten": frame.ten[:, k, r, m].tolist(),
                        "other_tens": list(frame.interval(k, r, m)),
                    }
                    for m, column in enumerate(MEASURES)
                },
            }
    return {
        "seeds": list(frame.seeds),
        "n": frame.count,
        "pool": frame.pool,
        "draws": TIMES,
        "states": {"from": frame.states, "hash": frame.states_hash, "count": frame.states_count},
        "paper": {
            kind: {"survival": t.survival, "cd": list(t.hidden), "output-cd": list(t.output)}
            for kind, t in TABLE_2.items()
        },
        "rows": rows,
        "controls": {
            name: {column: values.tolist() for column, values in zip(MEASURES, row, strict=True)}
            for name, row in zip(comparing.CONTROLS, frame.controls, strict=True)
        },
        "pools": {
            TOLD[source]: {column: frame.contrasts[:, k, m].tolist() for m, column in enumerate(MEASURES)}
            for k, source in enumerate(SOURCES)
        },
        "good_below_bad": {
            TOLD[source]: {column: frame.share_below(k, m) for m, column in enumerate(MEASURES)}
            for k, source in enumerate(SOURCES)
        },
        "sentences": sentences(frame),
    }


def svg(frame: Frame) -> str:
    """Means of the tens drawn, good over bad, for hidden units above and outputs below."""
    panels = []
    for m in (0, 1):
        for k, source in enumerate(SOURCES):
            good, bad = (np.sort(frame.draws[:, k, g, m].ravel()) for g in (0, 1))
            if np.isnan(good).any() or np.isnan(bad).any():
                continue
            high = 1.05 * max(good[-1], bad[-1])
            grid = np.linspace(0.0, high, GRID_POINTS)
            panels.append(
                Histogram(
                    (0.0, float(high)), good, "good", grid, density(bad, grid), "bad", bars_density=density(good, grid),
                    line_values=bad, x_label=COLUMNS[MEASURES[m]].heading, unit="", title=TOLD[source],
                )
            )  # fmt: skip
    return figure(panels, "Table 2: mean convergence distance of ten good and ten bad networks", columns=len(SOURCES))


ANALYSIS = Analysis(
    "table2",
    "Table 2: convergence of good and bad networks",
    Params,
    Frame,
    run,
    table,
    summary,
    figure=svg,
    claims=answered, whole=True,
)  # fmt: skip
