"""The paper's claims about convergence in words: holds, does not hold, cannot tell."""

from collections.abc import Mapping

import numpy as np

from workbench.numerics.similarity.grouped import Contrast

SURE = 0.95
"""Share of resamples from which an order is told."""


def verdict(share: float) -> str:
    """What a share of resamples that go the claimed way says of the claim."""
    if np.isnan(share):
        return "cannot be told"
    return (
        "holds"
        if share >= SURE
        else "does not hold, it is the other way round"
        if share <= 1 - SURE
        else "cannot be told"
    )


def claims(found: Mapping[str, tuple[float, float, Contrast]], good: str, bad: str) -> str:
    """Claims 1 and 2 (section 4.1): the means of a measure within good and within bad networks, and their contrast.

    The paper has good networks closer in hidden convergence distance, and further apart in that of their outputs.
    """
    parts = []
    for column, name, smaller in (("cd", "hidden CD", True), ("output-cd", "output CD", False)):
        if column not in found:
            continue
        a, b, told = found[column]
        share = told.share_below if smaller else 1 - told.share_below
        claim = "good networks are closer" if smaller else "good networks are further apart"
        sign = "<" if a < b else ">"
        parts.append(
            f"{name} {a:.3g} {sign} {b:.3g} ({good} {sign} {bad}, {_share(told.share_below, a < b)} of resamples, "
            f"p {told.p_value:.2g}): that {claim} {verdict(share)}."
        )
    if "agreement" in found:
        a, b, _ = found["agreement"]
        more = "more" if a > b else "less"
        parts.append(f"Good networks agree {more} in action ({a:.0%} against {b:.0%} of states).")
    return " ".join(parts)


def _share(below: float, smaller: bool) -> str:
    return f"{below if smaller else 1 - below:.0%}"
