"""Finding corrupted weights: those that are improbable given the others, as training networks have them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.learning.missing import SHRINKAGE
from workbench.learning.repair import Source
from workbench.numerics.conditional import align_existing, moments
from workbench.numerics.corruption import replaced
from workbench.numerics.symmetry import has_mirror, mirror

NETWORKS = 2000
"""Training networks whose units are matched to the damaged network's, with as many mirror images."""


@dataclass(frozen=True, eq=False)
class Detection:
    """What is thought of each weight: by the detector, and by its controls, weights by their size and at random."""

    scores: NDArray[np.float64]
    """(3, p), the most suspect highest; the detector's are probabilities."""
    chosen: NDArray[np.bool_]
    """(3, p) as many as the detector's probabilities add up to."""


def detect(damaged: NDArray[np.float32], source: Source, seed: int) -> Detection:
    """Rank the weights of a network (p,) of which some were replaced by noise as large as its root mean square weight.

    It is told neither which nor how many. Units of training networks are matched to the damaged network's first.
    """
    nothing = np.zeros(len(damaged), bool)
    networks = source.weights[source.nearest(None, NETWORKS, seed)]
    if has_mirror(source.spec):
        networks = np.concatenate([networks, mirror(networks, source.spec)])
    aligned = align_existing(damaged, nothing, networks, source.spec, source.compute)
    size = float(np.sqrt(np.square(damaged, dtype=np.float64).mean()))
    probable = replaced(damaged, *moments(aligned, None, SHRINKAGE), max(size, 1e-12))
    chance = np.random.default_rng([seed, 27]).random(len(damaged))
    scores = np.stack([probable, np.abs(damaged).astype(np.float64), chance])
    count = round(float(probable.sum()))
    chosen = np.zeros(scores.shape, bool)
    np.put_along_axis(chosen, np.argsort(-scores, 1, kind="stable")[:, :count], True, 1)
    return Detection(scores, chosen)
