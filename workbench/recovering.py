"""Survival recovered at every level of damage: Algorithm 1 by both of its criteria, and by none (Figure 8)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from workbench.compute import Compute
from workbench.numerics.damage import damage, fill
from workbench.panels import Lines, Reference, Series
from workbench.policies import PolicySpec
from workbench.repairing import trial_episodes
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import rollout

if TYPE_CHECKING:
    from workbench.learning.contract import Generator

LEVELS = tuple(round(0.1 * k, 1) for k in range(1, 11))
CRITERIA = ("missing", "whole", "random")
"""Equation 10, Equation 11, and the first that were drawn as a control."""
READINGS = ("filled", "candidate")
MARKS = {"missing": ("●", "second"), "whole": ("○", "first"), "random": ("×", "dim")}
LEAST, MOST = 20.0, 200.0
"""The axis of differences goes at least and at most so far, steps."""


@dataclass(frozen=True)
class Search:
    """What Algorithm 1 is given."""

    samples: int = 200
    """Networks drawn at each level: its gamma."""
    keep: int = 10
    """Candidates tried: its k."""
    epsilon: float = 5.0
    """Difference of survival times that counts as success, steps."""
    kind: str = "missing"
    """Of damage; its positions are known."""


def recover(
    weights: NDArray[np.float32], spec: PolicySpec, generator: "Generator", training: NDArray | None, fresh: Episodes,
    seed: int, compute: Compute, search: Search,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Algorithm 1 at all levels, by all criteria and readings, everything in one batch.

    Args:
        weights: (p,) the original.
        spec: what it is.
        generator: of candidates.
        training: (m, p) networks whose posterior is drawn from; None for the prior.
        fresh: episodes in which what is returned is confirmed.
        seed: of damage and samples.
        compute: threads.
        search: what the algorithm is given.

    Returns:
        The difference of survival of what is returned, and whether the algorithm says success, each (levels, criteria,
        readings).
    """
    samples = generator.sample(len(LEVELS) * search.samples, seed=seed, training=training).weights
    samples = samples.reshape(len(LEVELS), search.samples, -1)
    tried = np.empty((len(LEVELS), len(CRITERIA), len(READINGS), search.keep, spec.parameters), np.float32)
    for k, level in enumerate(LEVELS):
        done = damage(weights, spec, search.kind, level, seed)
        squares = np.square(samples[k].astype(np.float64) - done.weights)
        ranks = squares[:, ~done.mask].sum(1), squares.sum(1), np.arange(search.samples)
        for c, rank in enumerate(ranks):
            candidates = samples[k, np.argsort(rank, kind="stable")[: search.keep]]
            tried[k, c] = fill(done.weights, done.mask, candidates), candidates
    shape, trial = tried.shape[:4], trial_episodes(fresh)
    lasted = rollout(tried.reshape(-1, spec.parameters), spec, trial, compute).steps.mean(1).reshape(shape)
    away = np.abs(lasted - rollout(weights[None], spec, trial, compute).steps.mean())
    right = away < search.epsilon
    taken = np.where(right.any(3), right.argmax(3), away.argmin(3))
    returned = np.take_along_axis(tried, taken[..., None, None], 3)[:, :, :, 0]
    both = np.concatenate([weights[None], returned.reshape(-1, spec.parameters)])
    confirmed = rollout(both, spec, fresh, compute).steps.mean(1)
    return np.abs(confirmed[1:] - confirmed[0]).reshape(shape[:3]), right.any(3).astype(float)


def chart(off: NDArray, epsilon: float, title: str) -> Lines:
    """The differences (levels, criteria) of one reading over the level, with the line below which they are success."""
    series = [Series(name, np.array(LEVELS), off[:, c], *MARKS[name], joined=False) for c, name in enumerate(CRITERIA)]
    top = min(MOST, max(LEAST, 1.05 * float(np.nanmax(off, initial=0.0))))
    return Lines(
        series, "level of damage", "|dST| (steps)", (Reference(epsilon, "epsilon"),), y_range=(0.0, top), title=title
    )
