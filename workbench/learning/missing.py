"""A Gaussian of the missing weights of a damaged network given the existing ones.

The training networks, and their mirror images, first have their hidden units in the order that fits the existing
weights best. Those that survive about as long as the original count most. Covariances are shrunk, since there are
hardly more networks than pairs of weights.
"""

import numpy as np
from numpy.typing import NDArray

from workbench.learning.repair import Case, Source
from workbench.numerics.conditional import align_existing, condition, moments
from workbench.numerics.symmetry import has_mirror, mirror

SHRINKAGE = 0.1
BAND = 20.0
"""Steps of survival over which training networks count less."""


def conditional(case: Case, source: Source) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (m,) and covariance (m, m) of the m missing weights."""
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
    return condition(*moments(aligned, shares, SHRINKAGE), case.mask, case.damaged)
