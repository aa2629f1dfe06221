"""How alike two networks' layers are on the same states: measures of pairs, batched over many.

Every measure is a pure function of two networks' activations (s, h) and (s, k) of one layer on the same s states:

    MEASURES["cka"](a, b)  # a number

`pairs.py` takes them of all pairs of many networks, sharing what several measures need; `grouped.py` sums pairs up by
groups of networks.
"""

from workbench.numerics.similarity.convergence import CD, ConvergenceFamily
from workbench.numerics.similarity.decisions import AGREEMENT, JSD, DecisionFamily
from workbench.numerics.similarity.family import Measure
from workbench.numerics.similarity.geometry import (
    CKA,
    DEBIASED_CKA,
    PERMUTATION_PROCRUSTES,
    PROCRUSTES,
    GeometryFamily,
)

__all__ = ["MEASURES", "ConvergenceFamily", "DecisionFamily", "GeometryFamily", "Measure"]

MEASURES: dict[str, Measure] = {
    m.name: m for m in (CD, CKA, DEBIASED_CKA, PROCRUSTES, PERMUTATION_PROCRUSTES, AGREEMENT, JSD)
}
