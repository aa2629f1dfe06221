"""Algorithm 1 with the Whole Criterion: candidates nearest to the damaged network (Agent Embeddings, Equation 11).

Missing weights count as the zeros that they are, which favours candidates with small weights there; the original's
would tell what shall be found. It does without positions: the candidate then takes the network's place.
"""

import numpy as np

from workbench.learning.repair import Case, Method, Repaired, Source, rejection


def repair(case: Case, source: Source) -> Repaired:
    """Draw, rank by the squared distance over all weights, try the first k."""
    samples = source.sample(case.samples, case.seed)
    return rejection(case, source, samples, np.square(samples.astype(np.float64) - case.damaged).sum(1))


METHOD = Method(
    "algorithm1-whole", "Rejection sampling, the paper's Whole Criterion", ("positions", "survival"), repair,
    needs=("survival",), readings=("filled", "candidate"),
)  # fmt: skip
