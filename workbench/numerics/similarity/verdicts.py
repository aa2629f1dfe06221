"""The paper's claims about convergence in words: holds, does not hold, cannot tell."""

from collections.abc import Mapping

import numpy as np

from workbench.numerics.similarity.grouped import Contrast

SURE = 0.95
"""Share of resamples from which an order is told, if its p-value is not above what is missing to 1."""


def verdict(share: float, p_value: float = float("nan")) -> str:
    """What a share of resamples that go the claimed way, and a p-value where there is one, say of the claim."""
    if np.isnan(share) or p_value > 1 - SURE:
        return "cannot tell"
    if share <= 1 - SURE:
        return "does not hold, it is the other way round"
    return "holds" if share >= SURE else "cannot tell"


def claims(
    found: Mapping[str, tuple[float, float, Contrast]], good: str, bad: str, also: Mapping[str, str] | None = None
) -> str:
    """Claims 1 and 2 (section 4.1): the means of a measure within good and within bad networks, and their contrast.

    The paper has good networks closer in hidden convergence distance, and further apart in that of their outputs.

    Args:
        found: means of good and of bad networks and their contrast, by measure.
        good: what the good ones are called.
        bad: what the bad ones are called.
        also: more words for the brackets, by measure.
    """
    parts = []
    for column, name, smaller in (("cd", "hidden CD", True), ("output-cd", "output CD", False)):
        if column not in found:
            continue
        a, b, told = found[column]
        if not (np.isfinite(a) and np.isfinite(b)):
            parts.append(f"{name[0].upper()}{name[1:]} has no value within {bad if np.isfinite(a) else good}.")
            continue
        claim = f"Good networks are {'closer' if smaller else 'further apart'} by {name}"
        order, share = ("smaller", told.share_below) if a < b else ("larger", 1 - told.share_below)
        words = [f"the first {order} in {share:.0%} of resamples"]
        words += [f"p {told.p_value:.2g}"] if np.isfinite(told.p_value) else []
        words += [also[column]] if also and column in also else []
        answer = verdict(told.share_below if smaller else 1 - told.share_below, told.p_value)
        parts.append(f"{claim}: {answer} ({a:.3g} within {good}, {b:.3g} within {bad}; {', '.join(words)}).")
    if "agreement" in found:
        a, b, _ = found["agreement"]
        if np.isfinite(a) and np.isfinite(b):
            more = "more" if a > b else "less" if a < b else "as much"
            parts.append(f"Good networks agree {more} in action ({a:.0%} against {b:.0%} of states).")
    return " ".join(parts)
