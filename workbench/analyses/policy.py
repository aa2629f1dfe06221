"""One network looked at closely: its episodes, how it moves, and what it decides where."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from workbench.analysis import Analysis, Selection
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics.statistics import mean_interval
from workbench.performance import RETURN, measure_named
from workbench.physics import Physics, is_cartpole
from workbench.policies import forward
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.outcomes import Trace
from workbench.rollouts.play import behaviour, judged, record, rollout
from workbench.text import counted

GRID = (33, 33)
"""Points of the plane over angle and angular velocity."""
FASTEST = 2.0
"""The plane's largest angular velocity, rad/s."""


@dataclass(frozen=True)
class Params:
    """Which network, and how it is measured."""

    network: int = 0
    """Row of the network in the population."""
    episodes: int = 100
    """Episodes it plays."""
    cap: int = 0
    """Steps after which an episode ends; 0 takes as many as the population was measured with."""
    seed: int = 0
    """Seed of the episodes."""
    episode: int = 0
    """The episode that is recorded, from 0."""


@dataclass(frozen=True)
class Frame:
    """One network in figures."""

    done: int
    total: int
    network: int
    cap: int
    seed: int
    measure: str
    """survival or return."""
    steps: NDArray[np.int32]
    """(episodes,) how long each lasted."""
    values: NDArray[np.float64]
    """(episodes,) survival (steps) or return."""
    low: float
    """Lower end of the 95 % interval of its mean."""
    high: float
    """Upper end."""
    behaviour: NDArray[np.float64]
    """(3,) mean cart position (m), mean pole angle (rad), sharpness (0..1); NaN outside Cart-Pole."""
    margin: NDArray[np.float32]
    """(angles, velocities) right output minus left, cart at rest in the middle; (0, 0) outside Cart-Pole."""
    angles: NDArray[np.float64]
    """(angles,) rad."""
    velocities: NDArray[np.float64]
    """(velocities,) rad/s."""
    episode: int
    """The recorded episode."""
    states: NDArray[np.float64]
    """(1, 1, cap, d) what it saw; zeros after the end."""
    actions: NDArray
    """(1, 1, cap, ...) what it did."""
    rewards: NDArray[np.float64]
    """(1, 1, cap) what that brought; (0,) where every step is worth 1."""

    @property
    def trace(self) -> Trace:
        """The recorded episode."""
        steps = self.steps[None, self.episode : self.episode + 1]
        return Trace(self.states, self.actions, steps, self.rewards if self.rewards.size else None)

    @property
    def mean(self) -> float:
        """Mean survival or return."""
        return float(self.values.mean())


def run(compute: Compute, selection: Selection, params: Params) -> Iterator[Frame]:
    """Yield one frame."""
    population = selection.population
    if not 0 <= params.network < len(population):
        raise WorkbenchError(f"{population.name}: no network #{params.network}; it has {len(population):,}")
    if not 0 <= params.episode < params.episodes:
        raise WorkbenchError(f"episode: expected 0 to {params.episodes - 1}, got {params.episode}")
    weights, spec = np.asarray(population.weights[[params.network]]), population.spec
    episodes = Episodes(params.episodes, params.cap or population.cap, params.seed)
    played = rollout(weights, spec, episodes, compute)
    values = judged(played, spec)[0]
    interval = mean_interval(values)
    moves, margin = np.full(3, np.nan), np.zeros((0, 0), np.float32)
    angles = velocities = np.zeros(0)
    if is_cartpole(spec):
        b = behaviour(weights, spec, episodes, compute)
        moves = np.array([b.lean_x[0], b.lean_angle[0], b.sharpness[0]])
        limit = Physics.of(spec).theta_threshold_radians
        angles, velocities = np.linspace(-limit, limit, GRID[0]), np.linspace(-FASTEST, FASTEST, GRID[1])
        states = np.zeros((*GRID, 4), np.float32)
        states[..., 2], states[..., 3] = angles[:, None], velocities[None, :]
        with np.errstate(all="ignore"):
            outputs = forward(weights, spec, states.reshape(-1, 4))[0]
        margin = (outputs[:, 1] - outputs[:, 0]).reshape(GRID)
    trace = record(weights, spec, episodes.one(params.episode))
    yield Frame(
        1, 1, params.network, episodes.cap, params.seed, population.measure.name, played.steps[0], values,
        interval.low, interval.high, moves, margin, angles,
        velocities, params.episode, trace.states, trace.actions,
        np.zeros(0) if trace.rewards is None else trace.rewards,
    )  # fmt: skip


def table(frame: Frame) -> Table:
    """The figures, a line each."""
    out = Table(
        title=f"Network #{frame.network}: {counted(len(frame.steps), 'episode')}, cap {frame.cap}, seed {frame.seed}",
        show_header=False,
    )
    x, angle, sharpness = frame.behaviour
    measure = measure_named(frame.measure)
    out.add_row(measure.name, f"{frame.mean:.2f}{measure.unit}, 95 % interval {frame.low:.2f} to {frame.high:.2f}")
    if measure is RETURN:
        low, median, high = np.quantile(frame.values, [0, 0.5, 1])
        out.add_row("episodes", f"worst {low:.1f}, median {median:.1f}, best {high:.1f}")
    low, median, high = np.quantile(frame.steps, [0, 0.5, 1])
    out.add_row(
        "lengths" if measure is RETURN else "episodes",
        f"shortest {low:.0f}, median {median:.0f}, longest {high:.0f} steps",
    )
    if not np.isnan(x):
        out.add_row("lean", f"cart {x:+.3f} m, pole {np.degrees(angle):+.2f} degrees on average")
        out.add_row("sharpness", f"{sharpness:.3f} (1 pushes the same way all the time, 0 alternates)")
        out.add_row("decides", f"right in {(frame.margin > 0).mean():.0%} of the angle / velocity plane")
    return out


def summary(frame: Frame) -> dict[str, Any]:
    """The same as JSON values."""
    x, angle, sharpness = (None if np.isnan(v) else float(v) for v in frame.behaviour)
    return {
        "network": frame.network,
        "measure": frame.measure,
        frame.measure: frame.mean,
        "interval": [frame.low, frame.high],
        "confidence": 0.95,
        "cap": frame.cap,
        "seed": frame.seed,
        "steps": frame.steps.tolist(),
        "returns": frame.values.tolist(),
        "lean_x": x,
        "lean_angle": angle,
        "sharpness": sharpness,
    }


ANALYSIS = Analysis("policy", "One network looked at closely", Params, Frame, run, table, summary)
