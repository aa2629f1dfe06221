"""Walks between two agents, and many of them: every figure held against what is computed without them."""

import io
import json
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from oracles import torch_outputs, torch_policy
from rich.console import Console
from scipy import stats
from trainings import ONE

import workbench
from workbench import generators
from workbench.analyses import converge, sweep, sweeps
from workbench.analysis import Selection, plain
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.learning.scoring import yardstick
from workbench.numerics.patterns import pattern
from workbench.policies import PolicySpec, initial
from workbench.population import Population, load
from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import behaviour, rollout
from workbench.rollouts.reference_set import reference_set
from workbench.sweeping import PATHS, walk

FEW = {"points": 4, "episodes": 6}
SWEEP = sweep.Params(first=3, second=70, seed=2, **FEW)
ALPHAS = [0, 0.5, 1, 1.5]
PENDULUM, ACROBOT = PolicySpec((3, 5, 1), "tanh", env="Pendulum-v1"), PolicySpec((6, 5, 3), "tanh", env="Acrobot-v1")


@pytest.fixture(autouse=True)
def _generators(trained):
    """All sweeps find trained generators."""


@pytest.fixture(scope="module")
def swept(population_path, generators_home):
    """All frames of one sweep along every path."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(generators_home))
        return list(sweep.run(ONE, Selection(load(population_path)), replace(SWEEP, path=PATHS)))


@pytest.fixture(scope="module")
def many(population_path, generators_home):
    """All frames of a few walks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(generators_home))
        params = sweeps.Params(pairs=10, seed=4, **FEW)
        return list(sweeps.run(ONE, Selection(load(population_path)), params))


def shown(analysis, frame):
    page = io.StringIO()
    Console(file=page, width=80).print(analysis.table(frame))
    return page.getvalue()


def said(analysis, frame):
    """The table's words in one line."""
    return " ".join(shown(analysis, frame).split())


def last(analysis, population, params, rows=None):
    *_, frame = analysis.run(ONE, Selection(population, rows), params)
    return frame


# One walk.


def test_survival_comes_first_and_all_of_it(swept):
    assert [(f.done, f.total) for f in swept] == [(1, 3), (2, 3), (3, 3)]
    for frame in swept:
        assert frame.paths == PATHS
        assert frame.alphas.tolist() == ALPHAS
        assert (frame.survival == swept[-1].survival).all() and np.isfinite(frame.survival).all()
    assert [np.isnan(f.agreement).all() for f in swept] == [True, False, False]
    assert [(f.nearest == -1).all() for f in swept] == [True, True, False]
    for field in ("agreement", "lean", "convergence", "distance"):
        assert np.isfinite(getattr(swept[-1], field)).all(), field


def test_survival_is_that_of_the_networks_it_returns(swept, population):
    frame = swept[-1]
    steps = workbench.survival(frame.weights.reshape(-1, 212), population.spec, 6, 200, 2)
    assert (frame.survival.ravel() == steps.mean(1)).all()
    np.testing.assert_allclose(frame.error.ravel(), steps.std(1, ddof=1) / np.sqrt(6), rtol=1e-12)
    ends = workbench.survival(population.weights[[3, 70]], population.spec, 6, 200, 2).mean(1)
    assert (frame.originals == ends).all()
    assert (frame.survival[PATHS.index("original")][[0, 2]] == ends).all()
    assert frame.names == ("#3", "#70")
    assert frame.generator == "functional (small-functional-0.safetensors)"


def test_networks_are_those_of_the_paths(swept, population):
    generator = generators.for_population(population, "functional")
    a, b = np.array(population.weights[[3]]), np.array(population.weights[[70]])
    for path, weights in zip(PATHS, swept[-1].weights, strict=True):
        assert (weights == walk(path, a, b, np.array(ALPHAS), population.spec, ONE, generator, "all")[0]).all(), path


def test_another_generator_and_group(population):
    params = replace(SWEEP, generator="cartpolegen", group="151-200", path=("latent",))
    frame = last(sweep, population, params)
    generator = generators.for_population(population, "cartpolegen")
    ends = generator.decode(generator.encode(population.weights[[3, 70]], "151-200")[0], "151-200")
    np.testing.assert_allclose(frame.weights[0, [0, 2]], ends, rtol=1e-4, atol=1e-6)
    assert frame.generator == "cartpolegen (small-cartpolegen-0.safetensors)"
    assert not np.allclose(last(sweep, population, replace(params, group="1-50")).weights[0, 0], ends[0], rtol=1e-3)


def test_agreement_is_counted(swept, population):
    frame, spec = swept[-1], population.spec
    states = reference_set("rollouts", population, 2000, 2)
    assert (frame.states, frame.states_hash) == (states.name, states.hash)
    a, b = (torch_outputs(torch_policy(population.weights[row], spec), spec, states.states) for row in (3, 70))
    for k in range(len(PATHS)):
        for t in range(len(ALPHAS)):
            own = torch_outputs(torch_policy(frame.weights[k, t], spec), spec, states.states)
            for end, other in enumerate((a, b)):
                # Within rounding a state or two may be decided otherwise.
                counted = np.mean(own.argmax(1) == other.argmax(1))
                assert frame.agreement[k, t, end] == pytest.approx(counted, abs=0.002)
    original = frame.agreement[PATHS.index("original")]
    assert original[0, 0] == original[2, 1] == 1
    assert original[0, 1] == original[2, 0] < 1


def test_the_nearest_are_really_nearest(swept, population):
    frame = swept[-1]
    states = yardstick(population, "all", 2, ONE).states.astype(float)
    training, held_out = np.flatnonzero(~population["held_out"]), np.flatnonzero(population["held_out"])

    def vectors(weights):
        outputs = workbench.policies.forward(weights, population.spec, states).astype(float)
        d = outputs[..., 1] - outputs[..., 0]
        return d / np.sqrt((d**2).mean(1, keepdims=True))

    def away(weights):
        return np.sqrt(((vectors(weights)[:, None] - vectors(population.weights[training])) ** 2).mean(-1))

    usual = np.median(away(population.weights[held_out]).min(1))
    found = away(frame.weights.reshape(-1, 212))
    np.testing.assert_allclose(frame.distance.ravel(), found.min(1) / usual, rtol=1e-3, atol=1e-5)
    rows = frame.nearest.ravel()
    assert np.isin(rows, training).all()
    taken = found[np.arange(len(rows)), np.searchsorted(training, rows)]
    np.testing.assert_allclose(taken, found.min(1), rtol=1e-3, atol=1e-5)


def test_a_training_network_is_nearest_to_itself(population):
    a, b = np.flatnonzero(~population["held_out"])[[5, 9]].tolist()
    frame = last(sweep, population, replace(SWEEP, first=a, second=b, path=("original",)))
    assert frame.nearest[0, [0, 2]].tolist() == [a, b]
    assert frame.distance[0, [0, 2]].tolist() == [0, 0]
    assert f"#{a} 0.00" in shown(sweep, frame)


def test_convergence_is_that_of_the_analysis(swept, population):
    params = converge.Params(measure=("cd",), states="rollouts", count=2000, seed=2)
    alone = last(converge, population, params, (3, 70)).matrix("cd")
    away = sweep.distances(population, np.array([[3, 70]]), reference_set("rollouts", population, 2000, 2), ONE)
    assert (away == swept[-1].convergence).all()
    assert away.mean() == pytest.approx(alone[0, 1], rel=1e-9)
    assert away[0, 0] != away[0, 1]


def test_lean_is_measured_in_the_same_episodes(swept, population):
    frame = swept[-1]
    moved = behaviour(frame.weights.reshape(-1, 212), population.spec, Episodes(6, 200, 2), ONE)
    for k, name in enumerate(("lean_x", "lean_angle", "sharpness")):
        assert (frame.lean[..., k].ravel() == getattr(moved, name)).all()


def test_two_threads_give_the_same(swept, population):
    *_, other = sweep.run(Compute("cpu", 2), Selection(population), replace(SWEEP, path=PATHS))
    for name in ("weights", "survival", "error", "agreement", "nearest", "distance", "lean", "convergence"):
        assert (getattr(other, name) == getattr(swept[-1], name)).all(), name


def test_the_seed_is_of_episodes_and_states(swept, population):
    other = last(sweep, population, replace(SWEEP, path=("original",), seed=3))
    assert other.states_hash != swept[-1].states_hash
    assert (other.survival[0] != swept[-1].survival[PATHS.index("original")]).any()
    assert (other.weights[0] == swept[-1].weights[PATHS.index("original")]).all()


def test_everything_is_in_the_summary(swept):
    frame = swept[-1]
    found = json.loads(json.dumps(plain(sweep.summary(frame)), allow_nan=False))
    assert found["alphas"] == ALPHAS
    assert found["originals"] == frame.originals.tolist()
    assert found["convergence"] == frame.convergence.tolist()
    for k, path in enumerate(PATHS):
        told = found["paths"][path]
        assert told["survival"] == frame.survival[k].tolist()
        assert told["agreement"] == frame.agreement[k].tolist()
        assert told["nearest"] == frame.nearest[k].tolist()
        named = pattern(np.array(ALPHAS), frame.survival[k], 200, 20)
        assert (told["pattern"]["name"], told["pattern"]["beyond"]) == (named.name, named.beyond)
        assert told["pattern"]["barrier"] == named.barrier
        assert frame.pattern(path) == named or np.isnan(named.correlation)


def with_survival(frame, *rows, **changes):
    """A frame with other survival times along its first paths."""
    return replace(
        frame, paths=frame.paths[: len(rows)], survival=np.array(rows, float), error=frame.error[: len(rows)],
        **changes,
    )  # fmt: skip


def test_patterns_are_told_in_words(swept):
    frame = with_survival(swept[-1], [50, 10, 100, 150], [50, 170, 100, 60], [200, 200, 200, 200])
    text = sweep.sentence(frame)
    assert text == (
        "latent: valley (barrier 65, boost past B); tuned: hill (barrier 0, drop past B); decoded: flat (barrier 0, "
        "level past B); margin 20 steps. All of decoded reaches the cap of 200 steps."
    )
    assert text in said(sweep, frame)
    short = with_survival(swept[-1], [50, 10, 90, 150], margin=40.5)
    assert sweep.sentence(short) == "latent: flat (barrier 60, boost past B); margin 40.5 steps."
    inside = replace(frame, paths=("original",), alphas=np.array([0, 0.4, 0.8, 1]), survival=np.full((1, 4), 7.0))
    assert sweep.sentence(inside) == "original: flat (barrier 0); margin 20 steps."


def test_saturation_offers_a_higher_cap(swept):
    frame = with_survival(swept[-1], [200, 200, 200, 30], [200] * 4)
    assert sweep.sentence(frame).endswith(
        " Everything from A to B reaches the cap of 200 steps: a higher cap (500) may tell them apart."
    )


def test_the_chart_has_every_path_and_the_straight_line(swept):
    frame = swept[-1]
    panel = sweep.panel(frame)
    assert len(panel.series) == len(PATHS) + 1
    for k in range(len(PATHS)):
        assert (panel.series[k].y == frame.survival[k]).all()
    assert len({s.mark for s in panel.series}) == len(panel.series)
    straight, (a, _, b, _) = panel.series[-1].y, frame.survival[0]
    np.testing.assert_allclose(straight[:3], [a, (a + b) / 2, b])
    assert np.isnan(straight[3])
    words = " ".join(ElementTree.fromstring(sweep.svg(frame)).itertext())
    assert "From #3 to #70" in words and "latent space" in words and "straight line" in words


@pytest.mark.parametrize("frame", [0, 1, 2])
def test_its_networks_are_a_population(swept, population, tmp_path, frame):
    frame = swept[frame]
    made = sweep.networks(frame).save(tmp_path / "walk.safetensors")
    made.verify()
    assert made.spec == population.spec
    assert (made.weights.reshape(6, 4, 212) == frame.weights).all()
    assert (made["survival"].reshape(6, 4) == frame.survival).all()
    np.testing.assert_allclose(made["survival_se"].reshape(6, 4), frame.error, rtol=1e-6)
    assert made["recipe"].reshape(6, 4)[:, 0].tolist() == [f"swept, {path}" for path in PATHS]
    assert (made["recipe"].reshape(6, 4) == made["recipe"].reshape(6, 4)[:, :1]).all()
    assert (made["alpha"].reshape(6, 4) == ALPHAS).all()
    for k, name in enumerate(("as_first", "as_second")):
        assert np.array_equal(made[name].reshape(6, 4), frame.agreement[..., k], equal_nan=True)
    assert (made["nearest"].reshape(6, 4) == frame.nearest).all()
    assert (made["fingerprint"] == workbench.population.fingerprints(made.weights)).all()
    sweep_ = made.provenance["sweep"]
    assert sweep_ == {"networks": ["#3", "#70"], "generator": frame.generator, "group": "all", "seed": 2}


def test_rows_are_those_of_the_population_whatever_is_selected(population):
    params = replace(SWEEP, path=("original",))
    whole, part = last(sweep, population, params), last(sweep, population, params, (0, 1))
    assert (whole.weights == part.weights).all()
    assert part.generator == "" and sweep.reads(Selection(population), params) == ()
    assert "functional" not in said(sweep, part)


@pytest.mark.parametrize("kind", ["functional", "cartpolegen"])
def test_far_beyond_both_agents_nothing_breaks(population, kind):
    frame = last(sweep, population, replace(SWEEP, low=-100, high=100, generator=kind))
    assert np.isfinite(frame.survival).all()
    assert {-100.0, 0.0, 1.0, 100.0} < set(frame.alphas.tolist())
    assert "nan" not in shown(sweep, frame).lower()


def test_huge_weights_are_told_or_walked(population):
    weights = np.array(population.weights)
    weights[3] *= np.float32(1e37)
    large = Population(population.spec, weights, dict(population.columns))
    frame = last(sweep, large, replace(SWEEP, path=("original", "aligned"), high=100))
    assert (frame.survival[:, :2] > 0).all()
    assert frame.nearest[0, -1] == -1, "of what is not finite nothing is near"
    assert "nan" not in shown(sweep, frame).lower()


@pytest.mark.parametrize("spec", [PENDULUM, ACROBOT])
def test_elsewhere_there_is_no_lean_and_continuous_actions_are_not_counted(spec):
    networks = Population(spec, initial(spec, 30, 1))
    params = replace(SWEEP, second=7, path=("original", "aligned"), episodes=1, cap=40)
    frame = last(sweep, networks, params)
    assert np.isnan(frame.lean).all()
    assert (frame.nearest == -1).all()
    assert np.isnan(frame.agreement).all() == (spec is PENDULUM)
    assert np.isfinite(frame.convergence).all()
    assert "nan" not in shown(sweep, frame).lower()
    assert frame.measure == "return" and "return" in shown(sweep, frame) and "steps" not in sweep.sentence(frame)
    gained = rollout(frame.weights[0], spec, Episodes(1, 40, 2)).returns.mean(1)
    assert (frame.survival[0] == gained).all()


def test_linear_policies_have_no_hidden_distance():
    spec = PolicySpec((4, 2))
    networks = Population(spec, initial(spec, 30, 1))
    frame = last(sweep, networks, replace(SWEEP, second=7, path=("original",)))
    assert np.isnan(frame.convergence).all()
    assert "hidden CD" not in said(sweep, frame) and "nan" not in shown(sweep, frame).lower()
    walks = last(sweeps, networks, sweeps.Params(pairs=3, path=("original",), **FEW))
    assert np.isnan(walks.convergence).all() and walks.survival.shape == (3, 1, 4)
    assert plain(sweeps.summary(walks))["paths"]["original"]["hills_and_distance"]["p_value"] is None
    ElementTree.fromstring(sweeps.svg(walks))


@pytest.mark.parametrize(
    "change",
    [lambda p: p.select(np.arange(19)), lambda p: Population(p.spec, p.weights), lambda p: p.select(~p["held_out"])],
    ids=["few", "without columns", "nothing held out"],
)
def test_where_nothing_can_be_held_against_it_nothing_is_near(population, change):
    frame = last(sweep, change(population), replace(SWEEP, second=9, path=("original",)))
    assert (frame.nearest == -1).all() and np.isnan(frame.distance).all()
    assert np.isfinite(frame.agreement).all()
    assert "nan" not in shown(sweep, frame).lower()


def test_held_out_copies_are_no_measure_of_distance(population):
    weights = np.array(population.weights)
    held = np.flatnonzero(population["held_out"])
    weights[held] = weights[np.flatnonzero(~population["held_out"])[: len(held)]]
    copies = Population(population.spec, weights, dict(population.columns))
    frame = last(sweep, copies, replace(SWEEP, path=("original",)))
    assert (frame.nearest >= 0).all()
    assert np.isnan(frame.distance).all()
    text = shown(sweep, frame).lower()
    assert "nan" not in text and "inf" not in text


# Which pairs.


def pairs_of(population, pairs, rows=None, seed=0):
    found, which = sweeps._pairs(Selection(population, rows), sweeps.Params(pairs=pairs, seed=seed), ONE)
    assert found.dtype == np.int64
    return found, which


def as_set(pairs):
    return {frozenset(pair) for pair in pairs.tolist()}


@pytest.mark.parametrize("pairs", [1, 10, 42, 43, 100, 170, 171, 240])
def test_there_are_as_many_pairs_as_are_asked_for(population, pairs):
    rows = tuple(range(0, 95, 5))
    found, which = pairs_of(population, pairs, rows)
    assert which == "selected networks"
    assert len(found) == len(as_set(found)) == min(pairs, 19 * 18 // 2)
    assert as_set(found) <= {frozenset(pair) for pair in combinations(rows, 2)}
    survival = population["survival"][found]
    assert (survival[:, 0] <= survival[:, 1]).all()


def test_pairs_are_of_held_out_networks_alone_where_none_are_selected(population):
    held = np.flatnonzero(population["held_out"]).tolist()
    every = {frozenset(pair) for pair in combinations(held, 2)}
    found, which = pairs_of(population, 5000)
    assert which == "held-out networks" and as_set(found) == every
    assert as_set(pairs_of(population, 7)[0]) < every


def test_pairs_of_few_that_are_selected_are_all_there_are(population):
    rows = (90, 3, 40, 41)
    found, which = pairs_of(population, 240, rows)
    assert which == "selected networks"
    assert as_set(found) == {frozenset(pair) for pair in combinations(rows, 2)}
    assert len(found) == 6
    assert len(pairs_of(population, 4, rows)[0]) == 4
    again, _ = pairs_of(population, 240, (3, 3, 90, 90))
    assert as_set(again) == {frozenset((3, 90))}


def test_the_seed_draws_pairs(population):
    for rows in (None, tuple(range(96))):
        one, same, other = (as_set(pairs_of(population, 30, rows, seed)[0]) for seed in (1, 1, 2))
        assert one == same != other
    # Every network has its turn.
    assert set(np.unique(pairs_of(population, 1000, tuple(range(96)))[0])) == set(range(96))


def test_no_pairs_of_copies(population):
    weights, survival = np.array(population.weights), np.array(population["survival"])
    weights[:90] = weights[0]
    weights[5] += np.float32(0) * weights[5]
    weights[:, 2] = np.where(np.arange(96) % 2, np.float32(-0.0), np.float32(0))
    columns = {"survival": survival, "held_out": np.ones(96, bool)}
    copies = Population(population.spec, weights, columns)
    for rows in (None, tuple(range(96))):
        found, _ = pairs_of(copies, 15, rows)
        assert as_set(found) <= {frozenset(pair) for pair in combinations([0, *range(90, 96)], 2)}
        assert len(as_set(found)) == len(found) == 15
    with pytest.raises(WorkbenchError) as told:
        pairs_of(copies, 15, (3, 4, 5))
    assert str(told.value) == ("population: all selected networks are the same network; there is no way between them")


def test_networks_that_are_not_finite_are_passed_over(population):
    weights = np.array(population.weights)
    weights[[3, 40], 7] = np.nan, np.inf
    broken = Population(population.spec, weights, dict(population.columns))
    found, _ = pairs_of(broken, 240, (3, 40, 41, 90))
    assert as_set(found) == {frozenset((41, 90))}
    with pytest.raises(WorkbenchError) as told:
        pairs_of(broken, 240, (3, 40, 41))
    assert str(told.value) == "population: 1 selected networks with finite weights; a walk needs two"


def test_too_few_held_out_networks_are_told(population):
    with pytest.raises(WorkbenchError) as told:
        pairs_of(population.select(~population["held_out"]), 240)
    assert str(told.value) == "population: 0 held-out networks with finite weights; a walk needs two"


def test_survival_that_is_not_known_is_measured(population, monkeypatch):
    lasted = workbench.survival(population.weights, population.spec).mean(1)
    column = np.array(population["survival"])
    column[::2] = np.nan
    rows, played = tuple(range(0, 96, 5)), []
    real = sweeps.performance
    monkeypatch.setattr(sweeps, "performance", lambda w, *rest: played.append(len(w)) or real(w, *rest))
    for given, measured in (({}, 20), ({"survival": column}, 10)):
        found, _ = pairs_of(Population(population.spec, population.weights, given), 240, rows)
        assert played.pop() == measured, "those of the pairs alone"
        known = np.where(np.isnan(given.get("survival", np.full(96, np.nan))), lasted, column)[found]
        assert len(found) == 190 and (known[:, 0] <= known[:, 1]).all()


# Many walks.


def test_walks_come_a_few_at_a_time(many):
    assert [f.done for f in many] == [0, 8, 10]
    assert {f.total for f in many} == {10}
    for frame in many:
        assert frame.survival.shape == (frame.done, 4, 4)
        assert frame.convergence.shape == (frame.done, 2)
        assert (frame.survival == many[-1].survival[: frame.done]).all()
        assert (frame.pairs == many[-1].pairs).all()
    assert many[-1].paths == ("latent", "decoded", "original", "aligned")


def test_each_walk_is_the_sweep_of_its_pair(many, population):
    frame = many[-1]
    generator = generators.for_population(population, "functional")
    for m in (0, 9):
        a, b = (np.array(population.weights[row : row + 1]) for row in frame.pairs[m])
        for k, path in enumerate(frame.paths):
            networks = walk(path, a, b, frame.alphas, population.spec, ONE, generator, "all")[0]
            assert (workbench.survival(networks, population.spec, 6, 200, 4).mean(1) == frame.survival[m, k]).all()
    first, second = frame.pairs[3].tolist()
    alone = last(sweep, population, sweep.Params(first=first, second=second, seed=4, **FEW))
    np.testing.assert_allclose(alone.survival, frame.survival[3], atol=1e-9)
    assert (alone.convergence == frame.convergence[3]).all()


def test_walks_are_the_same_on_two_threads(many, population):
    *_, other = sweeps.run(Compute("cpu", 2), Selection(population), sweeps.Params(pairs=10, seed=4, **FEW))
    for name in ("pairs", "survival", "convergence"):
        assert (getattr(other, name) == getattr(many[-1], name)).all(), name


@pytest.fixture
def handmade(many):
    """200 walks along two paths, of every pattern, with hidden distances that grow with hills along the first."""
    rng = np.random.default_rng(5)
    alphas = np.array([0, 0.25, 0.5, 0.75, 1, 1.25, 1.5])
    survival = rng.choice(np.arange(0, 200.25, 0.25), (200, 2, 7))
    survival[:40, 0, 1:4] = np.linspace(survival[:40, 0, 0], survival[:40, 0, 4], 5)[1:4].T
    survival[40:50, :, :5] = 200
    survival[50:70, 1] = survival[50:70, 1, :1]
    inner = survival[:, 0, 1:4].max(1) - survival[:, 0, [0, 4]].max(1)
    convergence = rng.uniform(1, 9, (200, 2)) + 3 * (inner > 20)[:, None]
    pairs = np.arange(400).reshape(200, 2)
    return replace(
        many[-1], done=200, total=200, paths=("latent", "original"), alphas=alphas, pairs=pairs, survival=survival,
        convergence=convergence,
    )  # fmt: skip


@pytest.mark.parametrize("path", ["latent", "original"])
def test_figures_are_recounted_from_the_walks(handmade, path):
    found = sweeps.figures_of(handmade, path)
    k = handmade.paths.index(path)
    rows = []
    for walked in handmade.survival[:, k]:
        a, b, inner, past = walked[0], walked[4], walked[1:4], walked[5:]
        hill, valley = (inner > max(a, b) + 20).any(), (inner < min(a, b) - 20).any()
        with np.errstate(invalid="ignore"):
            rho = stats.spearmanr(np.arange(5), walked[:5]).statistic if np.ptp(walked[:5]) else np.nan
        rows.append(
            {
                "name": "mixed" if hill and valley else "hill" if hill else "valley" if valley else
                "slope" if abs(a - b) > 20 else "flat",
                "beyond": "boost" if past.max() > b + 20 else "drop" if past.min() < b - 20 else "level",
                "hill": hill, "valley": valley, "far": abs(a - b) > 50, "room": b > a + 20 and b < 180,
                "monotone": abs(rho) >= 0.8 - 1e-12 and not hill and not valley, "gain": past.max() - b,
                "barrier": max(0, (np.linspace(a, b, 5) - walked[:5]).max()), "over": max(0, inner.max() - max(a, b)),
                "full": (walked[:5] == 200).all(),
            }
        )  # fmt: skip

    def share(name, value=True, among=rows):
        return np.mean([row[name] == value for row in among])

    assert found["pairs"] == 200
    assert found["patterns"] == pytest.approx(
        {n: share("name", n) for n in ("slope", "flat", "hill", "valley", "mixed")}
    )
    assert min(found["patterns"].values()) > 0
    assert found["beyond"] == pytest.approx({n: share("beyond", n) for n in ("boost", "drop", "level")})
    far, room = [r for r in rows if r["far"]], [r for r in rows if r["room"]]
    assert (found["apart"], found["room"]) == (len(far), len(room))
    assert found["monotone"] == pytest.approx(share("monotone", among=far)) and 0 < found["monotone"] < 1
    assert found["barrier"] == pytest.approx(np.mean([r["barrier"] for r in rows]))
    assert found["gain"] == pytest.approx(np.mean([r["gain"] for r in room]))
    assert found["gained"] == pytest.approx(np.mean([r["gain"] > 20 for r in room]))
    assert found["saturated"] == pytest.approx(share("full")) and found["saturated"] >= 0.05
    away, hill = handmade.convergence.mean(1), np.array([r["hill"] for r in rows])
    assert found["hills_and_distance"] == pytest.approx(
        {
            "hills": away[hill].mean(),
            "others": away[~hill].mean(),
            "p_value": stats.mannwhitneyu(away[hill], away[~hill]).pvalue,
            "spearman": stats.spearmanr(away, [r["over"] for r in rows]).statistic,
        }
    )
    for key, one, other in (("valleys_and_boosts", "valley", "boost"), ("hills_and_drops", "hill", "drop")):
        table = np.array(
            [[sum(r[one] == yes and (r["beyond"] == other) == so for r in rows) for so in (True, False)]
             for yes in (True, False)]
        )  # fmt: skip
        assert found[key] == pytest.approx(
            {
                "with": table[0, 0] / table[0].sum(),
                "without": table[1, 0] / table[1].sum(),
                "p_value": stats.fisher_exact(table).pvalue,
            }
        )


def test_claims_are_answered_in_words(handmade):
    latent, original = sweeps.sentences(handmade)
    f = sweeps.figures_of(handmade, "latent")
    assert latent.startswith(
        f"latent: monotone in {f['monotone']:.0%} of the {f['apart']} walks whose ends are more than 50 steps apart; "
        "hills go with large hidden CD ("
    )
    assert f"boosts follow {f['valleys_and_boosts']['with']:.0%} of valleys" in latent
    assert f"drops follow {f['hills_and_drops']['with']:.0%} of hills" in latent
    # Far from each other where there is no hill: significant, but not what the paper says.
    turned = sweeps.sentences(replace(handmade, convergence=20 - handmade.convergence))[0]
    assert "hills do not go with large hidden CD" in turned
    # Distances that have nothing to do with it.
    assert "hills do not go with large hidden CD" in original
    text = said(sweeps, handmade)
    assert latent in text and "200 of 200 pairs of held-out networks" in text


def test_what_cannot_be_told_of_few_walks_is_left_out(handmade):
    alike = replace(handmade, done=1, total=1, survival=handmade.survival[40:41], convergence=np.full((1, 2), np.nan))
    f = sweeps.figures_of(alike, "latent")
    assert f["saturated"] == 1 and f["apart"] == f["room"] == 0
    assert np.isnan([f["monotone"], f["gain"], f["gained"], *f["hills_and_distance"].values()]).all()
    assert np.isnan(f["valleys_and_boosts"]["p_value"])
    assert sweeps.sentences(alike)[0] == "latent: monotone in - of the 0 walks whose ends are more than 50 steps apart."
    assert "nan" not in shown(sweeps, alike).lower()
    ElementTree.fromstring(sweeps.svg(alike))


def test_distances_that_are_all_the_same_say_nothing(handmade):
    for value in (0.0, 3.5):  # 0 is what one hidden unit has
        frame = replace(handmade, convergence=np.full((200, 2), value))
        f = sweeps.figures_of(frame, "latent")["hills_and_distance"]
        assert f["p_value"] == 1 and np.isnan(f["spearman"])
        assert "hills do not go with" in sweeps.sentences(frame)[0]
        drawing = sweeps.svg(frame)
        ElementTree.fromstring(drawing)
        assert "nan" not in drawing.lower() and "inf" not in drawing.lower()


def test_hills_and_others_are_drawn_by_their_distance(handmade):
    words = " ".join(ElementTree.fromstring(sweeps.svg(handmade)).itertext())
    for k, path in enumerate(handmade.paths):
        walked = handmade.survival[:, k]
        hills = (walked[:, 1:4].max(1) > walked[:, [0, 4]].max(1) + 20).sum()
        assert path in words
        assert f"with a hill (n {hills})" in words and f"without (n {200 - hills})" in words


def test_every_walk_is_in_the_summary(many):
    frame = many[-1]
    found = json.loads(json.dumps(plain(sweeps.summary(frame)), allow_nan=False))
    assert found["of"] == "held-out networks"
    assert len(found["walks"]) == 10
    for m, one in enumerate(found["walks"]):
        assert one["pair"] == frame.pairs[m].tolist()
        assert one["convergence"] == frame.convergence[m].tolist()
        for k, path in enumerate(frame.paths):
            assert one["survival"][path] == frame.survival[m, k].tolist()
            assert one["pattern"][path] == pattern(frame.alphas, frame.survival[m, k], 200, 20).name
    assert found["sentences"] == sweeps.sentences(frame)
    nothing = sweeps.summary(many[0])
    assert (nothing["paths"], nothing["walks"], nothing["sentences"]) == ({}, [], [])
    ElementTree.fromstring(sweeps.svg(many[0]))


# The command line.


@pytest.fixture
def odd(population, tmp_path):
    """Networks 3 and 4 are the same, 5 is not finite."""
    weights = np.array(population.weights[:20])
    weights[4], weights[5, 0] = weights[3], np.nan
    columns = {"survival": population["survival"][:20]}
    return Population(population.spec, weights, columns).save(tmp_path / "odd.safetensors")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--first", 7, "--second", 7), "second: the same network as first (#7 and #7); different ones are needed"),
        (("--first", 3, "--second", 4), "second: the same network as first (#3 and #4); different ones are needed"),
        (("--first", 5), "first: network #5 has weights that are not finite"),
        (("--second", 5), "second: network #5 has weights that are not finite"),
        (("--second", 20), "second: odd has networks 0 to 19, got 20"),
        (("--first", -1), "first: odd has networks 0 to 19, got -1"),
    ],
)
def test_agents_that_cannot_be_walked_between_are_told(odd, arguments, message, cli):
    told = cli("sweep", odd.path, *arguments, "--path", "original", "--threads", 1)
    assert (told.code, told.out, told.err) == (2, "", f"agentemb-tui: {message}\n")


@pytest.mark.parametrize(
    "spec",
    [PolicySpec((4, 3, 3, 2)), PolicySpec((4, 2)), pytest.param(PENDULUM, marks=pytest.mark.slow)],
    ids=repr,
)
def test_networks_without_a_generator_have_the_paths_through_weights(spec, tmp_path, cli):
    path = Population(spec, initial(spec, 12, 1)).save(tmp_path / "other.safetensors").path
    for name in ("sweep", "sweeps"):
        told = cli(name, path, "--threads", 1)
        assert (told.code, told.out) == (2, "")
        assert f"other: no trained functional for {spec.label} networks in " in told.err
        assert told.err.count("\n") == 1
        given = ("--path", "original", "--episodes", 1, "--cap", 30, "--points", 2, "--threads", 1, "--json")
        told = cli(name, path, *given)
        assert told.code == 0, told.err
        assert list(json.loads(told.out)["paths"]) == ["original"]
        if len(spec.sizes) != 3:
            told = cli(name, path, "--path", "aligned", "--threads", 1)
            assert (told.code, told.out) == (2, "")
            message = f"path: units are aligned in policies of one hidden layer, not in {spec.label}"
            assert told.err == f"agentemb-tui: {message}\n"


def test_selected_networks_are_walked_between(population, cli):
    told = cli(
        "sweeps", population.path, "--where", "survival > 190", "--pairs", 5, "--path", "original", "--points", 3,
        "--episodes", 3, "--threads", 1, "--json",
    )  # fmt: skip
    assert told.code == 0, told.err
    found = json.loads(told.out)
    assert found["of"] == "selected networks"
    rows = [row for one in found["walks"] for row in one["pair"]]
    assert len(rows) == 10 and (population["survival"][rows] > 190).all()
    told = cli("sweeps", population.path, "--where", "survival > 1000", "--threads", 1)
    assert (told.code, told.out) == (2, "")
    assert told.err == "agentemb-tui: small: 0 selected networks with finite weights; a walk needs two\n"
