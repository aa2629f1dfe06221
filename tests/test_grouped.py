"""Pairs summed up by groups of networks: against plain loops, and the sentences made of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.stats import binomtest

from workbench.numerics.similarity.grouped import (
    Contrast,
    contrast,
    dendrogram_order,
    mutual,
    resampled,
    summarise,
)
from workbench.numerics.similarity.verdicts import SURE, claims, verdict

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=30)


def symmetric(rng, n, missing=0.0):
    matrix = mutual(rng.gamma(2, size=(n, n)))
    holes = np.triu(rng.random((n, n)) < missing, 1)
    matrix[holes | holes.T] = np.nan
    return matrix


def test_both_directions_are_one(rng):
    matrix = rng.normal(size=(4, 4))
    found = mutual(matrix)
    for i, j in itertools.product(range(4), repeat=2):
        if i == j:
            assert np.isnan(found[i, i])
        else:
            assert found[i, j] == pytest.approx((matrix[i, j] + matrix[j, i]) / 2)
    assert np.isfinite(matrix).all(), "the caller's stays"


@few
@given(seeds, st.integers(2, 8), st.integers(1, 8), st.sampled_from([0.0, 0.3]))
def test_summaries_are_of_every_pair_once(seed, m, n, missing):
    rng = np.random.default_rng(seed)
    both = symmetric(rng, m + n, missing)
    a, b = np.arange(m), np.arange(m, m + n)
    for rows, columns, pairs in (
        (a, a, itertools.combinations(a, 2)),
        (a, a.copy(), itertools.combinations(a, 2)),
        (a, b, itertools.product(a, b)),
    ):
        known = [both[i, j] for i, j in pairs if not np.isnan(both[i, j])]
        found = summarise(both, rows, columns, 200, 0)
        assert found.pairs == len(known)
        if not known:
            assert np.isnan([found.mean, found.std, found.low, found.high]).all()
            continue
        assert found.mean == pytest.approx(np.mean(known))
        assert found.std == pytest.approx(np.std(known, ddof=1) if len(known) > 1 else 0)
        assert min(known) - 1e-9 <= found.low <= found.high <= max(known) + 1e-9


def test_the_bootstrap_draws_networks_and_pairs_none_with_itself(rng):
    both = symmetric(rng, 12, 0.1)
    a, b = np.arange(3, 9), np.arange(9, 12)

    def mean(left, right):
        values = [both[i, j] for i in left for j in right if i != j and not np.isnan(both[i, j])]
        return np.mean(values) if values else np.nan

    def drawn(random, pool, times):
        counts = random.multinomial(len(pool), np.full(len(pool), 1 / len(pool)), times)
        return [np.repeat(pool, row) for row in counts]

    random = np.random.default_rng([4, 7])
    within = [mean(rows, rows) for rows in drawn(random, a, 300)]
    found = summarise(both, a, a, 300, 4)
    np.testing.assert_allclose([found.low, found.high], np.nanquantile(within, [0.025, 0.975]))
    random = np.random.default_rng([4, 7])
    across = [mean(*rows) for rows in zip(drawn(random, a, 300), drawn(random, b, 300), strict=True)]
    found = summarise(both, a, b, 300, 4)
    np.testing.assert_allclose([found.low, found.high], np.nanquantile(across, [0.025, 0.975]))


def test_intervals_are_wider_than_those_of_pairs_that_share_nothing():
    # Each network adds what it adds to all of its pairs: pairs are not independent.
    rng = np.random.default_rng(0)
    own = rng.normal(size=20)
    both = mutual(own[:, None] + own[None])
    found = summarise(both, np.arange(20), np.arange(20), 2000, 0)
    values = both[np.triu_indices(20, 1)]
    assert found.high - found.low > 2 * (2 * 1.96 * values.std() / np.sqrt(len(values)))
    # The mean over pairs is twice the mean over networks, whose error is known.
    assert found.high - found.low == pytest.approx(2 * 1.96 * 2 * own.std() / np.sqrt(20), rel=0.15)


def test_the_seed_decides(rng):
    both = symmetric(rng, 9)
    a = np.arange(9)
    assert summarise(both, a, a, 50, 1) == summarise(both, a, a, 50, 1) != summarise(both, a, a, 50, 2)
    assert contrast(both, a[:4], a[4:], 50, 1) == contrast(both, a[:4], a[4:], 50, 1)


def test_contrasts_are_against_plain_loops(rng):
    both = symmetric(rng, 11)
    both[:5, :5] -= 0.4
    a, b = np.arange(5), np.arange(5, 11)

    def mean(rows):
        return np.mean([both[i, j] for i in rows for j in rows if i != j])

    random = np.random.default_rng([3, 8])
    first = [np.repeat(a, c) for c in random.multinomial(5, np.full(5, 1 / 5), 200)]
    second = [np.repeat(b, c) for c in random.multinomial(6, np.full(6, 1 / 6), 200)]
    below = []
    for x, y in zip(first, second, strict=True):
        if len(set(x)) > 1 and len(set(y)) > 1:
            below.append(mean(x) < mean(y))
    found = contrast(both, a, b, 200, 3)
    assert found.share_below == pytest.approx(np.mean(below))
    # Of all divisions: the p-value of a permutation test without chance.
    far = abs(mean(a) - mean(b))
    every = [abs(mean(c) - mean(np.setdiff1d(np.arange(11), c))) for c in itertools.combinations(range(11), 5)]
    exact = np.mean(np.array(every) >= far - 1e-12)
    assert contrast(both, a, b, 4000, 3).p_value == pytest.approx(exact, abs=0.03)


def test_p_values_are_uniform_where_there_is_no_difference():
    p = np.array([contrast(symmetric(np.random.default_rng(k), 12), np.arange(6), np.arange(6, 12), 99, k).p_value
                  for k in range(300)])  # fmt: skip
    for level in (0.1, 0.3, 0.5, 0.8):
        assert binomtest(int((p <= level + 1e-9).sum()), len(p), level).pvalue > 0.01, level
    assert p.min() >= 1 / 100


def test_differences_are_found_and_the_smaller_is_named(rng):
    both = symmetric(rng, 20)
    both[10:, 10:] += 3
    near, far = np.arange(10), np.arange(10, 20)
    found = contrast(both, near, far, 199, 0)
    assert found == Contrast(1.0, 1 / 200)
    assert contrast(both, far, near, 199, 0) == Contrast(0.0, 1 / 200)


def test_no_difference_at_all_is_no_order():
    both = mutual(np.zeros((8, 8)))
    assert contrast(both, np.arange(4), np.arange(4, 8), 99, 0) == Contrast(0.5, 1.0)


def test_values_that_are_missing_have_no_weight(rng):
    both = symmetric(rng, 12)
    both[[2, 8]] = both[:, [2, 8]] = np.nan  # two networks that are not finite
    a, b = np.arange(6), np.arange(6, 12)
    kept_a, kept_b = np.delete(a, 2), np.delete(b, 2)
    whole, part = summarise(both, a, b, 100, 0), summarise(both, kept_a, kept_b, 100, 0)
    assert (whole.pairs, whole.mean, whole.std) == pytest.approx((part.pairs, part.mean, part.std))
    assert 0 < contrast(both, a, b, 99, 0).p_value <= 1
    pair = np.array([0, 1])
    lonely = contrast(both, pair, np.array([2, 8]), 50, 0)
    assert np.isnan([lonely.share_below, lonely.p_value]).all()
    # Divisions that leave a group without a pair are no evidence against chance.
    both = symmetric(rng, 8)
    both[3:5] = both[:, 3:5] = np.nan
    both[0, 1] = both[1, 0] = both[np.isfinite(both)].max() + 1
    told = contrast(both, np.array([0, 1]), np.array([3, 4, 5, 6]), 4000, 0)
    possible = [c for c in itertools.combinations((0, 1, 3, 4, 5, 6), 2) if not {3, 4} & set(c)]
    # Two of 0, 1, 5, 6, while the others are among the rest: (0, 1) and (5, 6) are as far apart either way round.
    assert told.p_value == pytest.approx(2 / len(possible), abs=0.05)


def test_means_of_some_networks_drawn_without_replacement(rng):
    both = symmetric(rng, 14)
    a, b = np.arange(2, 9), np.arange(9, 14)
    found = resampled(both, a, b, 4, 300, 0)
    assert found.shape == (300, 3)
    every = [{k: np.mean([both[i, j] for i, j in itertools.combinations(c, 2)]) for c in itertools.combinations(k_, 4)
              for k in [c]} for k_ in (a, b)]  # fmt: skip
    for column, known in enumerate(every):
        values = np.array(list(known.values()))
        assert np.abs(found[:, column, None] - values).min(1).max() < 1e-12
        assert found[:, column].mean() == pytest.approx(values.mean(), abs=4 * values.std() / np.sqrt(300))
    assert found[:, 2].mean() == pytest.approx(both[np.ix_(a, b)].mean(), abs=0.05)
    whole = resampled(both, a, b, 5, 3, 0)
    np.testing.assert_allclose(whole[:, 1], summarise(both, b, b, 1, 0).mean)


# Dendrograms.


@few
@given(seeds, st.integers(0, 12), st.booleans())
def test_an_order_has_every_network_once(seed, n, alike):
    both = symmetric(np.random.default_rng(seed), n, 0.2)
    order = dendrogram_order(both, alike)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(n))


def test_copies_stand_beside_each_other(rng):
    place = rng.permutation(np.repeat(np.arange(10), 3))
    at = rng.normal(size=(10, 3))[place]
    away = mutual(np.linalg.norm(at[:, None] - at[None], axis=2))
    for both, alike in ((away, False), (1 - away, True)):
        found = place[dendrogram_order(both, alike)]
        assert (found.reshape(10, 3) == found[::3, None]).all()
    lines = linkage(away[np.triu_indices(30, 1)], "average", optimal_ordering=True)
    assert dendrogram_order(away, False).tolist() == leaves_list(lines).tolist()


def test_networks_without_values_stand_apart(rng):
    both = symmetric(rng, 9)
    both[4] = both[:, 4] = np.nan
    assert 4 in dendrogram_order(both, False)[[0, -1]]
    assert dendrogram_order(np.full((5, 5), np.nan), True).tolist() == list(range(5))


# Words.


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (1.0, "holds"),
        (SURE, "holds"),
        (0.94, "cannot tell"),
        (0.5, "cannot tell"),
        (0.06, "cannot tell"),
        (0.05, "does not hold, it is the other way round"),
        (0.0, "does not hold, it is the other way round"),
        (float("nan"), "cannot tell"),
    ],
)
def test_verdicts(share, words):
    assert verdict(share) == words == verdict(share, 0.04)
    assert verdict(share, 0.06) == "cannot tell"


def test_claims_are_answered_in_the_direction_of_the_paper():
    found = {"cd": (2.75, 3.13, Contrast(0.99, 0.02)), "output-cd": (0.32, 0.09, Contrast(0.01, 0.004))}
    assert claims({**found, "agreement": (0.8, 0.6, Contrast(0, 0))}, "151-200", "1-50") == (
        "Good networks are closer by hidden CD: holds "
        "(2.75 within 151-200, 3.13 within 1-50; the first smaller in 99% of resamples, p 0.02). "
        "Good networks are further apart by output CD: holds "
        "(0.32 within 151-200, 0.09 within 1-50; the first larger in 99% of resamples, p 0.004). "
        "Good networks agree more in action (80% against 60% of states)."
    )
    reversed_ = {"cd": (3.13, 2.75, Contrast(0.0, 0.02)), "output-cd": (0.09, 0.32, Contrast(1.0, 0.02))}
    told = claims({**reversed_, "agreement": (0.2, 0.4, Contrast(0, 0))}, "good", "bad")
    assert told.count("does not hold, it is the other way round") == 2
    assert "the first larger in 100%" in told and "the first smaller in 100%" in told
    assert "agree less in action (20% against 40%" in told
    open_ = claims({"cd": (1.0, 1.1, Contrast(0.7, 0.4))}, "good", "bad")
    assert open_ == (
        "Good networks are closer by hidden CD: cannot tell "
        "(1 within good, 1.1 within bad; the first smaller in 70% of resamples, p 0.4)."
    )
    assert claims({"cka": (0.1, 0.2, Contrast(1, 1))}, "good", "bad") == ""
    assert "; and more)" not in claims(found, "a", "b") and ", and more)" in claims(found, "a", "b", {"cd": "and more"})


def test_equal_values_decide_nothing():
    told = claims({"output-cd": (0.0, 0.0, Contrast(0.5, 1.0)), "agreement": (1.0, 1.0, Contrast(0.5, 1))}, "g", "b")
    assert "cannot tell" in told
    assert "agree as much in action" in told


def test_what_has_no_value_is_said_and_no_nan():
    nan = float("nan")
    found = {
        "cd": (nan, 1.0, Contrast(nan, nan)),
        "output-cd": (0.1, nan, Contrast(nan, nan)),
        "agreement": (nan, nan, Contrast(nan, nan)),
    }
    assert claims(found, "good", "bad") == "Hidden CD has no value within good. Output CD has no value within bad."
    told = claims({"cd": (1.0, 2.0, Contrast(1.0, nan))}, "good", "bad")
    assert told.endswith("holds (1 within good, 2 within bad; the first smaller in 100% of resamples).")
