"""Hidden units in any order, and mirror images: what they leave as it was, and distances modulo both."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics import symmetry
from workbench.numerics.symmetry import align, has_mirror, matched_distance, mirror, paired_distance, permute, units
from workbench.policies import ACTIVATIONS, Normaliser, PolicySpec, forward
from workbench.rollouts import Episodes, rollout

ONE = Compute("cpu", 1)
CENTRED = Normaliser((0.0, -0.0, 0.0, 0.0), (0.4, 0.9, 0.07, 1.1), 1.5)
SPECS = {
    "elu": PolicySpec.cartpole(),
    "tanh without bias": PolicySpec((4, 9, 2), "tanh", bias=False),
    "one unit": PolicySpec((4, 1, 2), "sigmoid"),
    "normaliser": PolicySpec((4, 12, 2), "relu", normaliser=CENTRED),
    "other sizes": PolicySpec((3, 5, 4), "identity", env="Pendulum-v1"),
}
MIRRORED = {name: spec for name, spec in SPECS.items() if has_mirror(spec)}
shapes = st.tuples(st.just(4), st.integers(1, 12), st.just(2))
specs = st.builds(PolicySpec, shapes, st.sampled_from(ACTIVATIONS), st.booleans())
seeds = st.integers(0, 2**32 - 1)


def some(rng, spec, n=5):
    return rng.normal(size=(n, spec.parameters)).astype(np.float32)


def expected_distance(a, b, spec):
    """By SciPy, one pair at a time."""
    (left, left_bias), (right, right_bias) = units(a.astype(float), spec), units(b.astype(float), spec)
    found = []
    for i in range(len(a)):
        costs = ((left[i][:, None] - right[i][None]) ** 2).sum(-1)
        found.append(costs[linear_sum_assignment(costs)].sum() + ((left_bias[i] - right_bias[i]) ** 2).sum())
    return np.sqrt(found)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_units_are_taken_apart_and_put_together(spec, rng):
    weights = some(rng, spec)
    n_in, h, out = spec.sizes
    tokens, output_bias = units(weights, spec)
    assert (tokens.shape, output_bias.shape) == ((5, h, n_in + spec.bias + out), (5, out if spec.bias else 0))
    back = symmetry.from_units(tokens, output_bias, spec)
    assert tokens.dtype == output_bias.dtype == back.dtype == np.float32
    kept = weights.copy()
    assert (back == kept).all()
    tokens[:] = output_bias[:] = back[:] = permute(weights, spec, np.arange(h))[:] = 0
    assert (weights == kept).all()


def test_a_units_token_is_its_weights():
    spec = PolicySpec((4, 3, 2))
    tokens, output_bias = units(np.arange(23)[None], spec)
    assert tokens[0].tolist() == [[0, 1, 2, 3, 12, 15, 18], [4, 5, 6, 7, 13, 16, 19], [8, 9, 10, 11, 14, 17, 20]]
    assert output_bias.tolist() == [[21, 22]]


@given(specs, seeds)
def test_the_order_of_units_changes_nothing(spec, seed):
    rng = np.random.default_rng(seed)
    weights, states = some(rng, spec, 3), rng.normal(size=(20, 4))
    order = np.array([rng.permutation(spec.sizes[1]) for _ in weights])
    other = permute(weights, spec, order)
    np.testing.assert_allclose(forward(other, spec, states), forward(weights, spec, states), 1e-5, 1e-5)
    assert matched_distance(weights, other, spec, ONE).tolist() == [0, 0, 0]
    assert (permute(other, spec, np.argsort(order)) == weights).all()
    assert (permute(weights, spec, order[0])[0] == other[0]).all()


@given(specs, seeds)
def test_a_mirror_image_goes_left_where_the_other_goes_right(spec, seed):
    rng = np.random.default_rng(seed)
    weights, states = some(rng, spec, 3), rng.normal(size=(20, 4)).astype(np.float32)
    image = mirror(weights, spec)
    assert image.dtype == np.float32
    assert (mirror(image, spec) == weights).all()
    np.testing.assert_allclose(forward(image, spec, -states), forward(weights, spec, states)[..., ::-1], 1e-5, 1e-5)


class Mirrored(Episodes):
    """The episodes from the mirror images of their starts."""

    def starts(self):
        return -super().starts()


@pytest.mark.parametrize("name", [*MIRRORED, "other constants"])
def test_mirror_images_last_as_long_from_mirrored_starts(name, rng):
    spec = MIRRORED.get(name) or PolicySpec.cartpole().with_env(kinematics_integrator="semi-implicit", gravity=5.0)
    weights = some(rng, spec, 40)
    steps = rollout(weights, spec, Episodes(10), ONE).steps
    assert (rollout(mirror(weights, spec), spec, Mirrored(10), ONE).steps == steps).all()
    # Without biases tanh makes a policy that is its own mirror image.
    assert (rollout(mirror(weights, spec), spec, Episodes(10), ONE).steps != steps).any() == spec.bias


def test_real_networks(population, rng):
    weights, spec = population.weights, population.spec
    steps = rollout(weights, spec, Episodes(20), ONE).steps
    assert (rollout(mirror(weights, spec), spec, Mirrored(20), ONE).steps == steps).all()
    orders = rng.permuted(np.tile(np.arange(30), (len(weights), 1)), axis=1)
    assert matched_distance(weights, permute(weights, spec, orders), spec, ONE).max() == 0
    a, b = weights[:48], weights[48:]
    np.testing.assert_allclose(matched_distance(a, b, spec, ONE), expected_distance(a, b, spec), rtol=1e-12)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_distances_are_scipys(spec, rng):
    a, b = some(rng, spec, 12), some(rng, spec, 12)
    found = matched_distance(a, b, spec, ONE)
    np.testing.assert_allclose(found, expected_distance(a, b, spec), rtol=1e-12)
    assert found.dtype == np.float64 and (found <= np.linalg.norm(a.astype(float) - b, axis=1) * (1 + 1e-12)).all()


@given(seeds)
def test_distances_are_a_metric_of_networks_without_order(seed):
    rng, spec = np.random.default_rng(seed), PolicySpec((4, 6, 2))
    a, b, c = (some(rng, spec, 4) for _ in range(3))
    ab, bc, ac = (matched_distance(x, y, spec, ONE) for x, y in ((a, b), (b, c), (a, c)))
    assert (ac <= ab + bc + 1e-9).all()
    for x, y in ((b, a), (permute(a, spec, rng.permutation(6)), b), (mirror(a, spec), mirror(b, spec))):
        np.testing.assert_allclose(matched_distance(x, y, spec, ONE), ab, rtol=1e-12)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_pairs_are_those_asked_for(spec, rng, monkeypatch):
    a, b = some(rng, spec, 4), some(rng, spec, 6)
    pairs = np.stack([rng.integers(0, 4, 30), rng.integers(0, 6, 30)], axis=1)
    plain = matched_distance(a[pairs[:, 0]], b[pairs[:, 1]], spec, ONE)
    monkeypatch.setattr("workbench.numerics.matching.CHUNK", 5)
    for compute in (ONE, Compute("cpu", 2), None):
        assert (paired_distance(a, b, pairs, spec, compute) == plain).all()
    assert (paired_distance(a, b, pairs.astype(np.int32), spec, ONE) == plain).all()
    assert paired_distance(a, b, pairs[:0], spec, ONE).shape == (0,)
    if has_mirror(spec):
        image = matched_distance(a[pairs[:, 0]], mirror(b, spec)[pairs[:, 1]], spec, ONE)
        np.testing.assert_allclose(paired_distance(a, b, pairs, spec, ONE, True), np.minimum(plain, image), 1e-12)


@given(specs, seeds)
def test_aligned_it_computes_the_same_and_is_as_near_as_can_be(spec, seed):
    rng = np.random.default_rng(seed)
    a, b, states = some(rng, spec, 4), some(rng, spec, 4), rng.normal(size=(20, 4))
    found = align(a, b, spec, ONE)
    assert found.dtype == np.float32
    np.testing.assert_allclose(forward(found, spec, states), forward(b, spec, states), 1e-5, 1e-5)
    # The very same units, in another order.
    (tokens, output_bias), (before, bias_before) = units(found, spec), units(b, spec)
    assert [sorted(map(tuple, t.tolist())) for t in tokens] == [sorted(map(tuple, t.tolist())) for t in before]
    assert (output_bias == bias_before).all()
    away = np.linalg.norm(a.astype(float) - found, axis=1)
    np.testing.assert_allclose(away, expected_distance(a, b, spec), rtol=1e-12)
    assert (away <= np.linalg.norm(a.astype(float) - b, axis=1) * (1 + 1e-12)).all()
    assert (align(a, found, spec, ONE) == found).all()


@given(specs, seeds)
def test_an_order_that_was_lost_is_found_again(spec, seed):
    rng = np.random.default_rng(seed)
    a = some(rng, spec, 4)
    other = permute(a, spec, np.array([rng.permutation(spec.sizes[1]) for _ in a]))
    assert (align(a, other, spec, ONE) == a).all()
    noisy = other + (1e-3 * rng.normal(size=a.shape)).astype(np.float32)
    np.testing.assert_allclose(align(a, noisy, spec, ONE), a, atol=0.01)


@pytest.mark.parametrize("spec", [PolicySpec((4, h, 2), bias=b) for h in (1, 2, 4, 5) for b in (True, False)], ids=repr)
def test_no_other_order_is_nearer(spec, rng):
    a, b = some(rng, spec), some(rng, spec)
    orders = np.array(list(permutations(range(spec.sizes[1]))))
    every = np.stack([permute(b, spec, order) for order in orders], axis=1).astype(float)
    best = np.linalg.norm(every - a[:, None], axis=2).argmin(axis=1)
    assert (align(a, b, spec, ONE) == every[np.arange(len(a)), best]).all()


def test_real_networks_are_aligned_the_same_on_any_threads(population, monkeypatch):
    a, b, spec = population.weights[:48], population.weights[48:], population.spec
    found = align(a, b, spec, ONE)
    np.testing.assert_allclose(np.linalg.norm(a.astype(float) - found, axis=1), matched_distance(a, b, spec, ONE), 1e-9)
    steps = [rollout(weights, spec, Episodes(20), ONE).steps.mean(1) for weights in (found, b)]
    # Sums in another order round otherwise, which an action may hang on.
    assert (np.abs(steps[0] - steps[1]) < 5).all() and (steps[0] == steps[1]).mean() > 0.8
    monkeypatch.setattr("workbench.numerics.matching.CHUNK", 5)
    for compute in (Compute("cpu", 2), None):
        assert (align(a, b, spec, compute) == found).all()
    assert align(a[:0], b[:0], spec, ONE).shape == (0, 212)


@pytest.mark.parametrize(("sizes", "hidden"), [((4, 2), 0), ((4, 3, 3, 2), 2)])
def test_one_hidden_layer_is_needed(sizes, hidden):
    spec, weights = PolicySpec(sizes), np.zeros((2, PolicySpec(sizes).parameters))
    for call in (
        lambda: units(weights, spec),
        lambda: mirror(weights, spec),
        lambda: permute(weights, spec, np.arange(3)),
        lambda: symmetry.from_units(np.zeros((2, 3, 7)), np.zeros((2, 2)), spec),
        lambda: matched_distance(weights, weights, spec, ONE),
        lambda: align(weights, weights, spec, ONE),
    ):
        with pytest.raises(WorkbenchError, match=rf"of exactly one hidden layer; {spec.label} has {hidden}$"):
            call()


def test_what_does_not_fit_is_told(rng):
    spec = PolicySpec.cartpole()
    weights = some(rng, spec, 3)
    for wrong in (weights[0], weights[:, :-1], weights[None]):
        with pytest.raises(WorkbenchError, match=r"symmetry: expected weights of shape \(n, 212\) for 4-30-2 elu, got"):
            units(wrong, spec)
    t, o = units(weights, spec)
    for parts in ((t[:, :-1], o), (t[..., 1:], o), (t, o[:, :1]), (t[:1], o)):
        with pytest.raises(WorkbenchError, match=r"takes tokens \(n, 30, 7\) and output biases \(n, 2\), not"):
            symmetry.from_units(*parts, spec)
    for order in (np.zeros(30, int), np.arange(29), np.arange(30.0), np.arange(1, 31), np.tile(np.arange(30), (2, 1))):
        with pytest.raises(WorkbenchError, match=r"expected permutations of 30 units, of shape \(30,\) or \(3, 30\)"):
            permute(weights, spec, order)
    for call in (matched_distance, align):
        with pytest.raises(WorkbenchError, match="symmetry: expected as many networks on both sides, got 3 and 2"):
            call(weights, weights[:2], spec, ONE)
    for pairs in (np.zeros((2, 3), int), np.zeros(2, int), np.zeros((2, 2))):
        with pytest.raises(WorkbenchError, match=r"symmetry: expected pairs \(m, 2\) of rows, got"):
            paired_distance(weights, weights, pairs, spec, ONE)
    for pairs in ([[3, 0]], [[0, 2]], [[-1, 0]]):
        with pytest.raises(WorkbenchError, match="pairs name rows beyond the 3 and 2 networks there are"):
            paired_distance(weights, weights[:2], np.array(pairs), spec, ONE)
    for bad in (np.nan, np.inf, 1e200):
        broken = weights.astype(float)
        broken[1, -1] = bad
        for call in (matched_distance, align):
            for pair in ((weights, broken), (broken, weights)):
                with pytest.raises(WorkbenchError, match="symmetry: the weights of network 1 are not all finite"):
                    call(*pair, spec, ONE)


def test_mirror_images_that_cannot_be_are_told():
    assert set(SPECS) - set(MIRRORED) == {"other sizes"}
    assert not has_mirror(PolicySpec((4, 3, 3, 2)))
    for spec in (SPECS["other sizes"], PolicySpec((4, 3, 3)), PolicySpec((4, 3, 2), env="Acrobot-v1")):
        with pytest.raises(WorkbenchError, match=f"with two outputs, not for {spec.label} in {spec.env}"):
            mirror(np.zeros((1, spec.parameters)), spec)
    spec = PolicySpec((4, 3, 2), normaliser=Normaliser((0.0, 0.1, 0.0, 0.0), (1.0,) * 4))
    assert not has_mirror(spec)
    with pytest.raises(WorkbenchError, match="a mirror image only where its normaliser's means are all 0"):
        mirror(np.zeros((1, spec.parameters)), spec)
