"""Missing weights drawn from a Gaussian of training networks, given the existing ones.

The training networks, and their mirror images, first have their hidden units in the order that fits the existing
weights best. Those that survive about as long as the original count most. Covariances are shrunk, since there are
hardly more networks than pairs of weights.
"""

import numpy as np

from workbench.learning.repair import Case, Method, Repaired, Source, nearest_survival
from workbench.numerics.conditional import align_existing, condition, draw, moments
from workbench.numerics.damage import fill
from workbench.numerics.symmetry import has_mirror, mirror

SHRINKAGE = 0.1
BAND = 20.0
"""Steps of survival over which training networks count less."""


def repair(case: Case, source: Source) -> Repaired:
    """Draw, and keep what is judged to survive as long as the original."""
    assert case.mask is not None
    networks, survival = source.weights, source.survival
    if has_mirror(source.spec):
        networks, survival = np.concatenate([networks, mirror(networks, source.spec)]), np.tile(survival, 2)
    shares = None
    if case.survival is not None:
        shares = np.exp(-0.5 * ((survival - case.survival) / BAND) ** 2) + 1e-3
        near = shares > 0.02
        if near.sum() >= 4 * source.spec.parameters:
            networks, shares = networks[near], shares[near]
    aligned = align_existing(case.damaged, case.mask, networks, source.spec, source.compute)
    mean, covariance = condition(*moments(aligned, shares, SHRINKAGE), case.mask, case.damaged)
    drawn = np.zeros((case.samples, source.spec.parameters))
    drawn[:, case.mask] = draw(mean, covariance, case.samples, np.random.default_rng([case.seed, 18]))
    candidates = fill(case.damaged, case.mask, drawn)
    judged, episodes = source.judge(candidates, case)
    return Repaired(candidates[nearest_survival(judged, case.survival, case.keep)], case.samples, episodes)


METHOD = Method(
    "gaussian", "Gaussian conditional of the missing weights given the existing ones", ("positions", "survival"),
    repair, needs=("positions",),
)  # fmt: skip
