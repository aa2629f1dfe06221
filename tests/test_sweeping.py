"""Paths between two agents: where they begin and end, and what lies between."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from trainings import ONE

from workbench import generators
from workbench.errors import WorkbenchError
from workbench.numerics.symmetry import has_mirror, matched_distance, mirror, paired_distance, permute
from workbench.policies import Normaliser, PolicySpec, forward
from workbench.sweeping import PATHS, TOLD, USUAL, alphas_of, check_paths, needs_generator, walk

ALPHAS = np.array([-0.25, 0.0, 0.25, 0.5, 0.9, 1.0, 1.5])
BEGIN, END = 1, 5
"""Of `ALPHAS`, where A and B are."""
CARTPOLE = PolicySpec.cartpole()
DEEP, LINEAR = PolicySpec((4, 3, 3, 2)), PolicySpec((4, 2))
SHIFTED = PolicySpec((4, 3, 2), normaliser=Normaliser((0.0, 0.1, 0.0, 0.0), (1.0,) * 4))
WEIGHTS = [path for path in PATHS if not needs_generator((path,))]


@pytest.fixture
def ends(population):
    """Four pairs, B of them better."""
    order = np.argsort(population["survival"])
    return np.array(population.weights[order[[3, 20, 60, 80]]]), np.array(population.weights[order[[30, 60, 85, 90]]])


@pytest.fixture(params=["functional", "cartpolegen"])
def generator(request, trained, population):
    return generators.for_population(population, request.param)


# Alphas.


@given(st.integers(2, 60), st.integers(-300, 300), st.integers(1, 300))
def test_alphas_are_spread_evenly_and_both_agents_are_among_them(points, low, wide):
    low, high = low / 10, (low + wide) / 10
    found = alphas_of(points, low, high)
    assert (np.diff(found) > 1e-6).all(), "rising, and none twice but for rounding"
    assert {0.0, 1.0} <= set(found.tolist())
    even = np.linspace(low, high, points)
    assert (np.abs(found[:, None] - even).min(axis=0) < 1e-8).all()
    others = np.abs(even[:, None] - [0, 1]).min(axis=0) > 1e-8
    assert len(found) == points + others.sum()


def test_agents_are_not_missed_by_rounding():
    near = 0
    for step in (0.05, 0.1, 0.15, 0.3):
        for before in range(1, 20):
            for points in range(before + 2, 60):
                low, high = -before * step, (points - 1 - before) * step
                even = np.linspace(low, high, points)
                near += ((even != 0) & (np.abs(even) < 1e-12)).any() or ((even != 1) & (np.abs(even - 1) < 1e-12)).any()
                found = alphas_of(points, low, high)
                assert np.diff(found).min() > 1e-6
    assert near > 100, "which by itself rounding would do"


def test_the_papers_alphas():
    # Figure 7: 20 points from 0 to 1.5, and 1 besides.
    assert alphas_of(20, 0, 1.5).tolist() == sorted([*np.linspace(0, 1.5, 20).tolist(), 1.0])
    assert alphas_of(2, 0, 1).tolist() == [0, 1]
    assert alphas_of(3, 2, 4).tolist() == [0, 1, 2, 3, 4]
    assert len(alphas_of(1000, -100, 100)) == 1002


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((1, 0, 1), "points: expected 2 to 1000, got 1"),
        ((1001, 0, 1), "points: expected 2 to 1000, got 1001"),
        ((5, 1, 1), "alpha: expected low below high, both within ±100, got 1 to 1"),
        ((5, 1.5, 0), "alpha: expected low below high, both within ±100, got 1.5 to 0"),
        ((5, -100.5, 0), "alpha: expected low below high, both within ±100, got -100.5 to 0"),
        ((5, 0, 101), "alpha: expected low below high, both within ±100, got 0 to 101"),
        ((5, 0, np.inf), "alpha: expected low below high, both within ±100, got 0 to inf"),
        ((5, np.nan, 1), "alpha: expected low below high, both within ±100, got nan to 1"),
    ],
)
def test_alphas_out_of_range_are_told(given, message):
    with pytest.raises(WorkbenchError) as told:
        alphas_of(*given)
    assert str(told.value) == message


# Which paths.


def test_paths_are_in_one_order_and_once():
    assert check_paths((), CARTPOLE) == USUAL == ("latent", "decoded", "original", "aligned")
    assert check_paths((), DEEP) == check_paths((), LINEAR) == ("latent", "decoded", "original")
    assert check_paths(("mirrored", "latent", "mirrored"), CARTPOLE) == ("latent", "mirrored")
    assert check_paths(tuple(reversed(PATHS)), CARTPOLE) == PATHS == tuple(TOLD)
    assert check_paths(("aligned",), SHIFTED) == ("aligned",)
    assert WEIGHTS == ["original", "aligned", "mirrored"]
    assert needs_generator(("original", "tuned")) and not needs_generator(())


@pytest.mark.parametrize(
    ("path", "spec", "message"),
    [
        ("straight", CARTPOLE, f"path: expected {', '.join(PATHS)}, got 'straight'"),
        ("", CARTPOLE, f"path: expected {', '.join(PATHS)}, got ''"),
        ("aligned", DEEP, "path: units are aligned in policies of one hidden layer, not in 4-3-3-2 elu"),
        ("mirrored", LINEAR, "path: units are aligned in policies of one hidden layer, not in 4-2"),
        (
            "mirrored",
            SHIFTED,
            "path: mirror images are of Cart-Pole policies whose normaliser's means are 0, not of 4-3-2 elu in "
            "CartPole-v1",
        ),
        (
            "mirrored",
            PolicySpec((3, 5, 1), env="Pendulum-v1"),
            "path: mirror images are of Cart-Pole policies whose normaliser's means are 0, not of 3-5-1 elu in "
            "Pendulum-v1",
        ),
    ],
)
def test_paths_that_cannot_be_are_told(path, spec, message):
    with pytest.raises(WorkbenchError) as told:
        check_paths(("latent", path), spec)
    assert str(told.value) == message


# Through the weights.


@pytest.mark.parametrize("path", WEIGHTS)
def test_weights_are_mixed_linearly(path, ends):
    a, b = ends
    found = walk(path, a, b, ALPHAS, CARTPOLE, ONE)
    assert (found.shape, found.dtype) == ((4, 7, 212), np.float32)
    assert (found[:, BEGIN] == a).all()
    end = found[:, END].astype(float)
    for t, alpha in enumerate(ALPHAS):
        np.testing.assert_allclose(found[:, t], (1 - alpha) * a + alpha * end, atol=1e-5)
    # Each pair is walked by itself.
    assert (walk(path, a[2:3], b[2:3], ALPHAS[::2], CARTPOLE, ONE)[0] == found[2, ::2]).all()


def test_the_original_path_ends_at_the_very_networks(ends):
    assert (walk("original", *ends, ALPHAS, CARTPOLE, ONE)[:, END] == ends[1]).all()


def test_the_aligned_path_ends_at_the_same_policy_nearer(ends, rng):
    a, b = ends
    end = walk("aligned", a, b, ALPHAS, CARTPOLE, ONE)[:, END]
    states = rng.normal(size=(50, 4))
    np.testing.assert_allclose(forward(end, CARTPOLE, states), forward(b, CARTPOLE, states), 1e-4, 1e-4)
    assert (matched_distance(b, end, CARTPOLE, ONE) == 0).all()
    away = np.linalg.norm(a - end, axis=1)
    assert (away < np.linalg.norm(a - b, axis=1)).all()
    # Between a network and itself in another order there is no way at all.
    other = permute(a, CARTPOLE, rng.permutation(30))
    there = walk("aligned", a, other, ALPHAS, CARTPOLE, ONE)
    np.testing.assert_allclose(there, a[:, None].repeat(7, axis=1), rtol=1e-5)


def test_the_mirrored_path_ends_at_the_policy_or_its_image_whichever_is_nearer(ends, rng):
    a, b = ends
    b[0], (b[1], b[3]) = 0.9 * a[0], permute(mirror(a[[1, 3]], CARTPOLE), CARTPOLE, rng.permutation(30))
    end = walk("mirrored", a, b, ALPHAS, CARTPOLE, ONE)[:, END]
    aligned = walk("aligned", a, b, ALPHAS, CARTPOLE, ONE)[:, END]
    assert (end[[1, 3]] == a[[1, 3]]).all(), "the image of an image is the agent itself"
    rows = np.arange(4)[:, None].repeat(2, axis=1)
    nearest = paired_distance(a, b, rows, CARTPOLE, ONE, mirrored=True)
    away = np.linalg.norm(a.astype(float) - end, axis=1)
    np.testing.assert_allclose(away, nearest, rtol=1e-9)
    assert (away <= np.linalg.norm(a.astype(float) - aligned, axis=1)).all()
    states = rng.normal(size=(50, 4)).astype(np.float32)
    taken = {"b": 0, "image": 0}
    for k in range(4):
        here, as_b, as_image = (
            forward(weights[None], CARTPOLE, s)[0] for weights, s in ((end[k], states), (b[k], states), (b[k], -states))
        )
        image = not np.allclose(here, as_b, 1e-4, 1e-4)
        np.testing.assert_allclose(here, as_image[:, ::-1] if image else as_b, 1e-4, 1e-4)
        assert image != (end[k] == aligned[k]).all()
        taken["image" if image else "b"] += 1
    assert min(taken.values()) > 0, taken


def test_of_policies_that_are_their_own_image_either_end_will_do(rng):
    spec = PolicySpec((4, 6, 2), "tanh", bias=False)
    assert has_mirror(spec)
    a, b = rng.normal(size=(2, 3, spec.parameters)).astype(np.float32)
    end = walk("mirrored", a, b, ALPHAS, spec, ONE)[:, END]
    assert (np.linalg.norm(a - end, axis=1) <= matched_distance(a, b, spec, ONE) * (1 + 1e-6)).all()


@pytest.mark.parametrize("spec", [LINEAR, DEEP, PolicySpec((3, 5, 1), env="Pendulum-v1", bias=False)], ids=repr)
def test_any_networks_can_be_mixed(spec, rng):
    a, b = rng.normal(size=(2, 2, spec.parameters)).astype(np.float32)
    found = walk("original", a, b, np.array([0, 0.25, 1]), spec, ONE)
    np.testing.assert_allclose(found[:, 1], 0.75 * a + 0.25 * b, rtol=1e-5, atol=1e-6)


# Through latent space.


@pytest.mark.parametrize("group", ["all", "151-200"])
def test_the_latent_path_is_each_latent_decoded(generator, group, ends):
    a, b = ends
    found = walk("latent", a, b, ALPHAS, CARTPOLE, ONE, generator, group)
    assert (found.shape, found.dtype) == ((4, 7, 212), np.float32)
    start, end = (generator.encode(x, group)[0] for x in ends)
    for m in range(4):
        for t, alpha in enumerate(ALPHAS):
            latent = (1 - alpha) * start[m] + alpha * end[m]
            one = generator.decode(latent[None].astype(np.float32), group)[0]
            np.testing.assert_allclose(found[m, t], one, rtol=1e-4, atol=1e-5)
    assert not np.allclose(found[:, BEGIN], a, atol=1e-2), "its ends are decoded, not the agents themselves"


@pytest.mark.parametrize("group", ["all", "1-50"])
def test_the_decoded_path_is_a_line_between_the_same_ends(generator, group, ends):
    found = walk("decoded", *ends, ALPHAS, CARTPOLE, ONE, generator, group)
    a, b = (generator.decode(generator.encode(x, group)[0], group) for x in ends)
    for t, alpha in enumerate(ALPHAS):
        np.testing.assert_allclose(found[:, t], (1 - alpha) * a + alpha * b, rtol=1e-5, atol=1e-5)
    assert (found[:, BEGIN] == a).all() and (found[:, END] == b).all()
    latent = walk("latent", *ends, ALPHAS, CARTPOLE, ONE, generator, group)
    np.testing.assert_allclose(found[:, [BEGIN, END]], latent[:, [BEGIN, END]], rtol=1e-4, atol=1e-5)


class Drawn:
    """A generator whose networks are their latents, and whose predictor reads survival off a curve along the first."""

    title = "drawn"

    def __init__(self, curve):
        self.predictor = SimpleNamespace(predict=lambda weights: (curve(weights[:, 0].astype(float)), None))

    def encode(self, weights, group):
        return weights, np.ones_like(weights)

    def decode(self, latents, group):
        return latents.astype(np.float32)


A, B = np.array([[0.0, 0.0, 5.0]]), np.array([[1.0, 1.0, 5.0]])
EVEN = np.linspace(0, 1, 11)
CURVES = {
    "rising": lambda x: 200 * x**3,
    "falling": lambda x: 30 + 150 * (1 - x) ** 3,
    "with a dip": lambda x: 100 * x - 40 * np.sin(2 * np.pi * x),
    "back and forth": lambda x: 20 + 100 * x + 30 * np.sin(4 * np.pi * x),
    "beyond both": lambda x: 50 + 100 * x + 80 * np.sin(2 * np.pi * x),
}


@pytest.mark.parametrize("name", CURVES)
def test_tuned_points_survive_as_far_as_they_have_come(name):
    curve = CURVES[name]
    found = walk("tuned", A, B, EVEN, LINEAR, ONE, Drawn(curve))
    # On the same line, in the same order.
    assert (found[:, :, 1] == found[:, :, 0]).all() and (found[:, :, 2] == 5).all()
    x = found[0, :, 0].astype(float)
    assert (x[0], x[-1]) == (0, 1)
    assert (np.diff(x) >= 0).all()
    start, end = curve(np.array([0.0, 1.0]))
    wanted = start + EVEN * (end - start)
    np.testing.assert_allclose(curve(x), wanted, atol=2)
    assert np.abs(curve(EVEN) - wanted).max() > 20, "which the points spaced evenly do not"
    # Where the line passes a value more than once, the first place counts.
    grid = np.linspace(0, 1, 5001)
    along = np.sign(end - start) * (curve(grid) - start)
    first = [grid[along >= np.abs(w - start) - 1e-9][0] for w in wanted]
    np.testing.assert_allclose(x[:-1], first[:-1], atol=0.01)


def test_tuned_points_stay_where_they_are_beyond_both_agents_and_where_nothing_changes():
    far = np.array([-0.5, 0, 0.5, 1, 1.2, 1.5])
    cubed, level = (walk("tuned", A, B, far, LINEAR, ONE, Drawn(c))[0, :, 0] for c in (CURVES["rising"], np.ones_like))
    np.testing.assert_allclose(cubed, [-0.5, 0, 0.5 ** (1 / 3), 1, 1.2, 1.5], atol=1e-3)
    np.testing.assert_allclose(level, far, rtol=1e-6)
    almost = walk("tuned", A, B, far, LINEAR, ONE, Drawn(lambda x: 100 + 0.9 * x**3))[0, :, 0]
    np.testing.assert_allclose(almost, far, rtol=1e-6)


def test_each_line_is_tuned_by_itself():
    curve = CURVES["rising"]
    a, b = np.concatenate([A, B, A]), np.concatenate([B, A, B])
    found = walk("tuned", a, b, EVEN, LINEAR, ONE, Drawn(curve))
    assert (found[0] == found[2]).all()
    np.testing.assert_allclose(curve(found[1, :, 0].astype(float)), 200 * (1 - EVEN), atol=2)


def test_the_tuned_path_of_a_trained_generator_lies_on_the_latent_line(trained, population, ends, monkeypatch):
    generator = generators.for_population(population, "functional")
    one = [x[:1] for x in ends]
    fine = walk("latent", *one, np.linspace(0, 1, 401), CARTPOLE, ONE, generator, "all")[0].astype(float)
    way = fine[-1] - fine[0]

    def share(weights):
        return (weights - fine[0]) @ way / (way @ way)

    # The training is of a moment: what it predicts hardly differs, so something else is in its place.
    monkeypatch.setattr(generator.predictor, "predict", lambda w: (200 * share(w).clip(0) ** 3, None))
    found = walk("tuned", *one, ALPHAS, CARTPOLE, ONE, generator, "all")[0]
    latent = walk("latent", *one, ALPHAS, CARTPOLE, ONE, generator, "all")[0]
    assert (found[[0, BEGIN, END, 6]] == latent[[0, BEGIN, END, 6]]).all()
    inside = found[BEGIN : END + 1]
    np.testing.assert_allclose(share(inside) ** 3, ALPHAS[BEGIN : END + 1], atol=0.01)
    assert np.abs(share(latent[BEGIN : END + 1]) ** 3 - ALPHAS[BEGIN : END + 1]).max() > 0.1
    away = np.linalg.norm(fine[:, None] - inside, axis=2).min(axis=0)
    assert (away <= 0.01 * np.linalg.norm(way)).all()


def test_without_a_predictor_nothing_is_tuned(trained, population, ends):
    generator = generators.for_population(population, "cartpolegen")
    with pytest.raises(WorkbenchError) as told:
        walk("tuned", *ends, ALPHAS, CARTPOLE, ONE, generator, "all")
    assert str(told.value) == "path: tuned wants a survival predictor, and small-cartpolegen-0.safetensors has none"
