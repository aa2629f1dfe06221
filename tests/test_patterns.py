"""What happens along a line between two agents, by name: every definition at its margin, and beside SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workbench.errors import WorkbenchError
from workbench.numerics.patterns import BEYOND, MARGIN, PATTERNS, RISING, Pattern, frequencies, pattern, spearman

HALF = np.array([0.0, 0.5, 1.0])
LINE = np.array([0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5])
steps = st.integers(0, 800).map(lambda quarter: quarter / 4)
"""Survival times whose sums and differences are exact."""


@st.composite
def walks(draw):
    """Alphas with 0 and 1 among them, in any order and on any side of them, and survival there."""
    others = draw(st.lists(st.integers(-8, 32).map(lambda n: n / 16), max_size=12, unique=True))
    alphas = np.array(draw(st.permutations(sorted({0.0, 1.0, *others}))))
    return alphas, np.array(draw(st.lists(steps, min_size=len(alphas), max_size=len(alphas))))


def told(alphas, survival, margin):
    """As the patterns are defined, and the blog's ties have it, one point after the other."""
    at = dict(zip(alphas.tolist(), survival.tolist(), strict=True))
    a, b = at[0.0], at[1.0]
    valley = any(0 < x < 1 and s < min(a, b) - margin for x, s in at.items())
    hill = any(0 < x < 1 and s > max(a, b) + margin for x, s in at.items())
    if valley and hill:
        name = "mixed"
    elif valley:
        name = "valley"
    elif hill:
        name = "hill"
    else:
        name = "slope" if abs(a - b) > margin else "flat"
    past = [s for x, s in at.items() if x > 1]
    beyond = ""
    if past:
        beyond = "boost" if max(past) > b + margin else "drop" if min(past) < b - margin else "level"
    return name, beyond


@given(walks(), st.integers(0, 160).map(lambda quarter: quarter / 4))
def test_names_are_those_of_the_definitions(walk, margin):
    found = pattern(*walk, 200, margin)
    assert (found.name, found.beyond) == told(*walk, margin)
    assert found.name in PATTERNS
    assert found.beyond in (*BEYOND, "")
    assert found.monotone == (abs(found.correlation) >= 0.8 and found.name in ("slope", "flat"))


@pytest.mark.parametrize(
    ("survival", "name"),
    [
        ([100, 80, 110], "flat"),
        ([100, 79.75, 110], "valley"),
        ([110, 79.75, 100], "valley"),
        ([100, 130, 110], "flat"),
        ([100, 130.25, 110], "hill"),
        ([110, 130.25, 100], "hill"),
        ([100, 110, 120], "flat"),
        ([100, 110, 120.25], "slope"),
        ([120.25, 110, 100], "slope"),
        ([100, 100, 100], "flat"),
        ([150, 200, 0], "hill"),
        ([150, 0, 50], "valley"),
    ],
)
def test_a_pattern_begins_beyond_the_margin(survival, name):
    assert MARGIN == 20
    assert pattern(HALF, np.array(survival), 200).name == name


def test_a_hill_and_a_valley_are_mixed():
    low, high = 79.75, 130.25
    for between, name in (
        ([low, high], "mixed"), ([high, low], "mixed"), ([80, high], "hill"), ([low, 130], "valley"),
        ([80, 130], "flat"),
    ):  # fmt: skip
        assert pattern(np.array([0, 0.3, 0.6, 1]), np.array([100, *between, 110]), 200).name == name


@pytest.mark.parametrize(
    ("past", "beyond", "gain"),
    [
        ([110, 120], "level", 20),
        ([120.25, 0], "boost", 20.25),
        ([0, 120.25], "boost", 20.25),
        ([80, 100], "level", 0),
        ([79.75, 120], "drop", 20),
        ([50, 60], "drop", -40),
    ],
)
def test_what_lies_past_the_end(past, beyond, gain):
    found = pattern(np.array([0, 1, 1.2, 1.4]), np.array([20, 100, *past]), 200)
    assert (found.name, found.beyond, found.gain) == ("slope", beyond, gain)
    # What lies past B changes nothing about what lies between.
    short = pattern(np.array([0.0, 1.0]), np.array([20, 100]), 200)
    assert short.beyond == "" and np.isnan(short.gain)
    fields = ("name", "correlation", "monotone", "barrier", "over", "under", "saturated")
    assert [getattr(found, f) for f in fields] == [getattr(short, f) for f in fields]


def test_what_lies_before_the_first_is_neither_between_nor_past():
    found = pattern(np.array([-0.5, 0, 0.5, 1]), np.array([200, 50, 60, 70]), 200)
    assert found == Pattern("flat", "", 1.0, True, 0.0, 0.0, 0.0, found.gain, False)
    assert np.isnan(found.gain)


def test_how_far_it_rises_and_falls():
    # The straight line is at 60, 80, 100, 120, 140.
    survival = np.array([60.0, 30, 150, 125, 140, 150, 90])
    found = pattern(LINE, survival, 200)
    assert (found.barrier, found.over, found.under, found.gain) == (50, 10, 30, 10)
    assert (found.name, found.beyond) == ("valley", "drop")
    # Falling: the line is at 140, 120, 100, 80, 60.
    found = pattern(LINE[:5], np.array([140.0, 110, 100, 79, 60]), 200)
    assert (found.barrier, found.over, found.under) == (10, 0, 0)
    assert pattern(HALF, np.array([60.0, 110, 140]), 200).barrier == 0
    # Alphas need not be evenly apart: the line is at 120 where alpha is .2.
    assert pattern(np.array([0, 0.2, 1]), np.array([140.0, 119, 40]), 200).barrier == pytest.approx(1)


@given(walks(), st.sampled_from([0.0, 5.0, 20.0]))
def test_seen_from_the_other_end_it_is_the_same(walk, margin):
    alphas, survival = walk
    inside = (alphas >= 0) & (alphas <= 1)
    there, back = pattern(alphas[inside], survival[inside], 200, margin), None
    back = pattern(1 - alphas[inside], survival[inside], 200, margin)
    assert back.correlation == pytest.approx(-there.correlation, nan_ok=True)
    for name in ("name", "beyond", "monotone", "over", "under", "saturated"):
        assert getattr(back, name) == getattr(there, name), name
    assert back.barrier == pytest.approx(there.barrier, abs=1e-9)


@given(walks(), st.randoms(use_true_random=False))
def test_points_may_come_in_any_order(walk, random):
    alphas, survival = walk
    order = random.sample(range(len(alphas)), len(alphas))
    one, other = pattern(alphas, survival, 200), pattern(alphas[order], survival[order], 200)
    assert repr(one.correlation)[:12] == repr(other.correlation)[:12]
    for name in ("name", "beyond", "monotone", "barrier", "over", "under", "saturated"):
        assert getattr(one, name) == getattr(other, name), name


@given(walks(), st.sampled_from([0.0, 5.0, 20.0]), st.integers(1, 9), st.integers(-50, 50))
def test_only_differences_against_the_margin_count(walk, margin, scale, shift):
    alphas, survival = walk
    one, other = pattern(alphas, survival, 1e9, margin), pattern(alphas, scale * survival + shift, 1e9, scale * margin)
    assert (one.name, one.beyond, one.monotone) == (other.name, other.beyond, other.monotone)
    assert other.correlation == pytest.approx(one.correlation, nan_ok=True)
    for name in ("barrier", "over", "under", "gain"):
        assert getattr(other, name) == pytest.approx(scale * getattr(one, name), abs=1e-6, nan_ok=True), name


@given(walks())
def test_a_larger_margin_finds_no_more(walk):
    names = [pattern(*walk, 200, margin).name for margin in (0, 10, 40, 200)]
    found = [(name in ("hill", "mixed"), name in ("valley", "mixed")) for name in names]
    assert found == sorted(found, reverse=True)
    assert names[-1] == "flat"


def test_monotone_wants_the_order_and_nothing_outside():
    assert RISING == 0.8
    alphas = np.linspace(0, 1, 5)
    # Two neighbours change places: 1 - 6 * 2 / (5 * 24) = .9; two pairs of them: .8; apart by two: .6.
    for order, expected in (([1, 0, 2, 3, 4], 0.9), ([1, 0, 2, 4, 3], 0.8), ([2, 1, 0, 3, 4], 0.6)):
        for sign in (1, -1):
            survival = 100.0 + sign * 5 * np.array(order)
            found = pattern(alphas, survival, 200)
            assert found.correlation == pytest.approx(sign * expected, abs=1e-15)
            assert found.monotone == (expected >= 0.8)
    grid = np.linspace(0, 1, 21)
    for end, monotone in ((60.0, True), (60.25, False)):
        # Rising throughout, but for the last but one, which is above B by 20 or more.
        survival = np.concatenate([np.linspace(0, 30, 19), [end, 40]])
        assert pattern(grid, survival, 200).monotone is monotone
        assert pattern(grid, 200 - survival, 200).monotone is monotone
    assert not pattern(grid, np.full(21, 100.0), 200).monotone


def test_saturated_is_all_at_the_cap():
    at = np.full(7, 200.0)
    assert pattern(LINE, at, 200).saturated
    assert not pattern(LINE, at, 201).saturated
    for k in range(5):
        lower = at.copy()
        lower[k] = 199.99
        assert not pattern(LINE, lower, 200).saturated, "even where it is an endpoint"
    lower = at.copy()
    lower[5:] = 10
    assert pattern(LINE, lower, 200).saturated, "what lies past B does not count"


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=30))
def test_correlation_is_scipys(points):
    x, y = np.array(points, float).T
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert np.isnan(spearman(x, y))
        return
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert spearman(x**3, y) == spearman(x, y)


@given(walks())
def test_correlation_is_of_what_lies_between(walk):
    alphas, survival = walk
    inside = (alphas >= 0) & (alphas <= 1)
    found = pattern(alphas, survival, 200).correlation
    if np.ptp(survival[inside]) == 0:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(stats.spearmanr(alphas[inside], survival[inside]).statistic, abs=1e-12)


@pytest.mark.parametrize(
    ("alphas", "survival"),
    [
        ([0.1, 0.5, 1], [1, 2, 3]),
        ([0, 0.5, 0.9], [1, 2, 3]),
        ([0, 1], [1, 2, 3]),
        ([0, 1], [1, np.nan]),
        ([0, 1], [np.inf, 1]),
        ([], []),
    ],
)
def test_a_line_without_its_ends_is_told(alphas, survival):
    with pytest.raises(WorkbenchError) as raised:
        pattern(np.array(alphas), np.array(survival), 200)
    shape = np.array(alphas).shape
    assert str(raised.value) == f"pattern: expected survival at alphas with 0 and 1 among them, got {shape} points"


def test_shares_of_names():
    assert frequencies(["hill", "flat", "hill", "slope"], PATTERNS).tolist() == [0.25, 0.25, 0.5, 0, 0]
    assert frequencies(["drop"], BEYOND).tolist() == [0, 1, 0]
    assert np.isnan(frequencies([], BEYOND)).all()
    assert len(frequencies([], BEYOND)) == 3
