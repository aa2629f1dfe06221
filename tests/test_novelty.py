"""Behaviour vectors, nearest neighbours and novelty against SciPy, and real networks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics import novelty
from workbench.numerics.novelty import agreement, behaviour_novelty, decisions, nearest, weight_novelty, weight_spread
from workbench.numerics.symmetry import matched_distance, mirror, permute
from workbench.policies import Normaliser, PolicySpec, forward

ONE = Compute("cpu", 1)


@pytest.fixture
def states(rng):
    return rng.normal(size=(200, 4)).astype(np.float32) * [1, 1, 0.1, 1]


def test_behaviour_is_right_less_left_of_size_one(population, states):
    found = decisions(population.weights, population.spec, states)
    outputs = forward(population.weights, population.spec, states).astype(float)
    margin = outputs[..., 1] - outputs[..., 0]
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.sqrt((found.astype(float) ** 2).mean(1)), 1, rtol=1e-5)
    np.testing.assert_allclose(found, margin / np.sqrt((margin**2).mean(1, keepdims=True)), atol=1e-4)
    assert ((found > 0) == (margin > 0)).mean() > 0.999


def test_blocks_change_nothing(population, states, monkeypatch):
    whole = decisions(population.weights, population.spec, states)
    monkeypatch.setattr(novelty, "MEMORY", 1e6)
    np.testing.assert_allclose(decisions(population.weights, population.spec, states), whole, atol=1e-6)


@given(st.floats(1e-6, 1e6), st.integers(0, 2**32 - 1))
def test_the_size_of_the_output_weights_does_not_matter(factor, seed):
    rng, spec = np.random.default_rng(seed), PolicySpec((4, 5, 2), "tanh")
    weights = rng.normal(size=(3, spec.parameters))
    larger = weights.copy()
    larger[:, 25:] *= factor
    states = rng.normal(size=(30, 4))
    np.testing.assert_allclose(decisions(larger, spec, states), decisions(weights, spec, states), atol=1e-3)


def test_networks_without_a_preference_or_not_finite_give_zeros(states):
    spec = PolicySpec((4, 3, 2))
    weights = np.zeros((7, spec.parameters), np.float32)
    weights[1], weights[2, 0], weights[3, -1], weights[4] = np.nan, np.inf, -np.inf, 3e38
    weights[5, -1], weights[6, -1] = -1e-30, 1e30
    found = decisions(weights, spec, states)
    assert (found[:5] == 0).all()
    np.testing.assert_allclose(found[5:], [[-1.0] * 200, [1.0] * 200], rtol=1e-6)


def test_order_and_mirror_images_in_behaviour(population, states):
    weights, spec = population.weights, population.spec
    found = decisions(weights, spec, states)
    other = decisions(permute(weights, spec, np.arange(30)[::-1]), spec, states)
    np.testing.assert_allclose(other, found, atol=1e-4)
    assert agreement(found, other).min() > 0.97
    np.testing.assert_allclose(decisions(mirror(weights, spec), spec, -states), -found, atol=1e-4)


def test_agreement_is_the_share_of_states():
    a, b = np.array([[1, -1, 0, 2], [1, 1, 1, 1]]), np.array([[3, -4, -5, -6], [-1, 0, -1, -1]])
    assert agreement(a, b).tolist() == [0.75, 0]
    assert agreement(a, a).tolist() == [1, 1]
    for wrong in ((a, b[:1]), (a[:, :0], b[:, :0]), (a[0], b[0])):
        with pytest.raises(WorkbenchError, match=r"agreement: expected two \(n, s\) of one shape, s > 0, got"):
            agreement(*wrong)


@pytest.mark.parametrize("outputs", [1, 3, 4])
def test_behaviour_of_any_number_of_outputs(rng, outputs):
    spec = PolicySpec((5, 7, outputs), "tanh")
    weights, states = rng.normal(size=(6, spec.parameters)).astype(np.float32), rng.normal(size=(50, 5))
    found = decisions(weights, spec, states)
    assert found.shape == (6, 50 * (1 if outputs == 1 else outputs))
    np.testing.assert_allclose(np.square(found).mean(1), 1, rtol=1e-5)
    values = forward(weights, spec, states)
    if outputs > 2:
        same = (values[:3].argmax(2) == values[3:].argmax(2)).mean(1)
        assert agreement(found[:3], found[3:], outputs).tolist() == same.tolist()
        # What is added to all outputs decides nothing.
        shifted = weights.copy()
        shifted[:, -outputs:] += 3
        np.testing.assert_allclose(decisions(shifted, spec, states), found, atol=1e-4)
    else:
        np.testing.assert_allclose(found * np.sqrt(np.square(values).mean((1, 2)))[:, None], values[:, :, 0], atol=1e-4)


def assert_nearest(queries, points, k):
    s = queries.shape[1]
    indices, distances = nearest(queries, points, k)
    every = cdist(queries.astype(float), points.astype(float)) / np.sqrt(s)
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :k], rtol=1e-10, atol=1e-300)
    np.testing.assert_allclose(np.take_along_axis(every, indices, 1), distances, rtol=1e-10, atol=1e-300)
    assert (np.diff(distances, axis=1) >= 0).all()
    assert all(len(set(row)) == k for row in indices.tolist())


@pytest.mark.parametrize("memory", [64e6, 2e4])
@pytest.mark.parametrize(("q", "n", "s", "k"), [(30, 70, 50, 1), (7, 40, 3, 40), (5, 300, 64, 11), (1, 1, 1, 1)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_nearest_are_scipys(q, n, s, k, dtype, memory, rng, monkeypatch):
    monkeypatch.setattr(novelty, "MEMORY", memory)
    points = rng.normal(size=(n, s)).astype(dtype)
    assert_nearest(rng.normal(size=(q, s)).astype(dtype), points, k)
    assert_nearest(points[:q], points, k)


@pytest.mark.parametrize("apart", [1e-6, 1e-4, 1e-2])
def test_the_nearest_are_found_where_float32_cannot_tell_them_apart(apart, rng):
    centre = rng.normal(size=100)
    points = centre + apart * rng.normal(size=(300, 100))
    assert_nearest(centre + apart * rng.normal(size=(20, 100)), points, 3)
    assert_nearest(points, points[rng.permutation(300)], 2)


def test_nearest_of_nothing_and_of_copies(rng):
    points = np.repeat(rng.normal(size=(3, 10)), 50, axis=0)
    indices, distances = nearest(points[:1], points, 60)
    assert set(range(50)) <= set(indices[0].tolist())
    assert (distances[0, :50] == 0).all()
    assert [part.shape for part in nearest(points[:0], points, 2)] == [(0, 2), (0, 2)]


def test_novelty_of_real_networks(population, states):
    found = decisions(population.weights, population.spec, states)
    assert behaviour_novelty(found, found).max() == 0
    every = cdist(found.astype(float), found.astype(float)) / np.sqrt(200)
    np.testing.assert_allclose(behaviour_novelty(found[:40], found[40:]), every[:40, 40:].min(1), rtol=1e-10)
    assert behaviour_novelty(found[:40], found[40:]).max() <= 2


@pytest.mark.parametrize(("n", "s"), [(2, 1), (3, 5), (40, 30), (130, 7)])
@pytest.mark.parametrize("memory", [64e6, 1e3])
def test_the_mean_of_all_pairs_is_scipys(n, s, memory, rng, monkeypatch):
    monkeypatch.setattr(novelty, "MEMORY", memory)
    vectors = 100 + rng.normal(size=(n, s))
    assert novelty.pairwise(vectors) == pytest.approx(pdist(vectors).mean() / np.sqrt(s), rel=1e-10)
    single = vectors.astype(np.float32)
    assert novelty.pairwise(single) == pytest.approx(pdist(single.astype(float)).mean() / np.sqrt(s), rel=1e-8)
    assert novelty.pairwise(np.repeat(vectors[:1], 5, axis=0)) < 1e-5


SPECS = {
    "Cart-Pole": PolicySpec((4, 5, 2)),
    "off centre": PolicySpec((4, 5, 2), normaliser=Normaliser((0.1,) * 4, (1.0,) * 4)),
    "elsewhere": PolicySpec((4, 5, 2), env="Acrobot-v1"),
}


@pytest.mark.parametrize("name", SPECS)
def test_weights_are_new_where_neither_candidates_nor_their_images_are_near(name, rng, monkeypatch):
    spec = SPECS[name]
    weights, others = rng.normal(size=(9, spec.parameters)), rng.normal(size=(9, 4, spec.parameters))
    plain = np.stack([matched_distance(weights, others[:, j], spec, ONE) for j in range(4)], axis=1)
    image = [matched_distance(weights, mirror(others[:, j], SPECS["Cart-Pole"]), spec, ONE) for j in range(4)]
    every = np.concatenate([plain, np.stack(image, axis=1)], axis=1) if name == "Cart-Pole" else plain
    for memory in (64e6, 1e4):
        monkeypatch.setattr(novelty, "MEMORY", memory)
        np.testing.assert_allclose(weight_novelty(weights, others, spec, ONE), every.min(1), rtol=1e-12)
    pairs = np.stack([rng.integers(0, 9, 20), rng.integers(0, 9, 20)], axis=1)
    a, b = weights[pairs[:, 0]], weights[pairs[:, 1]]
    expected = matched_distance(a, b, spec, ONE)
    if name == "Cart-Pole":
        expected = np.minimum(expected, matched_distance(a, mirror(b, spec), spec, ONE))
    np.testing.assert_allclose(weight_spread(weights, spec, pairs, ONE), expected, rtol=1e-12)


def test_a_mirror_image_in_another_order_is_nothing_new(population, rng):
    weights, spec = population.weights, population.spec
    disguised = permute(mirror(weights, spec), spec, rng.permutation(30))
    candidates = np.stack([np.roll(weights, 1, axis=0), disguised], axis=1)
    assert weight_novelty(weights, candidates, spec, ONE).max() == 0
    assert weight_novelty(weights, candidates[:, :1], spec, ONE).min() > 0
    assert weight_novelty(weights[:0], candidates[:0], spec, ONE).shape == (0,)


def test_what_does_not_fit_is_told(rng):
    spec = PolicySpec((4, 3, 2))
    weights, vectors = rng.normal(size=(2, spec.parameters)), rng.normal(size=(4, 6))
    for states in (np.zeros((2, 3)), np.zeros((0, 4)), np.zeros(4)):
        with pytest.raises(WorkbenchError, match=r"behaviour vectors: expected states \(s, 4\), s > 0, got \("):
            decisions(weights, spec, states)
    with pytest.raises(WorkbenchError, match="nearest: queries have 5 states, points 6"):
        nearest(vectors[:, :5], vectors, 1)
    for k in (0, 5, -1):
        with pytest.raises(WorkbenchError, match=rf"nearest: expected k from 1 to 4, the number of points, got {k}"):
            nearest(vectors, vectors, k)
    with pytest.raises(WorkbenchError, match="nearest: expected k from 1 to 0, the number of points, got 1"):
        behaviour_novelty(vectors, vectors[:0])
    with pytest.raises(WorkbenchError, match=r"queries: expected vectors \(n, s\), s > 0, got \(6,\)"):
        nearest(vectors[0], vectors, 1)
    with pytest.raises(WorkbenchError, match=r"points: expected vectors \(n, s\), s > 0, got \(4, 0\)"):
        nearest(vectors, vectors[:, :0], 1)
    for bad in (np.nan, np.inf, 1e16):
        with pytest.raises(WorkbenchError, match=r"pairwise: vectors must be finite and within 1e\+15"):
            novelty.pairwise(np.array([[bad], [0.0]]))
    with pytest.raises(WorkbenchError, match="pairwise: expected two vectors or more, got 1"):
        novelty.pairwise(vectors[:1])
    for wrong in (np.zeros((2, 0, 23)), np.zeros((3, 1, 23)), np.zeros((2, 1, 22)), weights):
        with pytest.raises(WorkbenchError, match=r"expected candidates of shape \(2, k, 23\) with k > 0, got \("):
            weight_novelty(weights, wrong, spec, ONE)
