"""Latents of the generator fitted to the existing weights by gradient descent under its prior, holes filled in."""

from workbench.learning.repair import Case, Method, Repaired, Source, nearest_survival
from workbench.numerics.damage import fill


def repair(case: Case, source: Source) -> Repaired:
    """Draw, go downhill from the nearest, fill in, and keep what is judged to survive as long as the original."""
    from workbench.learning.fitted import latents_fitted

    assert case.mask is not None
    candidates = fill(case.damaged, case.mask, latents_fitted(case, source))
    judged, episodes = source.judge(candidates, case)
    return Repaired(candidates[nearest_survival(judged, case.survival, case.keep)], case.samples, episodes)


METHOD = Method(
    "gradient", "The generator's latents fitted to the existing weights", ("positions", "survival"), repair,
    needs=("positions",),
)  # fmt: skip
