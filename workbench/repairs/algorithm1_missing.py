"""Algorithm 1 with the Missing Criterion: candidates nearest to what exists (Agent Embeddings, Equation 10).

The equation is called after the missing weights, but sums over the existing ones, as here. Where nothing exists all
candidates are as near, and the first that were drawn are taken.
"""

import numpy as np

from workbench.learning.repair import Case, Method, Repaired, Source, rejection


def repair(case: Case, source: Source) -> Repaired:
    """Draw, rank by the squared distance over existing weights, try the first k."""
    assert case.mask is not None
    samples = source.sample(case.samples, case.seed)
    away = np.square(samples.astype(np.float64) - case.damaged)[:, ~case.mask].sum(1)
    return rejection(case, source, samples, away)


METHOD = Method(
    "algorithm1-missing", "Rejection sampling, the paper's Missing Criterion", ("positions", "survival"), repair,
    needs=("positions", "survival"), readings=("filled", "candidate"),
)  # fmt: skip
