"""Modes of the missing weights' posterior from many starts, chosen to stand for all (`learning.posterior`)."""

from workbench.learning.repair import Case, Method, Repaired, Source


def repair(case: Case, source: Source) -> Repaired:
    """Draw, go downhill, and keep what the others are like."""
    from workbench.learning.posterior import candidates

    networks, episodes = candidates(case, source)
    return Repaired(networks, case.samples, episodes)


METHOD = Method(
    "maximum-posterior", "Modes given survival, the Bellman equation and the functions of trained networks",
    ("positions", "survival"), repair, needs=("positions",),
)  # fmt: skip
