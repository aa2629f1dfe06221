"""Survival around agents: planes and slices by their geometry, pictures by the networks they show."""

import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from trainings import ONE

import workbench
from workbench import generators
from workbench.analyses import landscape
from workbench.analyses.landscape import Params
from workbench.analysis import Selection, plain
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics.landscapes import filter_normalised, plane
from workbench.numerics.symmetry import matched_distance, permute
from workbench.policies import PolicySpec, initial, layers
from workbench.population import Population

seeds = st.integers(0, 2**32 - 1)
CARTPOLE = PolicySpec.cartpole()
SPECS = [
    CARTPOLE, PolicySpec((4, 2)), PolicySpec((4, 5, 3, 2), "tanh"), PolicySpec((4, 6, 2), bias=False),
    PolicySpec((3, 5, 1), env="Pendulum-v1"),
]  # fmt: skip
SMALL = {"grid": 5, "episodes": 6}
AGENTS = {"first": 3, "second": 40, "third": 70}


@pytest.fixture(autouse=True)
def _generators(trained):
    """Landscapes in latent space find trained generators."""


def frames_of(population, params, compute=ONE):
    return landscape.run(compute, Selection(population), params)


def last(population, params, compute=ONE):
    *_, frame = frames_of(population, params, compute)
    return frame


@pytest.fixture
def shown(monkeypatch):
    """The networks that a landscape plays, without the agents: (grid, grid, p), as its picture has them."""
    real = landscape.performance

    def look(population, params):
        played = []
        monkeypatch.setattr(landscape, "performance", lambda w, *rest: played.append(np.array(w)) or real(w, *rest))
        frame = last(population, params)
        monkeypatch.setattr(landscape, "performance", real)
        agents, *rows = played
        middle = (params.grid - 1) / 2
        order = sorted(range(params.grid), key=lambda k: abs(k - middle))
        return frame, agents, np.stack([rows[order.index(k)] for k in range(params.grid)])

    return look


# Planes.


@given(seeds, st.integers(2, 40), st.sampled_from([1e-6, 1.0, 1e6]))
def test_three_points_keep_their_places_on_a_plane(seed, p, size):
    points = size * np.random.default_rng(seed).normal(size=(3, p))
    origin, directions, places = plane(points)
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-9)
    np.testing.assert_allclose(origin + places @ directions, points, atol=1e-9 * size)
    assert (origin == points[0]).all() and (places[0] == 0).all()
    assert places[1, 1] == 0 and places[1, 0] > 0 and places[2, 1] > 0
    for i, j in ((0, 1), (0, 2), (1, 2)):
        away = np.linalg.norm(points[i] - points[j])
        assert np.linalg.norm(places[i] - places[j]) == pytest.approx(away, rel=1e-9)


def test_a_right_angle_lies_as_it_is():
    origin, directions, places = plane(np.array([[1, 1, 0], [1, 4, 0], [1, 1, 2]]))
    assert origin.tolist() == [1, 1, 0]
    assert directions.tolist() == [[0, 1, 0], [0, 0, 1]]
    assert places.tolist() == [[0, 0], [3, 0], [0, 2]]


@given(seeds, st.integers(1, 40), st.sampled_from([-2.0, 0.0, 0.3, 1.0, 7.0]))
def test_points_on_one_line_are_told(seed, p, share):
    a, b = np.random.default_rng(seed).normal(size=(2, p))
    for points in ([a, b, a + share * (b - a)], [a, a, b], [a, b, b], [b, a, a], [a, a, a]):
        with pytest.raises(WorkbenchError) as told:
            plane(np.stack(points))
        assert str(told.value) == "plane: the three agents lie on one line"


def test_other_than_three_points_are_told():
    for shape in ((2, 5), (4, 5), (3,), (1, 3, 5)):
        with pytest.raises(WorkbenchError) as told:
            plane(np.zeros(shape))
        assert str(told.value) == f"plane: expected three points, got shape {shape}"


# Directions.


def of_units(vectors, spec):
    """Length of each unit's part: its incoming weights and its bias, one unit after the other."""
    found = []
    for matrix, bias in layers(np.asarray(vectors, float), spec):
        whole = matrix if bias is None else np.concatenate([matrix, bias[..., None]], axis=-1)
        found.append(np.linalg.norm(whole, axis=-1))
    return np.concatenate(found, axis=-1)


@pytest.mark.parametrize("spec", SPECS, ids=repr)
def test_each_units_part_is_as_long_as_the_units_weights(spec, rng):
    weights = rng.normal(size=spec.parameters) * rng.uniform(0.01, 100, spec.parameters)
    found = filter_normalised(weights, spec, rng, 5)
    assert found.shape == (5, spec.parameters)
    np.testing.assert_allclose(of_units(found, spec), np.tile(of_units(weights, spec), (5, 1)), rtol=1e-12)
    # Within a unit a direction is as it is drawn: neither along the weights nor the same twice.
    turned = [found @ weights / (weights @ weights), (found @ found.T / (weights @ weights))[np.triu_indices(5, 1)]]
    assert np.abs(np.concatenate(turned)).max() < 0.99
    np.testing.assert_allclose(filter_normalised(7 * weights, spec, np.random.default_rng(1)),
                               7 * filter_normalised(weights, spec, np.random.default_rng(1)))  # fmt: skip


def test_a_unit_without_weights_has_no_direction(rng):
    spec = PolicySpec((4, 3, 2))
    weights = rng.normal(size=spec.parameters)
    weights[4:8] = weights[12 + 1] = 0
    found = filter_normalised(weights, spec, rng)
    assert (of_units(found, spec)[:, 1] == 0).all() and (of_units(found, spec)[:, [0, 2, 3, 4]] > 0).all()


def test_directions_are_drawn_evenly(rng):
    spec = PolicySpec((4, 2), bias=False)
    weights = np.array([3.0, 0, 0, 0, 0, 0, 0, 0.5])
    found = filter_normalised(weights, spec, rng, 4000)
    for part, size in ((found[:, :4], 3.0), (found[:, 4:], 0.5)):
        np.testing.assert_allclose(part.mean(0), 0, atol=0.1 * size)
        np.testing.assert_allclose((part**2).mean(0), size**2 / 4, rtol=0.15)


def test_weights_of_another_spec_have_no_directions(rng):
    with pytest.raises(WorkbenchError, match="4-30-2 elu has 212 weights, these have 211"):
        filter_normalised(np.zeros(211), CARTPOLE, rng)


# Pictures: a slice around an agent.


def test_a_slice_is_the_agent_and_what_lies_around_it(population, shown):
    params = Params(first=40, span=0.5, seed=3, **SMALL)
    frame, agents, networks = shown(population, params)
    own = population.weights[40].astype(float)
    assert (agents == population.weights[[40]]).all()
    assert (networks[2, 2] == population.weights[40]).all()
    assert frame.x.tolist() == frame.y.tolist() == [-0.5, -0.25, 0, 0.25, 0.5]
    assert frame.places.tolist() == [[0, 0]]
    size = of_units(own, CARTPOLE)
    across, up = networks[2].astype(float) - own, networks[:, 2].astype(float) - own
    for k, value in enumerate(frame.x):
        np.testing.assert_allclose(of_units(across[k], CARTPOLE), abs(value) * size, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(of_units(up[k], CARTPOLE), abs(value) * size, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(networks - own, across[None] + up[:, None], atol=1e-5)
    assert abs(across[4] @ up[4]) < 0.5 * (across[4] @ across[4]), "the two directions differ"
    steps = workbench.survival(networks.reshape(-1, 212), CARTPOLE, 6, 200, 3).mean(1)
    assert (frame.survival.ravel() == steps).all()
    alone = workbench.survival(own, CARTPOLE, 6, 200, 3).mean()
    assert frame.agents.tolist() == [alone] == [frame.survival[2, 2]]


def test_the_seed_draws_directions(population, shown):
    one, same, other = (shown(population, Params(first=40, seed=seed, grid=3, episodes=2))[2] for seed in (1, 1, 2))
    assert (one == same).all()
    assert not np.allclose(one[0, 0], other[0, 0])


@pytest.mark.parametrize("kind", ["functional", "cartpolegen"])
def test_a_slice_of_latent_space_is_decoded(population, shown, kind):
    params = Params(first=40, space="latent", generator=kind, group="151-200", **SMALL)
    frame, _, networks = shown(population, params)
    generator = generators.for_population(population, kind)
    latent = generator.encode(population.weights[[40]], "151-200")[0]
    np.testing.assert_allclose(networks[2, 2], generator.decode(latent, "151-200")[0], rtol=1e-4, atol=1e-6)
    assert (frame.survival.ravel() == workbench.survival(networks.reshape(-1, 212), CARTPOLE, 6).mean(1)).all()
    assert frame.generator == f"{kind} (small-{kind}-0.safetensors)"
    assert frame.agents == workbench.survival(population.weights[40], CARTPOLE, 6).mean()


class Flat:
    """A generator whose networks are their latents times a hundred; half of them vary ten times as much."""

    NAME = title = "flat"
    SPREAD = np.repeat([1.0, 10.0], 106)

    def check_group(self, group):
        pass

    def encode(self, weights, group):
        return np.asarray(weights) / 100, None

    def decode(self, latents, group):
        return (100 * latents).astype(np.float32)

    def prior(self, count, group, random):
        return self.SPREAD * random.standard_normal((count, 212))


def test_one_in_latent_space_is_a_standard_deviation_of_the_prior(population, shown, monkeypatch):
    monkeypatch.setattr(landscape.generators, "for_population", lambda *_: Flat())
    frame, _, networks = shown(population, Params(first=40, space="latent", span=2.0, **SMALL))
    latents = networks.astype(float) / 100
    for edge in (latents[2, 4] - latents[2, 2], latents[4, 2] - latents[2, 2]):
        # At 2: by two standard deviations of each latent, on average.
        spread = edge * np.sqrt(212) / (2 * Flat.SPREAD)
        assert np.sqrt((spread**2).mean()) == pytest.approx(1, abs=0.2)
        assert np.sqrt((spread[:106] ** 2).mean()) == pytest.approx(np.sqrt((spread[106:] ** 2).mean()), rel=0.3)
    assert (frame.x == np.linspace(-2, 2, 5)).all()


# A plane through three.


def test_a_plane_shows_three_agents_with_their_units_in_order(population, shown):
    frame, agents, networks = shown(population, Params(**AGENTS, **SMALL))
    a, *others = population.weights[[3, 40, 70]].astype(float)
    assert (agents == population.weights[[3, 40, 70]]).all()
    assert frame.names == ("#3", "#40", "#70")
    away = [matched_distance(a[None], b[None], CARTPOLE, ONE)[0] for b in others]
    np.testing.assert_allclose(np.linalg.norm(frame.places[1:], axis=1), away, rtol=1e-6)
    # Half as far again beyond them on every side.
    low, high = frame.places.min(0), frame.places.max(0)
    for axis, values in enumerate((frame.x, frame.y)):
        edges = [low[axis] - (high - low)[axis] / 2, high[axis] + (high - low)[axis] / 2]
        np.testing.assert_allclose(values, np.linspace(*edges, 5), rtol=1e-12, atol=1e-12)
    # Steps across and up are at right angles, and as long as the axes say.
    across, up = networks[0, 4].astype(float) - networks[0, 0], networks[4, 0].astype(float) - networks[0, 0]
    assert np.linalg.norm(across) == pytest.approx(frame.x[4] - frame.x[0], rel=1e-5)
    assert np.linalg.norm(up) == pytest.approx(frame.y[4] - frame.y[0], rel=1e-5)
    assert abs(across @ up) < 1e-4 * np.linalg.norm(across) * np.linalg.norm(up)
    assert (frame.survival.ravel() == workbench.survival(networks.reshape(-1, 212), CARTPOLE, 6).mean(1)).all()


def spread_out(population):
    """Three networks of which the last lies over the first: at cells of a picture of five by five, all three."""
    a, b = (population.weights[row].astype(float) for row in (3, 40))
    random = np.random.default_rng(2).normal(size=212)
    along = (b - a) / np.linalg.norm(b - a)
    c = a + 0.05 * (random - (random @ along) * along)
    return Population(CARTPOLE, np.stack([a, b, c]).astype(np.float32))


@pytest.mark.parametrize("space", ["weights", "latent"])
def test_the_cell_of_an_agent_is_the_agent(population, shown, space, monkeypatch):
    networks = spread_out(population)
    monkeypatch.setattr(landscape.generators, "for_population", lambda *_: Flat())
    monkeypatch.setattr(landscape, "align", lambda a, b, *_: b)  # so that it lies where it was put
    frame, _, cells = shown(networks, Params(0, 1, 2, space, grid=5, episodes=20))
    marked = landscape.panel(frame).marked
    assert marked == [(1, 1), (1, 3), (3, 1)]
    for k, (row, column) in enumerate(marked):
        np.testing.assert_allclose(cells[row, column], networks.weights[k], rtol=1e-3, atol=1e-4)
        assert frame.survival[row, column] == pytest.approx(frame.agents[k], abs=3)


def test_in_a_fine_picture_agents_survive_as_their_cells_do(population):
    frame = last(population, Params(**AGENTS, grid=121, episodes=10))
    cells = [frame.survival[cell] for cell in landscape.panel(frame).marked]
    assert np.median(np.abs(frame.agents - cells)) < 15
    assert np.abs(frame.agents[:, None] - frame.survival.ravel()).mean() > 15, "as other cells do not"


def test_the_plane_of_latent_space_goes_through_the_latents(population, shown):
    frame, _, networks = shown(population, Params(**AGENTS, space="latent", **SMALL))
    generator = generators.for_population(population, "functional")
    latents = generator.encode(population.weights[[3, 40, 70]])[0].astype(float)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        away = np.linalg.norm(latents[i] - latents[j])
        assert np.linalg.norm(frame.places[i] - frame.places[j]) == pytest.approx(away, rel=1e-6)
    middle = latents[0] + np.linalg.lstsq(frame.places[1:], latents[1:] - latents[0], rcond=None)[0].T @ [
        frame.x[2], frame.y[2]
    ]  # fmt: skip
    np.testing.assert_allclose(networks[2, 2], generator.decode(middle[None])[0], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("spec", SPECS[1:], ids=repr)
def test_networks_of_any_kind_have_planes_and_slices(spec):
    networks = Population(spec, initial(spec, 3, 1))
    for params in (Params(grid=3, episodes=1, cap=20), Params(0, 1, 2, grid=3, episodes=1, cap=20)):
        frame = last(networks, params)
        assert frame.done == 3 and np.isfinite(frame.survival).all()
        if frame.measure == "survival":
            assert (frame.survival > 0).all() and (frame.survival <= 20).all()
        else:
            assert "mean return" in landscape.sentence(frame) and "steps" not in landscape.sentence(frame)


# Frames.


@pytest.mark.parametrize("grid", [2, 5, 6])
def test_the_picture_fills_from_the_middle(population, grid):
    known, before = [], None
    for frame in frames_of(population, Params(first=40, grid=grid, episodes=2)):
        assert frame.total == grid
        rows = np.isfinite(frame.survival).all(1)
        assert (np.isfinite(frame.survival).any(1) == rows).all(), "whole rows"
        assert rows.sum() == frame.done
        at = np.flatnonzero(rows)
        if len(at):
            assert at[-1] - at[0] + 1 == len(at), "without gaps"
            assert abs((at[0] + at[-1]) / 2 - (grid - 1) / 2) <= 0.5, "around the middle"
        if before is not None:
            had = np.isfinite(before)
            assert (frame.survival[had] == before[had]).all()
        before = frame.survival.copy()
        known.append(frame.done)
        page = io.StringIO()
        Console(file=page, width=80).print(landscape.table(frame))
        assert "nan" not in page.getvalue().lower()
        assert ("playing…" in page.getvalue()) == (frame.done == 0)
        json.dumps(plain(landscape.summary(frame)), allow_nan=False)
        ElementTree.fromstring(landscape.svg(frame))
    assert known == list(range(grid + 1))


def test_two_threads_give_the_same(population):
    for params in (Params(**AGENTS, grid=4, episodes=3), Params(first=3, space="latent", grid=4, episodes=3)):
        one, two = last(population, params), last(population, params, Compute("cpu", 2))
        for name in ("survival", "x", "y", "places", "agents"):
            assert (getattr(one, name) == getattr(two, name)).all(), name


def test_what_it_comes_to_is_counted(population):
    frame = last(population, Params(first=40, grid=4, episodes=2))
    survival = np.array([[200.0, 200, 49.5, 50], [10, 60, 200, 199.5], [70] * 4, [80] * 4])
    told = landscape.sentence(replace(frame, survival=survival))
    assert told == (
        f"19% of the picture reaches the cap of 200 steps, 12% stays below 50; mean {survival.mean():.1f}, best 200.0"
    )
    survival[2:] = np.nan
    told = landscape.sentence(replace(frame, survival=survival))
    assert told.startswith("38% of the picture reaches the cap of 200 steps, 25% stays below 50;")


def test_everything_is_in_the_summary_and_the_drawing(population):
    frame = last(population, Params(**AGENTS, **SMALL))
    found = json.loads(json.dumps(plain(landscape.summary(frame)), allow_nan=False))
    for name, field in (
        ("survival", "survival"),
        ("x", "x"),
        ("y", "y"),
        ("places", "places"),
        ("originals", "agents"),
    ):
        assert found[name] == getattr(frame, field).tolist()
    assert found["networks"] == ["#3", "#40", "#70"] and found["space"] == "weights"
    words = " ".join(ElementTree.fromstring(landscape.svg(frame)).itertext())
    assert "weights: plane through #3 #40 #70" in words and "distance in weights" in words
    alone = last(population, Params(first=3, space="latent", **SMALL))
    words = " ".join(ElementTree.fromstring(landscape.svg(alone)).itertext())
    assert "latent: around #3" in words and "first direction" in words and "second direction" in words


# What cannot be drawn.


@pytest.fixture
def odd(population):
    """Networks 3 and 4 are the same, 5 is not finite, 6 is 3 with its units in another order."""
    weights = np.array(population.weights[:20])
    weights[4], weights[5, 0] = weights[3], np.nan
    weights[6] = permute(weights[[3]], CARTPOLE, np.roll(np.arange(30), 1))[0]
    return Population(CARTPOLE, weights)


@pytest.mark.parametrize(
    ("agents", "message"),
    [
        ((1, 2, -1), "landscape: a plane goes through three agents, a slice lies around one; two were given"),
        ((1, -1, 2), "landscape: a plane goes through three agents, a slice lies around one; two were given"),
        ((-1, -1, -1), "first: population has networks 0 to 19, got -1"),
        ((20, -1, -1), "first: population has networks 0 to 19, got 20"),
        ((1, 20, 2), "second: population has networks 0 to 19, got 20"),
        ((1, 2, 20), "third: population has networks 0 to 19, got 20"),
        ((1, -2, 3), "second: population has networks 0 to 19, got -2"),
        ((5, -1, -1), "first: network #5 has weights that are not finite"),
        ((1, 2, 5), "third: network #5 has weights that are not finite"),
        ((1, 1, 2), "second: the same network as first (#1 and #1); different ones are needed"),
        ((3, 1, 4), "third: the same network as first (#3 and #4); different ones are needed"),
        ((1, 3, 4), "third: the same network as second (#3 and #4); different ones are needed"),
        ((3, 6, 8), "plane: the three agents lie on one line"),
        ((3, 8, 6), "plane: the three agents lie on one line"),
    ],
)
def test_agents_that_make_no_picture_are_told(odd, agents, message, tmp_path, cli):
    with pytest.raises(WorkbenchError) as told:
        next(frames_of(odd, Params(*agents)))
    assert str(told.value) == message
    path = odd.save(tmp_path / "population.safetensors").path
    options = [x for name, row in zip(("first", "second", "third"), agents, strict=True) for x in (f"--{name}", row)]
    said = cli("landscape", path, *options, "--threads", 1)
    assert (said.code, said.out, said.err) == (2, "", f"agentemb-tui: {message}\n")


def test_networks_on_one_line_are_told(population):
    a, b = population.weights[[3, 40]]
    networks = Population(CARTPOLE, np.stack([a, b, a + np.float32(0.5) * (b - a)]))
    spec = PolicySpec((4, 2))
    linear = Population(spec, np.array([[1.0] * 10, [2.0] * 10, [4.0] * 10], np.float32))
    with pytest.raises(WorkbenchError, match="plane: the three agents lie on one line"):
        next(frames_of(linear, Params(0, 1, 2)))
    # With their units aligned to the first's they need not be on one.
    assert last(networks, Params(0, 1, 2, grid=2, episodes=1)).done == 2


def test_where_nothing_is_trained_there_is_no_latent_space(tmp_path, cli):
    spec = PolicySpec((4, 3, 2))
    path = Population(spec, initial(spec, 5, 0)).save(tmp_path / "other.safetensors").path
    said = cli("landscape", path, "--space", "latent", "--threads", 1)
    assert (said.code, said.out) == (2, "") and said.err.count("\n") == 1
    assert "other: no trained functional for 4-3-2 elu networks in " in said.err
    assert cli("landscape", path, "--grid", 2, "--episodes", 1, "--threads", 1).code == 0


def test_only_latent_space_reads_a_generator(population, trained):
    selection = Selection(population)
    assert landscape.reads(selection, Params()) == ()
    assert landscape.reads(selection, Params(space="latent")) == (trained / "small-functional-0.safetensors",)


def test_huge_weights_are_drawn(population):
    weights = np.array(population.weights[:3]) * np.float32(1e36)
    frame = last(Population(CARTPOLE, weights), Params(span=100.0, grid=3, episodes=2))
    assert (frame.survival > 0).all()
