"""Damage, masks, matching on what exists, Gaussian conditionals, and shares with intervals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import linear_sum_assignment

from workbench.errors import WorkbenchError
from workbench.numerics import damage as bench
from workbench.numerics.conditional import align_existing, condition, draw, moments
from workbench.numerics.damage import KINDS, damage, draw_units, draw_weights, fill, mask_hash, unit_weights
from workbench.numerics.proportions import wilson
from workbench.numerics.symmetry import permute
from workbench.policies import PolicySpec, flatten, forward, initial, layers
from workbench.repairing import mask_file, read_mask, write_mask

SPEC = PolicySpec.cartpole(6)
SPECS = [SPEC, PolicySpec((3, 4, 5, 2), "tanh"), PolicySpec((4, 3, 2), bias=False)]
ONE = initial(SPEC, 1, 4)[0]


@given(st.floats(0, 1), st.integers(1, 300), st.integers(0, 99))
def test_a_share_of_weights_is_drawn(level, p, seed):
    mask = draw_weights(p, level, np.random.default_rng(seed))
    assert mask.shape == (p,) and mask.dtype == bool
    assert abs(mask.sum() - level * p) <= 0.5 + 1e-9


@given(st.sampled_from(sorted(KINDS)), st.floats(0, 1), st.integers(0, 99))
def test_only_what_is_in_the_mask_is_damaged(kind, level, seed):
    done = damage(ONE, SPEC, kind, level, seed)
    again = damage(ONE, SPEC, kind, level, seed)
    assert np.array_equal(done.weights, again.weights) and np.array_equal(done.mask, again.mask)
    assert done.weights.dtype == np.float32
    assert np.array_equal(done.weights[~done.mask], ONE[~done.mask])
    if kind in ("missing", "units"):
        assert not done.weights[done.mask].any()
        assert done.known is done.mask
    else:
        assert done.known is None


@pytest.mark.parametrize("kind", KINDS)
def test_levels_0_and_1(kind):
    nothing, everything = (damage(ONE, SPEC, kind, level, 0) for level in (0.0, 1.0))
    assert np.array_equal(nothing.weights, ONE) and not nothing.mask.any()
    out = 2 if kind == "units" else 0  # biases of the outputs belong to no unit
    assert (~everything.mask).sum() == out
    assert (everything.weights != ONE).sum() == len(ONE) - out


def test_seeds_draw_other_damage():
    masks = {mask_hash(damage(ONE, SPEC, "missing", 0.5, seed).mask) for seed in range(20)}
    assert len(masks) == 20


def test_noise_has_the_size_asked_for():
    spec = PolicySpec.cartpole(300)
    weights = initial(spec, 1, 0)[0]
    size = np.sqrt((weights**2).mean())
    for level in (0.1, 2.0):
        off = damage(weights, spec, "noise", level, 3).weights - weights
        assert np.sqrt((off**2).mean()) == pytest.approx(level * size, rel=0.05)
    off = damage(weights, spec, "corrupted", 1.0, 3).weights
    assert np.sqrt((off**2).mean()) == pytest.approx(size, rel=0.05)
    assert abs(np.corrcoef(off, weights)[0, 1]) < 0.1


@pytest.mark.parametrize("spec", SPECS)
def test_a_unit_is_all_its_weights(spec):
    units, at = unit_weights(spec), 0
    assert len(units) == sum(spec.sizes[1:-1])
    weights, states = initial(spec, 1, 2), np.random.default_rng(1).standard_normal((20, spec.sizes[0]))
    for k in range(1, len(spec.sizes) - 1):
        fewer = replace(spec, sizes=(*spec.sizes[:k], spec.sizes[k] - 1, *spec.sizes[k + 1 :]))
        for unit in range(spec.sizes[k]):
            parts = [[matrix, bias] for matrix, bias in layers(weights, spec)]
            parts[k - 1] = [None if part is None else np.delete(part, unit, 1) for part in parts[k - 1]]
            parts[k][0] = np.delete(parts[k][0], unit, 2)
            gone = weights.copy()
            gone[0, units[at]] = 0
            expected = forward(flatten(parts), fewer, states)
            np.testing.assert_allclose(forward(gone, spec, states), expected, rtol=1e-5, atol=1e-6)
            assert len(units[at]) == spec.parameters - fewer.parameters
            at += 1
    mask = draw_units(spec, 0.5, np.random.default_rng(0))
    gone = [own for own in units if mask[own].all()]
    assert len(gone) >= int(0.5 * len(units) + 0.5)
    assert set(np.flatnonzero(mask)) == set(np.concatenate(gone).tolist())


def test_units_of_one_layer_lie_where_torch_has_them():
    # 4-6-2: first matrix 6 x 4, six biases, second matrix 2 x 6, two biases.
    assert unit_weights(SPEC)[2].tolist() == [8, 9, 10, 11, 26, 32, 38]


def test_masks_are_files(tmp_path):
    mask = draw_weights(212, 0.3, np.random.default_rng(2))
    for name in ("mask.npy", "mask.csv"):
        write_mask(tmp_path / name, mask)
        back = read_mask(tmp_path / name, 212)
        assert np.array_equal(back, mask) and back.dtype == bool
        assert mask_hash(back) == mask_hash(mask)
    assert (tmp_path / "mask.csv").read_text().splitlines()[:2] == ["position", str(np.flatnonzero(mask)[0])]
    (tmp_path / "row.csv").write_text("3,1\n 5 \n")
    assert np.flatnonzero(read_mask(tmp_path / "row.csv", 9)).tolist() == [1, 3, 5]
    assert mask_hash(mask) != mask_hash(~mask) and len(mask_hash(mask)) == 12
    assert mask_file("") is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npy", np.zeros(211, bool), r"a.npy: expected a mask of 212 true and false, got bool of shape \(211,\)"),
        ("a.npy", np.zeros((212, 1), bool), r"expected a mask of 212 true and false, got bool of shape \(212, 1\)"),
        ("a.npy", np.zeros(212), r"expected a mask of 212 true and false, got float64 of shape \(212,\)"),
        ("a.npy", b"nothing", "a.npy: not a mask"),
        ("a.csv", b"212\n", "a.csv: expected positions 0 to 211, got '212'"),
        ("a.csv", b"1\n-1\n", "a.csv: expected positions 0 to 211, got '-1'"),
        ("a.csv", b"where\n1\n", "a.csv: expected positions 0 to 211, got 'where'"),
        ("a.csv", b"1" * 30, "a.csv: expected positions 0 to 211, got '1111"),
        ("a.csv", b"1\n" * 100_000, "a.csv: longer than any list of positions among 212 weights"),
        ("a.csv", b"\xff\xfe\x00", "a.csv: not a mask"),
        ("b.csv", None, "b.csv: no such file"),
        ("d.npy", ..., "d.npy: cannot be read"),
    ],
)
def test_files_that_are_no_masks(name, content, message, tmp_path):
    path = tmp_path / name
    if isinstance(content, np.ndarray):
        np.save(path, content)
    elif content is ...:
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(WorkbenchError, match=message):
        read_mask(path, 212)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"kind": "rust"}, "kind: expected missing, units, corrupted, noise, got 'rust'"),
        ({"level": 1.01}, "level: expected 0 to 1 of missing, got 1.01"),
        ({"level": float("nan")}, "level: expected 0 to 1 of missing, got nan"),
        ({"kind": "noise", "level": 200.0}, "level: expected 0 to 100 of noise, got 200"),
        ({"weights": np.append(ONE[:-1], np.nan)}, "the network has weights that are not finite"),
        ({"weights": ONE[:-1]}, r"4-6-2 elu has 44 weights, got shape \(43,\)"),
        ({"mask": np.zeros(3, bool)}, r"mask: expected 44 of true and false, got bool of shape \(3,\)"),
        ({"mask": np.zeros(44)}, r"mask: expected 44 of true and false, got float64 of shape \(44,\)"),
    ],
)
def test_damage_that_cannot_be(given_, message):
    usual = {"weights": ONE, "spec": SPEC, "kind": "missing", "level": 0.5, "seed": 0}
    with pytest.raises(WorkbenchError, match=message):
        damage(**{**usual, **given_})


def test_networks_without_hidden_units_have_none_to_lose():
    flat = PolicySpec((4, 2))
    with pytest.raises(WorkbenchError, match="kind: 4-2 has no hidden units"):
        damage(initial(flat, 1, 0)[0], flat, "units", 0.5, 0)
    assert bench.damage(initial(flat, 1, 0)[0], flat, "missing", 0.5, 0).mask.sum() == 5


@given(st.floats(0, 1), st.integers(0, 50))
def test_filling_leaves_what_exists(level, seed):
    done = damage(ONE, SPEC, "missing", level, seed)
    candidates = initial(SPEC, 4, seed + 1)
    filled = fill(done.weights, done.mask, candidates)
    assert np.array_equal(filled[:, ~done.mask], np.tile(ONE[~done.mask], (4, 1)))
    assert np.array_equal(filled[:, done.mask], candidates[:, done.mask])


# Matching on what exists.


@pytest.mark.parametrize("level", [0.0, 0.3, 0.6])
def test_a_networks_own_units_are_found_again(level, rng):
    networks = np.stack([permute(ONE[None], SPEC, rng.permutation(6))[0] for _ in range(12)])
    networks = np.concatenate([networks, initial(SPEC, 30, 9)])
    done = damage(ONE, SPEC, "missing", level, 0)
    aligned = align_existing(done.weights, done.mask, networks, SPEC)
    assert np.array_equal(aligned[:12], np.tile(ONE, (12, 1)))


def test_matching_is_the_best_on_existing_weights(rng):
    networks = initial(SPEC, 20, 6)
    done = damage(ONE, SPEC, "missing", 0.4, 1)
    aligned = align_existing(done.weights, done.mask, networks, SPEC)
    own = np.array(unit_weights(SPEC))
    spread = networks[:, own].reshape(-1, own.shape[1]).std(0)
    for network, got in zip(networks, aligned, strict=True):
        gaps = (ONE[own][:, None] - network[own][None]) / spread
        costs = (gaps**2 * ~done.mask[own][:, None]).sum(2)
        rows, columns = linear_sum_assignment(costs)
        found = (((ONE[own] - got[own]) / spread) ** 2 * ~done.mask[own]).sum()
        assert found == pytest.approx(costs[rows, columns].sum(), rel=1e-5)
        states = rng.standard_normal((5, 4))
        np.testing.assert_allclose(
            forward(got[None], SPEC, states), forward(network[None], SPEC, states), rtol=1e-4, atol=1e-6
        )


def test_deeper_networks_come_back_as_they_are():
    networks = initial(SPECS[1], 3, 0)
    mask = np.zeros(SPECS[1].parameters, bool)
    assert align_existing(networks[0], mask, networks, SPECS[1]) is networks


# Conditionals.


def test_a_conditional_is_joint_over_marginal(rng):
    a = rng.standard_normal((6, 6))
    mean, covariance = rng.standard_normal(6), a @ a.T + np.eye(6)
    mask = np.array([True, False, True, False, False, True])
    values = rng.standard_normal(6)
    given_, left = condition(mean, covariance, mask, values)
    joint = stats.multivariate_normal(mean, covariance)
    marginal = stats.multivariate_normal(mean[~mask], covariance[np.ix_(~mask, ~mask)])
    for _ in range(5):
        point = values.copy()
        point[mask] = rng.standard_normal(3)
        expected = joint.logpdf(point) - marginal.logpdf(point[~mask])
        assert stats.multivariate_normal(given_, left).logpdf(point[mask]) == pytest.approx(expected)


@pytest.mark.parametrize("mask", [np.zeros(4, bool), np.ones(4, bool)])
def test_conditionals_on_all_and_on_nothing(mask, rng):
    mean, covariance = rng.standard_normal(4), np.diag([1.0, 2, 3, 4])
    given_, left = condition(mean, covariance, mask, rng.standard_normal(4))
    assert np.array_equal(given_, mean[mask])
    assert np.array_equal(left, covariance[np.ix_(mask, mask)])


def test_draws_have_their_moments(rng):
    a = rng.standard_normal((3, 3))
    mean, covariance = rng.standard_normal(3), a @ a.T
    drawn = draw(mean, covariance, 200_000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean(0), mean, atol=0.02)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.05)
    assert np.array_equal(draw(mean, np.zeros((3, 3)), 2, np.random.default_rng(0)), [mean, mean])


def test_moments_are_numpys(rng):
    points, shares = rng.standard_normal((50, 4)), rng.random(50)
    mean, covariance = moments(points, shares)
    np.testing.assert_allclose(mean, np.average(points, axis=0, weights=shares))
    np.testing.assert_allclose(covariance, np.cov(points.T, ddof=0, aweights=shares), atol=1e-5)
    _, shrunk = moments(points, shares, 0.25)
    apart = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(shrunk[apart], 0.75 * covariance[apart])
    np.testing.assert_allclose(np.diag(shrunk), np.diag(covariance))
    with pytest.raises(ValueError, match="moments of no points"):
        moments(points, np.zeros(50))


# Shares.


@pytest.mark.parametrize(("k", "n"), [(0, 10), (10, 10), (3, 7), (50, 80), (1, 1), (0, 1)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_wilsons_interval_is_scipys(k, n, confidence):
    found = wilson(k, n, confidence)
    expected = stats.binomtest(k, n).proportion_ci(confidence, "wilson")
    assert (found.value, found.low, found.high) == pytest.approx((k / n, expected.low, expected.high), abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(("k", "n", "confidence"), [(1, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_shares_of_nothing(k, n, confidence):
    with pytest.raises(ValueError, match=f"{k} successes in {n} trials"):
        wilson(k, n, confidence)
