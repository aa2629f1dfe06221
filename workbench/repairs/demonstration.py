"""Missing weights fitted to known actions of the original: for those who have a log of what it did."""

from workbench.learning.repair import Case, Method, Repaired, Source


def repair(case: Case, source: Source) -> Repaired:
    """Draw, go downhill, and keep what fits and the others are like."""
    from workbench.learning.demonstration import demonstrated

    networks, episodes = demonstrated(case, source)
    return Repaired(networks, case.samples, episodes)


METHOD = Method(
    "demonstration", "Missing weights fitted to some of the original's actions", ("positions", "survival", "actions"),
    repair, needs=("positions", "actions"),
)  # fmt: skip
