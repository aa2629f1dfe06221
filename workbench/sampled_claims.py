"""What samples of Table 1's groups say of the paper's claims 3, 4 and 6 (section 3.5)."""

import numpy as np
from numpy.typing import NDArray

from workbench import claims
from workbench.claims import Claim
from workbench.numerics.distributions import bootstrap
from workbench.numerics.patterns import MARGIN
from workbench.numerics.proportions import wilson
from workbench.reproducing import GROUPS, trainings

SURE = 0.95
RARE = 0.01
"""A share of samples below this is none to speak of."""


def of_samples(samples: NDArray, again: NDArray, training: NDArray, seeds: tuple[int, ...]) -> list[Claim]:
    """Answers from survival times in steps.

    Args:
        samples: (seeds, groups, n) of samples, groups as `GROUPS` has them.
        again: (seeds, groups, n) of training networks, measured again.
        training: (groups, 4) of training networks: how many, mean, standard deviation, greatest.
        seeds: of the trainings.
    """
    return [
        _better(samples, seeds), _wider(samples, training, seeds), _outperforming(samples, again, training, seeds),
    ]  # fmt: skip


def _better(samples: NDArray, seeds: tuple[int, ...]) -> Claim:
    """Means of successive groups: the first three rise, the last falls back."""
    words, parts = [], []
    for a, b in ((0, 1), (1, 2), (2, 3)):
        gaps = [bootstrap(_gap, s[b], s[a], confidence=SURE, seed=k) for s, k in zip(samples, seeds, strict=True)]
        parts.append(claims.unanimous((claims.below if b == 3 else claims.above)(gap) for gap in gaps))
        words.append(f"{GROUPS[b]} less {GROUPS[a]} {'; '.join(claims.told(gap) for gap in gaps)}")
    return Claim(
        3, claims.answer(claims.every(parts)),
        f"differences of mean survival of samples, steps: {', '.join(words)}; the first two should lie above 0, the "
        f"last below. {_made(samples, seeds)}",
    )  # fmt: skip


def _wider(samples: NDArray, training: NDArray, seeds: tuple[int, ...]) -> Claim:
    """Standard deviation of samples against their training networks': above in most groups, not in all together."""
    words, parts = [], []
    for g, name in enumerate(GROUPS):
        found = [bootstrap(np.std, s[g], confidence=SURE, seed=k) for s, k in zip(samples, seeds, strict=True)]
        parts.append(claims.unanimous(claims.above(f, training[g, 2]) for f in found))
        words.append(f"{name} {'; '.join(map(claims.told, found))} against {training[g, 2]:.1f}")
    whole = claims.every((claims.most(parts[:-1]), claims.negated(parts[-1])))
    return Claim(
        4, claims.answer(whole),
        f"standard deviation of samples and of training networks, steps: {', '.join(words)}; most groups should lie "
        f"above, all together below. {_made(samples, seeds)}",
    )  # fmt: skip


def _outperforming(samples: NDArray, again: NDArray, training: NDArray, seeds: tuple[int, ...]) -> Claim:
    """Samples that last longer than any training network of their group by a margin, against measuring again."""
    words, parts, n = [], [], samples[:, 0].size
    for g, name in enumerate(GROUPS[:3]):
        bar = training[g, 3] + MARGIN
        # Three groups are looked at: each interval is wider by so much.
        ours, control = (wilson(int((values[:, g] > bar).sum()), n, 1 - (1 - SURE) / 3) for values in (samples, again))
        parts.append(True if ours.low > control.high else False if ours.high < RARE else None)
        words.append(f"{name} {claims.told(ours, '.1%')}, training networks measured again {control.value:.1%}")
    return Claim(
        6, claims.answer(claims.some(parts)),
        f"share of samples that last {MARGIN:g} steps longer than the best training network of their group, "
        f"intervals for three groups together: {'; '.join(words)}; in some group it should lie above; "
        f"below {RARE:.0%} in all counts as no. {_made(samples, seeds)}",
    )  # fmt: skip


def _gap(a: NDArray, b: NDArray) -> float:
    return float(a.mean() - b.mean())


def _made(samples: NDArray, seeds: tuple[int, ...]) -> str:
    return f"95 % intervals over samples, n {samples.shape[-1]:,}; {trainings(seeds)}."
