"""Measures of similarity against textbook definitions, SciPy, networkx and counting; and what must not matter."""

import itertools
import os
import zipfile
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.optimize import linear_sum_assignment
from scipy.spatial import procrustes
from scipy.spatial.distance import jensenshannon
from scipy.special import softmax
from scipy.stats import ortho_group

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics.similarity import MEASURES, ConvergenceFamily, DecisionFamily, GeometryFamily, pairs
from workbench.numerics.similarity.convergence import converge, standardise
from workbench.numerics.similarity.family import products
from workbench.numerics.similarity.pairs import TILE, Layer, all_pairs, between, count_pairs
from workbench.policies import PolicySpec, activations, initial

ONE = Compute("cpu", 1)
PUBLISHED = Path(os.environ.get("AGENTEMB_FIXTURES", Path(__file__).parent.parent.parent / "shared" / "fixtures"))
HIDDEN = ("cd", "cka", "debiased-cka", "procrustes", "permutation")
DECISIONS = ("agreement", "jsd")
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=40)


def some(rng, s=60, h=5):
    """Activations that have something in common with nothing."""
    return rng.normal(size=(s, h)) @ rng.normal(size=(h, h)) + rng.normal(size=h)


def correlated(a, b, signed=False):
    """numpy's correlations (h, k), and which units are not constant."""
    a, b = (x if signed else np.abs(x) for x in (a, b))
    live = [x.std(axis=0) > 1e-9 for x in (a, b)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef(a.T, b.T)[: a.shape[1], a.shape[1] :], *live


def by_networkx(rho, rows, columns):
    """Total of the heaviest of the largest matchings, and its pairs."""
    graph = nx.Graph()
    graph.add_weighted_edges_from((("a", i), ("b", j), rho[i, j]) for i in rows for j in columns)
    found = {max(e)[1]: min(e)[1] for e in nx.max_weight_matching(graph, maxcardinality=True)}
    found = {i: j for j, i in found.items()}
    return sum(rho[i, j] for i, j in found.items()), found


def by_scipy(rho, rows, columns):
    at = linear_sum_assignment(rho[np.ix_(rows, columns)], maximize=True)
    return {int(rows[i]): int(columns[j]) for i, j in zip(*at, strict=True)}


def one_by_one(rho, rows, columns):
    """The paper's words: the highest correlation, those two out of consideration, and again."""
    left = sorted((-rho[i, j], i, j) for i in rows for j in columns)
    found = {}
    while left:
        _, i, j = left[0]
        found[int(i)] = int(j)
        left = [entry for entry in left if entry[1] != i and entry[2] != j]
    return found


def equation_7(rho, matched, rows, columns):
    """Best partner less matched partner, summed over matched units: of the first network, and of the second."""
    forward = sum(rho[i, columns].max() - rho[i, j] for i, j in matched.items())
    return forward, sum(rho[rows, j].max() - rho[i, j] for i, j in matched.items())


def ours(a, b, match="optimal", signed=False):
    x, y = standardise(a[None], signed), standardise(b[None], signed)
    return converge(products(x.rows, y.rows)[:, 0], x.live, y.live, match, ONE), products(x.rows, y.rows)[0, 0]


CASES = {
    "plain": (7, 7, (), ()),
    "wider": (4, 9, (), ()),
    "narrower": (9, 4, (), ()),
    "constant units": (6, 6, (1, 4), (0,)),
    "constant in one alone": (6, 6, (2,), ()),
    "constant and wider": (3, 8, (2,), (1, 5)),
    "as many live as constant": (5, 3, (0, 1, 2), (1,)),
    "one live unit each": (4, 4, (0, 1, 2), (1, 2, 3)),
    "single units": (1, 1, (), ()),
}


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_matching_is_networkxs_and_scipys_and_the_greedy_one_a_loop(case, signed):
    h, k, dead, other = CASES[case]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        a, b = some(rng, 40, h), some(rng, 40, k)
        # Some units against most others, so that correlations below 0 are among those that must be taken.
        a[:, ::2], b[:, 1::2] = -np.abs(a[:, ::2]), np.abs(b[:, 1::2]) ** 3
        a[:, list(dead)], b[:, list(other)] = 0.25, -3.0
        rho, live, live_other = correlated(a, b, signed)
        rows, columns = np.flatnonzero(live), np.flatnonzero(live_other)
        found, correlations = ours(a, b, "optimal", signed)
        np.testing.assert_allclose(correlations[np.ix_(rows, columns)], rho[np.ix_(rows, columns)], atol=1e-12)
        assert (correlations[~live] == 0).all() and (correlations[:, ~live_other] == 0).all()
        total, _ = by_networkx(rho, rows, columns)
        partners = found.partners[0]
        matched = {i: int(j) for i, j in enumerate(partners.tolist()) if j >= 0}
        assert len(matched) == len(set(matched.values())) == min(len(rows), len(columns))
        assert set(matched) <= set(rows) and set(matched.values()) <= set(columns)
        assert sum(rho[i, j] for i, j in matched.items()) == pytest.approx(total, abs=1e-10)
        assert matched == by_scipy(rho, rows, columns)
        both = found.forward[0], found.backward[0]
        np.testing.assert_allclose(both, equation_7(rho, matched, rows, columns), atol=1e-10)
        greedy, _ = ours(a, b, "greedy", signed)
        taken = {i: int(j) for i, j in enumerate(greedy.partners[0].tolist()) if j >= 0}
        assert taken == one_by_one(rho, rows, columns)
        both = greedy.forward[0], greedy.backward[0]
        np.testing.assert_allclose(both, equation_7(rho, taken, rows, columns), atol=1e-10)
        assert sum(rho[i, j] for i, j in taken.items()) <= total + 1e-12


@given(seeds, st.integers(1, 5), st.integers(1, 5), st.sampled_from([-1.0, 0.0]))
@few
def test_as_many_as_can_be_are_matched_however_they_are_correlated(seed, h, k, low):
    rng = np.random.default_rng(seed)
    rho, live, live_other = rng.uniform(-1, low + 0.1, (h, k)), rng.random(h) < 0.7, rng.random(k) < 0.7
    rows, columns = np.flatnonzero(live), np.flatnonzero(live_other)
    for match, expected in (
        ("optimal", by_networkx(rho, rows, columns)[1]),
        ("greedy", one_by_one(rho, rows, columns)),
    ):
        found = converge(rho[None], live[None], live_other[None], match, ONE)
        matched = {i: int(j) for i, j in enumerate(found.partners[0].tolist()) if j >= 0}
        assert matched == expected, match
        assert np.isnan(found.forward[0]) == np.isnan(found.backward[0]) == (not expected)


def test_negative_correlations_are_taken_rather_than_none():
    up = np.linspace(-1, 1, 9)
    a, b = np.stack([up, up**3], axis=1), np.stack([-up, -(up**3)], axis=1)
    for match in ("optimal", "greedy"):
        found, rho = ours(a, b, match, signed=True)
        assert (rho < 0).all()
        assert sorted(found.partners[0].tolist()) == [0, 1]


@pytest.mark.parametrize("case", ["plain", "wider", "narrower", "constant and wider", "constant in one alone"])
def test_units_at_random_are_the_mean_over_all_matchings(case):
    h, k, dead, other = CASES[case]
    rng = np.random.default_rng(1)
    h, k = min(h, 6), min(k, 6)
    a, b = some(rng, 30, h), some(rng, 30, k)
    a[:, list(dead)], b[:, [j for j in other if j < k]] = 1.0, 2.0
    rho, live, live_other = correlated(a, b)
    rows, columns = np.flatnonzero(live), np.flatnonzero(live_other)
    if len(rows) <= len(columns):
        ways = [dict(zip(rows, way, strict=True)) for way in itertools.permutations(columns, len(rows))]
    else:
        ways = [{i: j for j, i in zip(columns, w, strict=True)} for w in itertools.permutations(rows, len(columns))]
    expected = np.mean([equation_7(rho, way, rows, columns) for way in ways], axis=0)
    found, _ = ours(a, b, "random")
    np.testing.assert_allclose([found.forward[0], found.backward[0]], expected, rtol=1e-9)
    assert (found.partners == -1).all()
    optimal, _ = ours(a, b)
    assert optimal.forward[0] + optimal.backward[0] <= expected.sum() + 1e-12


def test_no_such_matching_is_told():
    with pytest.raises(WorkbenchError, match="matching: expected optimal or greedy, got 'best'"):
        converge(np.zeros((1, 2, 2)), np.ones((1, 2), bool), np.ones((1, 2), bool), "best")


def test_equation_7_by_hand():
    # Both units of the first like the first of the second best: one of them must go without.
    rho = np.array([[[0.9, 0.2], [0.8, 0.5]]])
    live = np.ones((1, 2), bool)
    found = converge(rho, live, live, "optimal", ONE)
    assert found.partners.tolist() == [[0, 1]]
    assert (found.forward[0], found.backward[0]) == (pytest.approx(0.3), pytest.approx(0.0))
    rho = np.array([[[0.9, 0.8], [0.8, 0.1]]])
    optimal, greedy = (converge(rho, live, live, match, ONE) for match in ("optimal", "greedy"))
    assert (optimal.partners.tolist(), greedy.partners.tolist()) == ([[1, 0]], [[0, 1]])
    assert optimal.forward[0] == pytest.approx(0.1)
    assert greedy.forward[0] == pytest.approx(0.7)


def published(states):
    """Activations (s, units) in layers of the Cart-Pole agents that others have trained and published."""
    kinds = {
        "policy": ("a2c", "mlp_extractor.policy_net.{}", ("0", "2"), np.tanh),
        "value": ("a2c", "mlp_extractor.value_net.{}", ("0", "2"), np.tanh),
        "q": ("dqn", "q_net.q_net.{}", ("0", "2", "4"), lambda z: np.maximum(z, 0)),
        "linear": ("ars", "action_net", ("",), np.tanh),
    }
    found = {}
    for kind, (agent, names, parts, activation) in kinds.items():
        with zipfile.ZipFile(PUBLISHED / "sb3" / f"{agent}-CartPole-v1.zip") as archive:
            file = archive.open("policy.pth")
            state = torch.load(file, weights_only=True, map_location="cpu")
        x = states
        for k, part in enumerate(parts):
            matrix = state[f"{names.format(part)}.weight"].double().numpy()
            bias = state.get(f"{names.format(part)}.bias", torch.zeros(len(matrix))).double().numpy()
            x = x @ matrix.T + bias
            x = x if len(matrix) == 2 else activation(x)
            found[f"{kind} {k + 1}"] = x
    return found


@pytest.mark.skipif(not (PUBLISHED / "sb3").is_dir(), reason="no published agents; AGENTEMB_FIXTURES may name a folder")
def test_published_agents_are_matched_as_networkx_does():
    states = np.random.default_rng(0).uniform([-2.4, -3, -0.2095, -3], [2.4, 3, 0.2095, 3], (10000, 4))
    layers = published(states)
    pairs_of = [("policy 1", "value 1"), ("policy 2", "value 2"), ("policy 2", "q 2"), ("q 1", "policy 1")]
    constant = 0
    for first, second in [*pairs_of, ("linear 1", "q 3")]:
        a, b = layers[first][:, :70], layers[second][:, :70]  # networkx takes minutes for all 256 units
        rho, live, live_other = correlated(a, b)
        constant += (~live).sum() + (~live_other).sum()
        rows, columns = np.flatnonzero(live), np.flatnonzero(live_other)
        found, correlations = ours(a, b)
        np.testing.assert_allclose(correlations[np.ix_(rows, columns)], rho[np.ix_(rows, columns)], atol=1e-11)
        matched = {i: int(j) for i, j in enumerate(found.partners[0].tolist()) if j >= 0}
        total, _ = by_networkx(rho, rows, columns)
        assert len(matched) == min(len(rows), len(columns)), (first, second)
        assert sum(rho[i, j] for i, j in matched.items()) == pytest.approx(total, abs=1e-9), (first, second)
        np.testing.assert_allclose(
            [found.forward[0], found.backward[0]], equation_7(rho, matched, rows, columns), atol=1e-9
        )
    assert constant > 0, "some units of theirs never fire"


# Geometry.


def gram(x):
    return x @ x.T


def hsic(k, l):  # noqa: E741
    """Tr(K H L H): Gretton et al. 2005."""
    h = np.eye(len(k)) - 1 / len(k)
    return np.trace(k @ h @ l @ h)


def hsic_1(k, l):  # noqa: E741
    """The unbiased estimator of Song et al. 2012, Equation 5, over kernel matrices whose diagonals are zeros."""
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))  # noqa: E741
    one = np.ones(n)
    whole = (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2))
    return (np.trace(k @ l) + whole - 2 / (n - 2) * (one @ k @ l @ one)) / (n * (n - 3))


@few
@given(seeds, st.integers(5, 60), st.integers(1, 8), st.integers(1, 8))
def test_cka_is_the_textbooks_over_kernel_matrices(seed, s, h, k):
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(s, 2))
    a, b = (shared @ rng.normal(size=(2, m)) + 0.5 * rng.normal(size=(s, m)) + 3 for m in (h, k))
    left, right = gram(a), gram(b)
    expected = hsic(left, right) / np.sqrt(hsic(left, left) * hsic(right, right))
    assert MEASURES["cka"](a, b) == pytest.approx(expected, abs=1e-10)
    own = hsic_1(left, left) * hsic_1(right, right)
    if own > 1e-9:
        expected = hsic_1(left, right) / np.sqrt(own)
        assert MEASURES["debiased-cka"](a, b) == pytest.approx(expected, rel=1e-7, abs=1e-7)


def test_debiasing_takes_away_what_unrelated_layers_have_in_common():
    rng = np.random.default_rng(0)
    values = np.array([[MEASURES[n](rng.normal(size=(40, 30)), rng.normal(size=(40, 30))) for n in HIDDEN[1:3]]
                       for _ in range(60)])  # fmt: skip
    assert values[:, 0].mean() > 0.3
    assert abs(values[:, 1].mean()) < 0.02


@few
@given(seeds, st.integers(4, 40), st.integers(1, 6))
def test_procrustes_is_scipys(seed, s, h):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(s, h)), rng.normal(size=(s, h)) + 5
    *_, disparity = procrustes(a, b)
    distance = MEASURES["procrustes"](a, b)
    # SciPy also scales the second, to the nuclear norm of the product: 1 - norm^2.
    nuclear = np.sqrt(1 - disparity)
    assert distance == pytest.approx(np.sqrt(2 - 2 * nuclear), abs=1e-7)
    x, y = ((m - m.mean(0)) / np.linalg.norm(m - m.mean(0)) for m in (a, b))
    turn, scale = orthogonal_procrustes(x, y)
    assert nuclear == pytest.approx(scale, abs=1e-7)
    assert distance == pytest.approx(np.linalg.norm(x @ turn - y), abs=1e-7)


@pytest.mark.parametrize(("h", "k"), [(1, 1), (4, 4), (3, 5), (5, 2)])
def test_permutation_procrustes_is_the_least_over_all_orders(h, k):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        a, b = some(rng, 20, h), some(rng, 20, k)
        x, y = ((m - m.mean(0)) / np.linalg.norm(m - m.mean(0)) for m in (a, b))
        size = max(h, k)
        x, y = (np.pad(m, ((0, 0), (0, size - m.shape[1]))) for m in (x, y))
        least = min(np.linalg.norm(x[:, order] - y) for order in itertools.permutations(range(size)))
        assert MEASURES["permutation"](a, b) == pytest.approx(least, abs=1e-9)
        assert MEASURES["permutation"](a, b) >= MEASURES["procrustes"](a, b) - 1e-9


# Decisions.


@few
@given(seeds, st.integers(1, 40), st.integers(1, 4), st.floats(0.01, 30))
def test_agreement_is_counted_and_divergence_scipys(seed, s, k, size):
    rng = np.random.default_rng(seed)
    a, b = size * rng.normal(size=(s, k)), size * rng.normal(size=(s, k))
    counted = sum(int(x.argmax() == y.argmax()) for x, y in zip(a, b, strict=True)) / s
    assert MEASURES["agreement"](a, b) == pytest.approx(counted, abs=1e-12)
    with np.errstate(invalid="ignore"):  # SciPy's own, of a distribution with itself
        each = np.nan_to_num(jensenshannon(softmax(a, axis=1), softmax(b, axis=1), base=2, axis=1)) ** 2
    for dtype in (float, np.float32):
        assert MEASURES["jsd"](a.astype(dtype), b.astype(dtype)) == pytest.approx(each.mean(), abs=2e-6)
    assert 0 <= MEASURES["jsd"](a, b) <= 1
    assert 0 <= MEASURES["jsd"](a, a + 1e-5 * b) < 1e-6


def test_the_first_of_equals_is_taken():
    a, b = np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([[2.0, 1.0], [1.0, 2.0]])
    assert MEASURES["agreement"](a, b) == 0.5


def test_certain_and_opposite_decisions_are_a_bit_apart_however_large_the_outputs():
    largest = np.finfo(np.float32).max
    for size in (100.0, largest):
        a = np.array([[size, -size]] * 3, np.float32)
        assert MEASURES["jsd"](a, -a) == pytest.approx(1)
        assert MEASURES["jsd"](a, a) == 0
        assert MEASURES["agreement"](a, -a) == 0
    assert MEASURES["agreement"](np.array([[1e200, 2e200]]), np.array([[0.0, 1.0]])) == 1


def test_decisions_among_other_actions_are_told(rng):
    for name in DECISIONS:
        with pytest.raises(WorkbenchError, match="similarity: decisions among 2 actions and among 3"):
            MEASURES[name](some(rng, 9, 2), some(rng, 9, 3))


# What must not matter.


def both_ways(name, a, b):
    return MEASURES[name](a, b), MEASURES[name](b, a)


@few
@given(seeds, st.integers(1, 6), st.integers(1, 6))
def test_the_order_of_units_and_their_common_scale_change_nothing(seed, h, k):
    rng = np.random.default_rng(seed)
    a, b = some(rng, 30, h), some(rng, 30, k)
    factor = 10 ** rng.uniform(-4, 4)
    for name in HIDDEN:
        expected = both_ways(name, a, b)
        for x, y in ((a[:, rng.permutation(h)], b[:, rng.permutation(k)]), (factor * a, b), (a, factor * b)):
            np.testing.assert_allclose(both_ways(name, x, y), expected, atol=1e-6, err_msg=name)
        dead = np.full((30, 2), rng.normal())
        padded = np.concatenate([a, dead], axis=1), np.concatenate([dead[:, :1], b], axis=1)
        if name != "permutation":
            np.testing.assert_allclose(both_ways(name, *padded), expected, atol=1e-6, err_msg=name)


def test_orders_of_units_are_those_of_the_wider_network():
    """A dead unit may take one that would else be given an opposite: beyond the wider network there are none."""
    a, b = np.array([[1.0, 0], [-1, 2], [0, -2]]), np.array([[-1.0], [1], [0]])
    dead = np.zeros((3, 1))
    measure = MEASURES["permutation"]
    assert measure(a, np.concatenate([b, dead], axis=1)) == pytest.approx(measure(a, b), abs=1e-12)
    assert measure(-b, b) == pytest.approx(2)
    assert measure(np.concatenate([-b, dead], axis=1), b) == pytest.approx(np.sqrt(2))


@few
@given(seeds, st.integers(1, 6), st.integers(1, 6))
def test_rotations_and_shifts_leave_the_geometry(seed, h, k):
    rng = np.random.default_rng(seed)
    a, b = some(rng, 30, h), some(rng, 30, k)
    turn = ortho_group.rvs(h, random_state=rng) if h > 1 else np.array([[-1.0]])
    for name in ("cka", "debiased-cka", "procrustes"):
        assert MEASURES[name](a @ turn, b) == pytest.approx(MEASURES[name](a, b), abs=1e-7)
        assert MEASURES[name](a + rng.normal(size=h), b) == pytest.approx(MEASURES[name](a, b), abs=1e-7)


def test_a_rotation_is_not_lost_on_the_others(rng):
    a, turn = some(rng, 200, 5), ortho_group.rvs(5, random_state=rng)
    for name in ("permutation", "cd"):
        assert MEASURES[name](a @ turn, a) > 0.1


@few
@given(seeds, st.integers(2, 6))
def test_the_actions_order_changes_no_decision_if_both_are_reordered(seed, k):
    rng = np.random.default_rng(seed)
    a, b, order = some(rng, 30, k), some(rng, 30, k), rng.permutation(k)
    for name in DECISIONS:
        assert MEASURES[name](a[:, order], b[:, order]) == pytest.approx(MEASURES[name](a, b), abs=1e-6)


@few
@given(seeds, st.integers(1, 6), st.integers(1, 6))
def test_every_measure_is_as_it_says(seed, h, k):
    rng = np.random.default_rng(seed)
    a, b, c = some(rng, 30, h), some(rng, 30, k), some(rng, 30, h)
    for name, measure in MEASURES.items():
        other = c if name in DECISIONS else b
        there, back = both_ways(name, a, other)
        if measure.symmetric:
            assert there == pytest.approx(back, abs=1e-7), name
        assert measure(a, a) == pytest.approx(1 if measure.alike else 0, abs=1e-6), name
        if name != "debiased-cka":  # unbiased estimates fall on either side of their bounds
            assert there >= 0, name
            assert there <= 1 + 1e-9 or not measure.alike, name
    assert not MEASURES["cd"].symmetric
    assert [n for n, m in MEASURES.items() if m.alike] == ["cka", "debiased-cka", "agreement"]


def test_convergence_differs_by_direction(rng):
    values = [both_ways("cd", some(rng, 30, 6), some(rng, 30, 6)) for _ in range(10)]
    assert max(abs(a - b) for a, b in values) > 0.1


@given(seeds)
@few
def test_procrustes_distances_are_metrics(seed):
    rng = np.random.default_rng(seed)
    a, b, c = (some(rng, 20, h) for h in (4, 3, 5))
    for name in ("procrustes", "permutation"):
        m = MEASURES[name]
        assert m(a, c) <= m(a, b) + m(b, c) + 1e-9


BROKEN = {
    "nan": lambda a: np.where(np.arange(len(a))[:, None] == 3, np.nan, a),
    "inf": lambda a: np.where(np.arange(len(a))[:, None] == 3, np.inf, a),
    "overflown": lambda a: np.full_like(a, -np.inf),
    "constant": lambda a: np.full_like(a, 0.3),
    "constant but for rounding": lambda a: (1 + 1e-8 * a).astype(np.float32),
    "zero": lambda a: 0 * a,
}


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize("how", BROKEN)
def test_layers_that_are_not_finite_or_constant_have_no_value(name, how, rng):
    a, b = some(rng, 30, 3), some(rng, 30, 3)
    broken = BROKEN[how](a)
    still = how not in ("nan", "inf", "overflown") and name in DECISIONS
    for x, y in ((broken, b), (b, broken), (broken, broken)):
        assert np.isfinite(MEASURES[name](x, y)) == still


@pytest.mark.parametrize("name", MEASURES)
def test_few_states_are_no_crash(name, rng):
    for s in (1, 2, *[3] * 10, 4):
        value = MEASURES[name](some(rng, s, 3), some(rng, s, 3))
        if name in DECISIONS:
            assert np.isfinite(value)
        elif s == 1 or (s < 4 and name == "debiased-cka"):
            assert np.isnan(value)
        elif name != "debiased-cka":
            assert np.isfinite(value)


@pytest.mark.parametrize("name", MEASURES)
def test_shapes_that_do_not_fit_are_told(name):
    for a, b in (((5, 2), (4, 2)), ((5,), (5, 2)), ((0, 2), (0, 2)), ((5, 0), (5, 2)), ((1, 5, 2), (5, 2))):
        with pytest.raises(WorkbenchError, match=r"similarity: expected activations \(states, units\) on the same sta"):
            MEASURES[name](np.zeros(a), np.zeros(b))


def test_measures_tell_where_they_come_from():
    assert set(MEASURES) == {*HIDDEN, *DECISIONS}
    for name, measure in MEASURES.items():
        assert measure.name == name and measure.title and measure.source
        assert name in measure.family().names


# Units.


def test_units_are_standardised_as_the_paper_says(rng):
    a = rng.normal(size=(3, 50, 4))
    for signed, values in ((False, np.abs(a)), (True, a)):
        found = standardise(a, signed)
        z = (values - values.mean(1, keepdims=True)) / values.std(1, keepdims=True)  # Equations 4 and 5
        np.testing.assert_allclose(found.rows, z.swapaxes(1, 2) / np.sqrt(50), atol=1e-12)
        assert found.live.all()


def test_saturated_units_are_constant_and_small_ones_are_not(rng):
    spec = PolicySpec((4, 3, 2))
    weights = np.zeros((1, spec.parameters), np.float32)
    weights[0, :12] = np.concatenate([[0.001] * 4, [1e-5] * 4, [1e-30] * 4])
    weights[0, 12:15] = -30.0, 0.0, 0.0  # the first lies at -1, where ELU ends
    layer = activations(weights, spec, rng.normal(size=(100, 4)))[0]
    assert standardise(layer).live.tolist() == [[False, True, True]]


# All pairs.

SPECS = [PolicySpec((4, 6, 2)), PolicySpec((4, 3, 5, 2), "tanh"), PolicySpec((4, 9, 2), "relu", bias=False)]
COUNTS = (TILE + 5, 3, 1)
FAMILIES = {
    "cd": ConvergenceFamily(),
    "greedy": ConvergenceFamily(True, "greedy"),
    "geometry": GeometryFamily(),
    "decisions": DecisionFamily(),
}


@pytest.fixture(scope="module")
def states():
    return np.random.default_rng(3).normal(size=(40, 4)).astype(np.float32)


def stacked(index):
    layers = [
        Layer(initial(spec, n, k), spec, len(spec.sizes) - 3 if index == 0 else -1)
        for k, (spec, n) in enumerate(zip(SPECS, COUNTS, strict=True))
    ]
    layers[0].weights[2, 0] = np.nan
    layers[0].weights[TILE + 1] = 0
    layers[1].weights[1] = 3e38
    return layers


def compared(layers, states, family, threads=1):
    n = sum(map(len, layers))
    out = {name: np.full((n, n), -7.0) for name in family.names}
    done = list(all_pairs(layers, states, family, Compute("cpu", threads), out))
    assert sum(done) == count_pairs(layers) == n * (n + 1) // 2
    return out, done


@pytest.mark.parametrize("name", FAMILIES)
def test_all_pairs_are_what_one_pair_is(name, states):
    family = FAMILIES[name]
    layers = stacked(-1 if name == "decisions" else 0)
    out, _ = compared(layers, states, family)
    single = [layer.on(states, slice(k, k + 1))[0] for layer in layers for k in range(len(layer))]
    n = len(single)
    assert n == sum(COUNTS)
    some_pairs = [*itertools.combinations(range(n), 2)][::7]
    some_pairs += [(2, 5), (5, 2), (2, 2), (20, n - 1), (n - 1, 0)]
    some_pairs += [(TILE + 1, 0), (0, TILE + 1), (TILE + 6, 1), (n - 2, n - 1), (n - 1, n - 1), (7, 7), (9, 3)]
    for i, j in some_pairs:
        for measure, matrix in out.items():
            prepared = (family.prepare(single[k][None]) for k in (i, j))
            there, back = family.compare(*prepared)[measure]
            np.testing.assert_allclose([matrix[i, j], matrix[j, i]], [there[0, 0], back[0, 0]], atol=1e-6)
            if name != "greedy":
                np.testing.assert_allclose(matrix[i, j], MEASURES[measure](single[i], single[j]), atol=1e-6)
    for matrix in out.values():
        assert np.isnan(matrix[2]).all() and np.isnan(matrix[:, 2]).all(), "a network that is not finite"
        assert np.isfinite(matrix).sum() > n * n / 2
        constant = np.isfinite(matrix[TILE + 1]).any()
        assert constant == (name == "decisions"), "a network whose layers are constant"


@pytest.mark.parametrize("name", FAMILIES)
def test_blocks_tiles_and_threads_change_nothing(name, states, monkeypatch):
    family, layers = FAMILIES[name], stacked(-1 if name == "decisions" else 0)
    whole, tiles = compared(layers, states, family)
    assert len(tiles) == 4 * 5 // 2
    for memory in (3 * 8 * 9 * 40.0, 1.0):
        monkeypatch.setattr(pairs, "MEMORY", memory)
        for threads in (1, 2):
            parts, more = compared(layers, states, family, threads)
            assert len(more) > len(tiles)
            for measure, matrix in whole.items():
                np.testing.assert_allclose(parts[measure], matrix, atol=1e-7)


def test_tiles_fit_into_memory_and_cover_all():
    spec = PolicySpec((4, 30, 2))
    layer = Layer(np.zeros((50, spec.parameters), np.float32), spec, 0)
    for states, size in ((10_000, TILE), (200_000, 5), (10**6, 1), (10**9, 1)):
        parts = layer.tiles(states)
        assert [i for p in parts for i in range(p.start, p.stop)] == list(range(50))
        assert parts[0].stop == size
    assert Layer(layer.weights[:0], spec, 0).tiles(10) == []


def test_a_caller_who_stops_has_what_is_done(states):
    layers, family = stacked(0), FAMILIES["cd"]
    out = {"cd": np.full((25, 25), np.nan)}
    steps = all_pairs(layers, states, family, ONE, out)
    assert next(steps) == TILE * (TILE + 1) // 2
    steps.close()
    assert np.isfinite(out["cd"][:TILE, :TILE]).sum() == (TILE - 1) ** 2
    assert np.isnan(out["cd"][TILE:]).all()


def test_other_states_are_compared_network_by_network(states, monkeypatch):
    layer, family = stacked(0)[0], FAMILIES["cd"]
    other = states[::-1]
    found = between(layer, states, other, family)["cd"]
    assert found.shape == (21, 21)
    for i, j in ((0, 0), (0, 1), (1, 0), (20, 4)):
        a, b = layer.on(states, slice(i, i + 1))[0], layer.on(other, slice(j, j + 1))[0]
        assert found[i, j] == pytest.approx(MEASURES["cd"](a, b))
    monkeypatch.setattr(pairs, "MEMORY", 1.0)
    np.testing.assert_allclose(between(layer, states, other, family)["cd"], found, atol=1e-12)


def test_work_within_a_tile_starts_no_threads_of_its_own(states, monkeypatch):
    begun = []
    monkeypatch.setattr(Compute, "_pool", property(lambda self: begun.append(self)))
    monkeypatch.setattr("workbench.compute.available_cores", lambda: 8)
    for family in FAMILIES.values():
        compared(stacked(-1 if isinstance(family, DecisionFamily) else 0), states, family)
    assert begun == []


def test_the_device_gives_the_same(rng):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    a, b = rng.normal(size=(3, 5, 200)), rng.normal(size=(2, 4, 200))
    np.testing.assert_allclose(products(a, b, Compute("cuda")), products(a, b), rtol=1e-12, atol=1e-12)
