"""What the paper says of measuring (sections 3.5 and 5.3): noise on weights, measuring again, agents without skill."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group
from rich.table import Table
from rich.text import Text

from workbench import claims
from workbench.analyses.repairs import held_out_networks
from workbench.analysis import Analysis, Selection
from workbench.claims import Claim
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.figures import Lines, Reference, Series, figure
from workbench.numerics.damage import damage
from workbench.numerics.distributions import bootstrap
from workbench.numerics.statistics import Interval, mean_interval
from workbench.paper import CONSTANT_AGENT, RANDOM_AGENT
from workbench.physics import is_cartpole
from workbench.reproducing import EPSILON, GROUPS, Params, Progress, at_work, population_of, seeds_of
from workbench.rollouts.baselines import baselines
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout
from workbench.text import counted

LEVELS = (0.01, 0.02, 0.05, 0.1, 0.2)
"""Noise against each network's root mean square weight."""
SMALL = 0.05
"""The level that is taken for small."""
TIMES = 60
"""Measurements of each network, of 100 episodes each. All networks play the same episodes, so that their differences go
together: it is pairs of measurements that are counted, thirty of them."""
NETWORKS, QUICK_NETWORKS = 1000, 300
PLAYED = 10_000
"""Episodes of the agents without skill."""
QUANTILES = (0.5, 0.95, 0.99, 1.0)
RARE = 0.01
"""What is said of all is held to be said of 99 in 100."""
MARKS = "●○■□◆"
AGENTS = {"random": RANDOM_AGENT, "constant": CONSTANT_AGENT}


@dataclass(frozen=True)
class Frame(Progress):
    """Measurements so far; NaN where they are not made yet."""

    seed: int
    networks: NDArray[np.int64]
    """(n,) held-out networks, rows in the population."""
    group: NDArray[np.int64]
    """(n,) survival group of each."""
    measured: NDArray[np.float64]
    """(times, n) survival in other episodes each time, steps."""
    noisy: NDArray[np.float64]
    """(levels, n) survival with noise on the weights, in the episodes of the first measurement."""
    agents: NDArray[np.float64]
    """(agents, episodes) steps survived."""

    def rows(self, group: int) -> NDArray[np.bool_]:
        """(n,) which networks are of a group of `GROUPS`."""
        return np.ones(len(self.group), bool) if group == len(GROUPS) - 1 else self.group == group

    def change(self, level: int) -> NDArray[np.float64]:
        """By how much survival differs with noise, (n,) steps."""
        return np.abs(self.noisy[level] - self.measured[0])

    @property
    def apart(self) -> NDArray[np.float64]:
        """By how much the two measurements of each pair differ, (pairs, n) steps."""
        return np.abs(self.measured[1::2] - self.measured[::2])

    def more(self, group: int) -> Interval:
        """Share of a group's networks of which two measurements differ by more than epsilon, over pairs of them."""
        found = mean_interval((self.apart[:, self.rows(group)] > EPSILON).mean(1))
        return Interval(found.value, max(0.0, found.low), min(1.0, found.high))


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield a frame a measurement."""
    population, seed = population_of(selection), seeds_of(params)[0]
    spec = population.spec
    if not is_cartpole(spec):
        raise WorkbenchError(f"reproduce: {population.name} is of {spec.env}; the paper's baselines are Cart-Pole's")
    rows, _ = held_out_networks(selection, QUICK_NETWORKS if params.quick else NETWORKS, seed)
    rows = np.sort(rows)
    weights = np.array(population.weights[rows])
    group = population.groups.assign(np.asarray(population["survival"], float)[rows])
    measured, noisy = np.full((TIMES, len(rows)), np.nan), np.full((len(LEVELS), len(rows)), np.nan)
    agents = np.full((len(AGENTS), PLAYED), np.nan)
    episodes = Episodes(seed=seed)
    total = TIMES + len(LEVELS) + len(AGENTS)
    frame = Frame(0, total, "", population.name, seed, rows, group, measured, noisy, agents)

    def now(doing: str) -> Frame:
        nonlocal frame
        frame = replace(
            frame, done=frame.done + 1, doing=doing, measured=measured.copy(), noisy=noisy.copy(), agents=agents.copy()
        )
        return frame

    for k in range(TIMES):
        other = replace(episodes, first=k * episodes.count)
        measured[k] = rollout(weights, spec, other, compute).steps.mean(1)
        yield now("measuring again")
    for k, level in enumerate(LEVELS):
        # Each network has its own noise, and the same at every level but for its size.
        shaken = [damage(w, spec, "noise", level, int(r)).weights for w, r in zip(weights, rows, strict=True)]
        noisy[k] = rollout(np.stack(shaken), spec, episodes, compute).steps.mean(1)
        yield now(f"noise of {level:.0%}")
    found = baselines(spec)
    for k, name in enumerate(AGENTS):
        nothing, its = found[name]
        agents[k] = rollout(nothing, its, replace(episodes, count=PLAYED), compute).steps[0]
        yield now(f"always the same action, {name}" if name == "constant" else "random actions")


@claims.remembered
def answered(frame: Frame) -> list[Claim]:
    """Claims 15 to 17."""
    if frame.done < frame.total:
        return []
    made = f"{counted(len(frame.networks), 'held-out network')}, 95 % intervals, seed {frame.seed}."
    k = LEVELS.index(SMALL)
    shaken = bootstrap(_mean, frame.change(k), seed=frame.seed)
    lost = bootstrap(_mean, frame.noisy[k] - frame.measured[0], seed=frame.seed)
    more = frame.more(len(GROUPS) - 1)
    off = np.abs(frame.measured - frame.measured.mean(0))
    skill = [mean_interval(steps) for steps in frame.agents]
    words = [f"{name} {claims.told(f, '.2f')}" for name, f in zip(AGENTS, skill, strict=True)]
    parts = [claims.inside(f, paper - 0.5, paper + 0.5) for f, paper in zip(skill, AGENTS.values(), strict=True)]
    return [
        Claim(
            15, claims.answer(claims.above(shaken, EPSILON)),
            f"noise of {SMALL:.0%} of the root mean square weight changes survival by {claims.told(shaken)} steps "
            f"(mean {claims.told(lost, '+.1f')}); more than {EPSILON:g} is wanted. {made}",
        ),
        Claim(
            16, claims.answer(claims.below(more, RARE)),
            f"two measurements of 100 episodes each differ by more than {EPSILON:g} steps in "
            f"{claims.told(more, '.1%')} of networks (mean {frame.apart.mean():.2f}, most {frame.apart.max():.1f}; of "
            f"{TIMES} measurements one is off the mean of all by {off.max():.1f} at most); less than {RARE:.0%} is "
            f"wanted. {counted(len(frame.networks), 'held-out network')}, 95 % interval over {len(frame.apart)} "
            f"pairs of "
            f"measurements, seed {frame.seed}.",
        ),
        Claim(
            17, claims.answer(claims.every(parts)),
            f"mean of {PLAYED:,} episodes, steps: {', '.join(words)}; they should round to {RANDOM_AGENT:g} and "
            f"{CONSTANT_AGENT:g}. 95 % intervals, seed {frame.seed}.",
        ),
    ]  # fmt: skip


def _mean(values: NDArray) -> float:
    return float(values.mean())


def _interval(values: NDArray, form: str = ".1f") -> str:
    return claims.told(mean_interval(values), form) if len(values) and np.isfinite(values).all() else "-"


def table(frame: Frame) -> Group:
    """Survival with noise, how far measurements lie apart, and agents without skill."""
    noise = Table(title=f"Survival with noise on the weights (steps), {frame.population}, seed {frame.seed}")
    for name in ("group", "networks", "none", *(f"{level:.0%}" for level in LEVELS)):
        noise.add_column(name, justify="left" if name == "group" else "right")
    again = Table(title="Measured twice: by how much a network's survival differs (steps)")
    names = ("group", "mean", *(f"{q:.0%}" for q in QUANTILES[:-1]), "most", f"above {EPSILON:g}")
    for name in names:
        again.add_column(name, justify="left" if name == "group" else "right")
    for g, name in enumerate(GROUPS):
        rows = frame.rows(g)
        noise.add_row(
            name, f"{rows.sum():,}", _interval(frame.measured[0, rows]),
            *(f"{_interval(values[rows])}\n{_off(frame.change(k)[rows])}" for k, values in enumerate(frame.noisy)),
        )  # fmt: skip
        apart = frame.apart[:, rows]
        if apart.size and np.isfinite(apart).all():
            values = (f"{q:.1f}" for q in np.quantile(apart, QUANTILES))
            again.add_row(name, f"{apart.mean():.2f}", *values, claims.told(frame.more(g), ".1%"))
    noise.caption = (
        f"mean with its 95 % interval; below: of how many it changes survival by more than {EPSILON:g} steps"
    )
    again.caption = (
        f"two times 100 episodes, {len(frame.apart)} such pairs; quantiles, and how many differ by more than "
        f"{EPSILON:g} steps"
    )
    skill = Table(title=f"Agents without skill (steps), {PLAYED:,} episodes")
    for name in ("agent", "ours", "paper"):
        skill.add_column(name, justify="left" if name == "agent" else "right")
    for k, (name, paper) in enumerate(AGENTS.items()):
        skill.add_row(name, _interval(frame.agents[k], ".2f"), f"{paper:g}")
    return Group(noise, again, skill, *(claims.lines(answered(frame)) or [Text(at_work(frame))]))


def _off(change: NDArray) -> str:
    return f"{(change > EPSILON).mean():.0%}" if len(change) and np.isfinite(change).all() else ""


def summary(frame: Frame) -> dict[str, Any]:
    """Every measurement."""
    return {
        "seed": frame.seed,
        "networks": frame.networks.tolist(),
        "levels": list(LEVELS),
        "measured": frame.measured.tolist(),
        "noisy": frame.noisy.tolist(),
        "groups": {
            name: {
                "networks": int(frame.rows(g).sum()),
                "changed": [float((frame.change(k)[frame.rows(g)] > EPSILON).mean()) for k in range(len(LEVELS))],
                "apart": np.quantile(frame.apart[:, frame.rows(g)], QUANTILES).tolist(),
            }
            for g, name in enumerate(GROUPS)
            if frame.rows(g).any()
        },
        "agents": {name: _json(mean_interval(frame.agents[k])) for k, name in enumerate(AGENTS)},
    }


def _json(found: Interval) -> dict[str, float]:
    return {"mean": found.value, "low": found.low, "high": found.high}


def svg(frame: Frame) -> str:
    """Survival over noise by group; the share of networks whose measurements differ by more than so many steps."""
    x = np.array((0.0, *LEVELS)) * 100
    lasted = np.concatenate([frame.measured[:1], frame.noisy])
    series = [
        Series(name, x, lasted[:, frame.rows(g)].mean(1), MARKS[g])
        for g, name in enumerate(GROUPS)
        if frame.rows(g).any() and np.isfinite(lasted).all()
    ]
    panels = [Lines(series, "noise (% of the rms weight)", "survival (steps)", title="noise on the weights")]
    if np.isfinite(frame.apart).all():
        apart = np.sort(frame.apart.ravel())
        above = 100 * (1 - np.arange(1, len(apart) + 1) / len(apart))
        line = Series("networks", apart, above, joined=True)
        said = (Reference(EPSILON, "at most, says the paper", vertical=True),)
        panels.append(
            Lines([line], "difference (steps)", "% of networks that differ by more", said, title="measured twice")
        )
    return figure(panels, "Noise on weights, and measuring again")


ANALYSIS = Analysis(
    "robustness", "Noise on weights, measuring again, no skill", Params, Frame, run, table, summary, figure=svg,
    claims=answered, whole=True,
)  # fmt: skip
