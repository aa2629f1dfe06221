"""Missing weights drawn from a Gaussian of training networks, given the existing ones (`learning.missing`)."""

import numpy as np

from workbench.learning.missing import conditional
from workbench.learning.repair import Case, Method, Repaired, Source, nearest_survival
from workbench.numerics.conditional import draw
from workbench.numerics.damage import fill


def repair(case: Case, source: Source) -> Repaired:
    """Draw, and keep what is judged to survive as long as the original."""
    assert case.mask is not None
    drawn = np.zeros((case.samples, source.spec.parameters))
    random = np.random.default_rng([case.seed, 18])
    drawn[:, case.mask] = draw(*conditional(case, source), case.samples, random)
    candidates = fill(case.damaged, case.mask, drawn)
    judged, episodes = source.judge(candidates, case)
    return Repaired(candidates[nearest_survival(judged, case.survival, case.keep)], case.samples, episodes)


METHOD = Method(
    "gaussian", "Gaussian conditional of the missing weights given the existing ones", ("positions", "survival"),
    repair, needs=("positions",),
)  # fmt: skip
