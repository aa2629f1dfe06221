"""Samples of the generator whose hidden units are matched to what exists of the damaged network, holes filled in."""

import numpy as np

from workbench.learning.repair import Case, Method, Repaired, Source, nearest_survival
from workbench.numerics.conditional import align_existing
from workbench.numerics.damage import fill


def repair(case: Case, source: Source) -> Repaired:
    """Draw, match, fill in, and keep what is judged to survive as long as the original."""
    assert case.mask is not None
    samples = source.sample(case.samples, case.seed)
    matched = align_existing(case.damaged, case.mask, samples, source.spec, source.compute)
    candidates = fill(case.damaged, case.mask, np.asarray(matched))
    judged, episodes = source.judge(candidates, case)
    return Repaired(candidates[nearest_survival(judged, case.survival, case.keep)], case.samples, episodes)


METHOD = Method(
    "generator", "Samples with their units matched to the existing weights", ("positions", "survival"), repair,
    needs=("positions",),
)  # fmt: skip
