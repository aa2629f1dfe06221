"""Samples of the generator after its decoder was fine-tuned on the existing weights, holes filled in."""

from workbench.learning.repair import Case, Method, Repaired, Source, nearest_survival
from workbench.numerics.damage import fill


def repair(case: Case, source: Source) -> Repaired:
    """Tune, draw, fill in, and keep what is judged to survive as long as the original."""
    from workbench.learning.fitted import decoder_fitted

    assert case.mask is not None
    candidates = fill(case.damaged, case.mask, decoder_fitted(case, source))
    judged, episodes = source.judge(candidates, case)
    return Repaired(candidates[nearest_survival(judged, case.survival, case.keep)], case.samples, episodes)


METHOD = Method(
    "finetune", "Samples of a decoder fine-tuned on the existing weights (section 4.3)", ("positions", "survival"),
    repair, needs=("positions",),
)  # fmt: skip
