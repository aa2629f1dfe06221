"""Missing weights fitted to known actions of the original: for those who have a log of what it did."""

import numpy as np

from workbench.learning.repair import Case, Method, Repaired, Source


def repair(case: Case, source: Source) -> Repaired:
    """Draw, fit the best, and keep those that fit best in the end."""
    from workbench.learning.demonstration import demonstrated

    networks, left = demonstrated(case, source)
    order = np.argsort(left, kind="stable")[: case.keep]
    return Repaired(networks[order], case.samples, 0)


METHOD = Method(
    "demonstration", "Missing weights fitted to some of the original's actions", ("positions", "survival", "actions"),
    repair, needs=("positions", "actions"),
)  # fmt: skip
