"""Repairs of one network: methods, controls, and what is said of them."""

import io
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from rich.console import Console
from trainings import ONE

from workbench import generators, repairing, repairs
from workbench.analyses import repair
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.learning import demonstration, missing, posterior
from workbench.learning.repair import Case, Method, Repaired, Source, nearest_survival, rejection
from workbench.numerics.damage import damage, fill, mask_hash
from workbench.policies import PolicySpec, forward, initial
from workbench.population import Population, load
from workbench.results import result_key
from workbench.rollouts import survival
from workbench.rollouts.episodes import Episodes

FEW = {"samples": 30, "keep": 5, "episodes": 8}
KNOWN = [name for name in repairs.names() if "positions" in repairs.find(name).knows]


@pytest.fixture(autouse=True)
def _generators(trained):
    """All repairs find trained generators."""


@pytest.fixture
def short(monkeypatch):
    """Fits of a moment."""
    monkeypatch.setattr(demonstration, "STEPS", 6)
    monkeypatch.setattr(posterior, "STEPS", 6)


@pytest.fixture
def source(population):
    return Source.of(population, generators.for_population(population, "functional"), ONE)


def held_out(population, k=0):
    """A held-out network that survives for some time."""
    return int(np.flatnonzero(population["held_out"] & (population["survival"] > 12))[k])


def case_for(population, row, level=0.3, kind="missing", **given):
    """The damaged network of a row, the original as it is judged, and all that may be known of it."""
    weights = np.array(population.weights[row])
    states = repairing.reference_states(population, 0)
    original = repairing.Original.of(weights, population.spec, Episodes(8), states, 5.0, ONE)
    damaged = repairing.damage_network(weights, population.spec, kind, level, 3)
    case = repairing.case_of(original, damaged, repairing.trial_episodes(original.fresh), states, 24, 30, 5, 7)
    return original, damaged, replace(case, **given)


@pytest.fixture(scope="module")
def repaired(population_path, generators_home):
    """All frames of one network repaired by everything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(generators_home))
        population = load(population_path)
        params = repair.Params(held_out(population), 0.3, seed=2, **FEW)
        return list(repair.run(ONE, Selection(population), params))


def shown(frame):
    page = io.StringIO()
    Console(file=page, width=80).print(repair.table(frame))
    return " ".join(page.getvalue().split())


# Methods.


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize(("kind", "level"), [("missing", 0.02), ("missing", 0.5), ("missing", 1.0), ("units", 0.2)])
def test_a_repair_leaves_what_exists(name, kind, level, population, source, short):
    method = repairs.find(name)
    _, damaged, case = case_for(population, held_out(population), level, kind)
    found = method.repair(case.told(method), source)
    assert found.weights.dtype == np.float32 and np.isfinite(found.weights).all()
    assert found.weights.shape == (5, 212)
    assert (found.weights[:, ~damaged.mask] == population.weights[held_out(population)][~damaged.mask]).all()
    assert len({w.tobytes() for w in found.weights}) == 5
    assert 0 < found.samples <= 30
    again = method.repair(case.told(method), source)
    assert np.array_equal(again.weights, found.weights)
    other = method.repair(replace(case, seed=8).told(method), source)
    assert not np.array_equal(other.weights, found.weights)


@pytest.mark.parametrize("name", repairs.names())
def test_methods_get_what_they_say_they_know(name, population):
    method = repairs.find(name)
    _, _, case = case_for(population, held_out(population))
    told = case.told(method)
    assert (told.mask is not None) == ("positions" in method.knows)
    assert (told.survival is not None) == ("survival" in method.knows)
    assert (told.actions is not None) == (told.states is not None) == ("actions" in method.knows)
    assert set(method.needs) <= set(method.knows)
    for need in method.needs:
        lacking = replace(case, **{"mask" if need == "positions" else need: None})
        with pytest.raises(WorkbenchError, match=f"{name}: wants the {need} of the original, which are not known here"):
            lacking.told(method)


def test_there_is_no_such_method():
    assert set(repairs.names()) == {
        "algorithm1-missing", "algorithm1-whole", "demonstration", "finetune", "gaussian", "generator", "gradient",
        "maximum-posterior",
    }  # fmt: skip
    with pytest.raises(WorkbenchError, match="method: expected algorithm1-missing, .*, got 'algorithm1_missing'"):
        repairs.find("algorithm1_missing")


@pytest.mark.parametrize("name", ["algorithm1-missing", "algorithm1-whole"])
@pytest.mark.parametrize("reading", ["filled", "candidate"])
@pytest.mark.parametrize("epsilon", [1e-9, 5.0, 150.0])
def test_algorithm_1_is_as_printed(name, reading, epsilon, population, source):
    row = held_out(population)
    _, damaged, case = case_for(population, row, reading=reading, epsilon=epsilon)
    method = repairs.find(name)
    found = method.repair(case.told(method), source)
    # Line by line, as the paper has it.
    candidates = generators.for_population(population, "functional").sample(30, seed=7).weights
    w = damaged.weights.astype(float)
    existing = [i for i in range(212) if not damaged.mask[i]]
    sums = [sum((w[i] - c[i]) ** 2 for i in (existing if name.endswith("missing") else range(212))) for c in candidates]
    best = [candidates[k] for k in np.argsort(sums)[:5]]
    if reading == "filled":
        best = [np.where(damaged.mask, c, damaged.weights) for c in best]
    lasts = survival(np.array(best), population.spec, 8, seed=case.trial.seed).mean(1)
    wanted = survival(population.weights[row], population.spec, 8, seed=case.trial.seed).mean()
    assert case.survival == wanted
    success = next((k for k in range(5) if abs(lasts[k] - wanted) < epsilon), None)
    first = int(np.argmin(abs(lasts - wanted))) if success is None else success
    assert np.array_equal(found.weights[0], best[first])
    assert {c.tobytes() for c in found.weights} == {c.astype(np.float32).tobytes() for c in best}
    assert (found.samples, found.episodes) == (30, 8 * (5 if success is None else success + 1))


def test_when_nothing_is_left_the_criteria_say_little(population, source):
    _, damaged, case = case_for(population, held_out(population), 1.0, epsilon=1e-9)
    drawn = source.sample(30, 7)
    by = {name: repairs.find(name).repair(case, source).weights for name in ("algorithm1-missing", "algorithm1-whole")}
    assert {w.tobytes() for w in by["algorithm1-missing"]} == {w.tobytes() for w in drawn[:5]}, "the first drawn"
    smallest = drawn[np.argsort(np.square(drawn, dtype=float).sum(1))[:5]]
    assert {w.tobytes() for w in by["algorithm1-whole"]} == {w.tobytes() for w in smallest}
    assert damaged.mask.all()


def planted(n, seed):
    """A population whose weights are Gaussian, with the outputs of each unit nearly told by its inputs."""
    spec = PolicySpec.cartpole(3)
    random = np.random.default_rng(seed)
    tokens = random.standard_normal((n, 3, 7)) + 100 * np.arange(3)[None, :, None]  # told apart: in order already
    mixing = random.standard_normal((5, 2))
    tokens[:, :, 5:] = tokens[:, :, :5] @ mixing + 0.01 * random.standard_normal((n, 3, 2))
    bias = tokens[:, :, 0].sum(1)[:, None] * [1.0, -1.0] + 0.01 * random.standard_normal((n, 2))
    from workbench.numerics.symmetry import from_units

    return spec, from_units(tokens, bias, spec), mixing


class Judge:
    """Stands for a survival predictor: the first weight."""

    def predict(self, weights):
        return weights[:, 0].astype(float), np.zeros(len(weights))


class Sampler:
    """Stands for a generator."""

    predictor = Judge()

    def sample(self, count, group, seed, training=None):
        from workbench.learning.contract import Samples

        weights = initial(PolicySpec.cartpole(3), count, seed)
        return Samples(weights[:, :2], weights if training is None else training[:count])


def test_the_gaussian_is_exact_where_weights_are_gaussian(monkeypatch):
    monkeypatch.setattr(missing, "SHRINKAGE", 0.0)
    monkeypatch.setattr(missing, "has_mirror", lambda spec: False)
    spec, weights, _ = planted(4000, 0)
    source = Source(spec, weights[1:].astype(np.float32), np.full(3999, 50.0), Sampler(), ONE)
    whole = weights[0].astype(np.float32)
    done = damage(whole, spec, "missing", 0.0, 0)
    mask = done.mask.copy()
    outputs = np.arange(spec.parameters) >= 15
    mask[outputs] = True  # the whole output layer is gone, and linear in what exists
    damaged = np.where(mask, 0, whole).astype(np.float32)
    case = Case(damaged, mask, None, None, None, Episodes(2), 50, 50)
    found = repairs.find("gaussian").repair(case, source)
    off = found.weights[:, mask] - whole[mask]
    spread = weights[:, mask].std(0)
    # Rounding of weights near 300 in float32 apart, what the noise of .01 leaves open.
    assert np.abs(off.mean(0)).max() < 0.05 < 0.5 * spread.min()
    assert np.abs(off).max() < 0.15


def test_survival_decides_which_draws_are_kept(population, source):
    _, _, case = case_for(population, held_out(population))
    for name in ("gaussian", "generator"):
        method = repairs.find(name)
        every = method.repair(replace(case, keep=30), source).weights
        judged = source.predictor.predict(every)[0]
        assert (np.diff(np.abs(judged - case.survival)) >= 0).all()
        assert np.array_equal(method.repair(case, source).weights, every[:5])
        blind = method.repair(replace(case, survival=None, keep=30), source)
        assert blind.weights.shape == (30, 212)


def test_without_a_predictor_the_simulator_judges(population):
    generator = generators.for_population(population, "cartpolegen")
    source = Source.of(population, generator, ONE)
    assert source.predictor is None
    _, _, case = case_for(population, held_out(population))
    found = repairs.find("gaussian").repair(case, source)
    assert found.episodes == 30 * 8
    lasted = survival(found.weights, population.spec, 8, seed=case.trial.seed).mean(1)
    assert (np.diff(np.abs(lasted - case.survival)) >= 0).all()


def test_the_nearest_in_survival():
    assert nearest_survival(np.array([5.0, 1, 3, 9]), 4.0, 3).tolist() == [0, 2, 1]
    assert nearest_survival(np.array([5.0, 1, 3, 9]), None, 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize("level", [0.1, 0.5])
def test_a_demonstration_is_followed(level, population, source):
    original, damaged, case = case_for(population, held_out(population), level)
    case = replace(case, samples=60, states=original.states[:200], actions=original.actions[:200])
    found = repairs.find("demonstration").repair(case, source).weights
    blind = repairs.find("gaussian").repair(case, source).weights
    done, drawn, gone = (
        (repairing.actions_of(w, population.spec, case.states) == case.actions).mean(1)
        for w in (found, blind, damaged.weights[None])
    )
    assert done.min() > 0.9 > gone[0] and done[0] > drawn.max()
    # And where it was not shown.
    assert original.judge(found[:1], damaged.mask).actions[0] > original.judge(blind, damaged.mask).actions.max()
    # Other actions make another network.
    other = repairs.find("demonstration").repair(replace(case, actions=1 - case.actions), source).weights
    assert (repairing.actions_of(other[:1], population.spec, case.states) != case.actions).mean() > 0.6


def test_no_held_out_network_is_learned_from(population):
    generator = generators.for_population(population, "functional")
    held = np.asarray(population["held_out"])
    source = Source.of(population, generator, ONE)
    assert np.array_equal(source.weights, population.weights[~held])
    assert np.array_equal(source.survival, population["survival"][~held])
    k = int(np.flatnonzero(~held)[4])
    without = Source.of(population, generator, ONE, without=population.weights[k])
    assert len(without.weights) == len(source.weights) - 1
    assert not (without.weights == population.weights[k]).all(1).any()
    spoilt = np.array(population.weights)
    spoilt[k, 3] = np.nan
    bad = Population(population.spec, spoilt, {"held_out": held, "survival": population["survival"]})
    assert np.isfinite(Source.of(bad, generator, ONE).weights).all()
    with pytest.raises(WorkbenchError, match="source: expected prior or posterior, got 'both'"):
        Source.of(population, generator, ONE, "both")
    few = population.select(np.flatnonzero(held))
    with pytest.raises(WorkbenchError, match="population: 0 training networks to repair with; at least 2 are needed"):
        Source.of(few, generator, ONE)


def test_posterior_samples_are_of_training_networks():
    spec, weights, _ = planted(9, 1)
    source = Source(spec, weights.astype(np.float32), np.zeros(9), Sampler(), ONE, "posterior")
    assert np.array_equal(source.sample(4, 0), source.weights[:4])


# A trial.


def test_two_kinds_of_success_are_told_apart():
    off, actions, own = np.array([4.9, 5, 0, 0]), np.array([0.95, 1, 0.94, 0.96]), np.array([0.94, 1, 1, 0.95])
    won = repairing.successes(off, actions, own, 5.0).astype(int)
    assert repairing.SUCCESSES == ("survival", "actions", "own actions", "joint", "joint own")
    assert won.tolist() == [[1, 1, 0, 1, 0], [0, 1, 1, 0, 0], [1, 0, 1, 0, 1], [1, 1, 1, 1, 1]]


def test_a_network_is_judged_in_episodes_of_its_own(population):
    row = held_out(population)
    original, damaged, case = case_for(population, row)
    other = population.weights[:4]
    verdicts = original.judge(other, damaged.mask)
    lasted = survival(other, population.spec, 8).mean(1)
    assert np.array_equal(verdicts.survival, lasted)
    own = survival(population.weights[row], population.spec, 8).mean()
    assert original.survival == own and np.array_equal(verdicts.off, abs(lasted - own))
    outputs = forward(population.weights[[row, 0, 1, 2, 3]], population.spec, original.states)
    right = outputs[:, :, 1] > outputs[:, :, 0]
    assert np.array_equal(verdicts.actions, (right[1:] == right[0]).mean(1))
    outputs = forward(population.weights[[row, 0, 1, 2, 3]], population.spec, original.own)
    right = outputs[:, :, 1] > outputs[:, :, 0]
    assert np.array_equal(verdicts.own, (right[1:] == right[0]).mean(1))
    gap = other[:, damaged.mask].astype(float) - population.weights[row][damaged.mask]
    np.testing.assert_allclose(verdicts.moved, np.sqrt((gap**2).mean(1)))
    assert case.trial.seed != original.fresh.seed, "no choice has seen them"
    assert not set(case.trial.seeds) & set(original.fresh.seeds)
    seen = {state.tobytes() for state in original.own}
    assert not seen & {state.tobytes() for state in case.states[:12]}, "of other episodes"
    assert {s.tobytes() for s in case.states[12:]} <= {s.tobytes() for s in original.states}, "the pool given"
    pool = {state.tobytes() for state in repairing.shown_states(population, 0)}
    assert not pool & {state.tobytes() for state in original.states}, "never those it is scored on"
    outputs = forward(population.weights[[row]], population.spec, case.states)[0]
    assert np.array_equal(case.actions, outputs[:, 1] > outputs[:, 0])
    assert len(case.states) == 24


def test_controls_are_what_they_are_called(population, source):
    row = held_out(population)
    original, damaged, case = case_for(population, row)
    rows = {r.name: r for r in repairing.trial(original, damaged, case, source, [])}
    assert tuple(rows) == repairing.CONTROLS == repairing.row_names([], "missing")
    assert all(r.control for r in rows.values())
    untouched, gone = rows["undamaged"].verdicts, rows["damaged"].verdicts
    assert (untouched.off[0], untouched.actions[0], untouched.own[0], untouched.moved[0]) == (0, 1, 1, 0)
    assert untouched.successes.all()
    size = np.sqrt((population.weights[row][damaged.mask].astype(float) ** 2).mean())
    assert gone.moved[0] == pytest.approx(size)
    drawn = source.sample(30, 7)[:5]
    for name, expected in (("", fill(damaged.weights, damaged.mask, drawn)), (", candidate", drawn)):
        found = rows["random candidates" + name].repaired
        assert {w.tobytes() for w in found.weights} == {w.tobytes() for w in expected}
        assert (found.samples, found.episodes % 8) == (5, 0)
    mean = population.weights[~population["held_out"]].mean(0, dtype=float)
    found = rows["mean network"].repaired.weights
    np.testing.assert_allclose(found[0, damaged.mask], mean[damaged.mask], rtol=1e-5, atol=1e-7)
    near = rows["nearest network"].repaired.weights
    for w in (*found, *near):
        assert np.array_equal(w[~damaged.mask], damaged.weights[~damaged.mask])
    equal = rows["equal survival"].repaired.weights
    training = [int(np.flatnonzero((source.weights == w).all(1))[0]) for w in equal]
    gaps = np.sort(np.abs(source.survival - case.survival))
    assert np.sort(np.abs(source.survival[training] - case.survival)).tolist() == gaps[:5].tolist()
    assert rows["equal survival"].knows == "survival" and rows["undamaged"].knows == "everything"


def test_the_nearest_training_network_is_found(population, source):
    # A training network in disguise: its units in another order, little of it gone.
    from workbench.numerics.symmetry import permute

    row = int(np.flatnonzero(~population["held_out"])[7])
    weights = permute(population.weights[[row]], population.spec, np.random.default_rng(0).permutation(30))[0]
    states = repairing.reference_states(population, 0)
    original = repairing.Original.of(weights, population.spec, Episodes(8), states, 5.0, ONE)
    damaged = repairing.damage_network(weights, population.spec, "missing", 0.2, 3)
    case = repairing.case_of(original, damaged, repairing.trial_episodes(original.fresh), states, 24, 30, 5, 7)
    rows = {r.name: r for r in repairing.trial(original, damaged, case, source, [])}
    assert np.array_equal(rows["nearest network"].repaired.weights[0], weights)
    told = repairing.Memory(population, 0, ONE)
    assert told.memorised(weights[None])
    assert not told.memorised(damaged.weights[None])


def test_controls_without_positions_put_whole_networks_in_place(population, source):
    original, damaged, case = case_for(population, held_out(population), 0.3, "corrupted")
    assert case.mask is None
    methods = repairing.chosen_methods(("algorithm1-whole",), "corrupted")
    rows = {r.name: r for r in repairing.trial(original, damaged, case, source, methods)}
    assert tuple(rows) == repairing.row_names(methods, "corrupted")
    assert "random candidates" not in rows and "algorithm1-whole, candidate" in rows
    assert rows["algorithm1-whole, candidate"].knows == "survival"
    drawn = {w.tobytes() for w in source.sample(30, 7)}
    assert {w.tobytes() for w in rows["algorithm1-whole, candidate"].repaired.weights} <= drawn
    np.testing.assert_allclose(rows["mean network"].repaired.weights[0], source.weights.mean(0), atol=1e-6)


# The analysis.


def test_rows_come_one_by_one(repaired, population):
    assert [f.done for f in repaired] == list(range(repaired[-1].total + 1))
    for before, after in pairwise(repaired):
        assert after.names[:-1] == before.names
        assert np.array_equal(after.off[:-1], before.off, equal_nan=True)
    last = repaired[-1]
    assert last.names == repairing.row_names([repairs.find(n) for n in repairs.names()], "missing")
    assert last.control.tolist() == [name in repairing.CONTROLS for name in last.names]
    assert last.held_out and last.mask.sum() == 64
    many = [n for n in last.names if n not in ("undamaged", "damaged", "mean network")]
    assert all((np.isnan(last.off[r]).sum() == (0 if name in many else 4)) for r, name in enumerate(last.names))


def test_its_figures_are_measured(repaired, population):
    last = repaired[-1]
    lasted = survival(last.weights, population.spec, 8, seed=2).mean(1)
    own = survival(population.weights[last.network], population.spec, 8, seed=2).mean()
    assert last.survival == own
    for r in np.unique(last.whose):
        assert np.array_equal(last.lasted[r], lasted[last.whose == r])
        assert np.array_equal(last.off[r], abs(lasted[last.whose == r] - own))
    said = repair.summary(last)
    for r, name in enumerate(last.names):
        row, tried = said["rows"][name], ~np.isnan(last.off[r])
        assert row["one"]["survival"] == (last.off[r, 0] < 5)
        assert row["any"]["joint"] == ((last.off[r] < 5) & (last.actions[r] >= 0.95) & tried).any()
        assert row["any"]["joint own"] == ((last.off[r] < 5) & (last.own[r] >= 0.95) & tried).any()
    assert said["rows"]["equal survival"]["memorised"], "it is a training network"
    assert not said["rows"]["damaged"]["memorised"]
    assert said["mask"] == {"hash": mask_hash(last.mask), "positions": np.flatnonzero(last.mask).tolist()}


def test_what_it_says(repaired, population):
    text = shown(repaired[-1])
    assert "equal survival*" in text and "undamaged" in text and "undamaged*" not in text
    assert f"#{repaired[-1].network} survives" in text and "64 of 212 weights (30%) missing" in text
    assert "training network: whatever was trained" not in text
    assert "Nothing is left" not in text and "…" not in text
    row = int(np.flatnonzero(~population["held_out"])[0])
    few = {**FEW, "method": ("algorithm1-whole",)}
    *_, frame = repair.run(ONE, Selection(population), repair.Params(row, 1.0, **few))
    assert "It is a training network: whatever was trained has seen it" in shown(frame)
    assert "Nothing is left of it: Equation 10 is 0 for all candidates" in shown(frame)
    *_, frame = repair.run(ONE, Selection(population), repair.Params(row, 0.2, kind="noise", **few))
    assert "noise of 0.2 times the rms weight on 212 of 212 weights" in shown(frame)
    assert "No one knows which weights are damaged" in shown(frame)


def test_a_mask_takes_the_place_of_a_level(population, tmp_path, cli):
    few = ("--samples", 10, "--keep", 3, "--episodes", 4, "--method", "algorithm1-whole", "--threads", 1)
    there = tmp_path / "there.csv"
    there.write_text("position\n3\n211\n70\n")
    out = tmp_path / "out.npy"
    said = cli("repair", population.path, "--network", 3, "--mask", there, "--positions", out, *few, "--json")
    assert said.code == 0, said.err
    assert '"level": 0.0141' in said.out
    assert np.flatnonzero(np.load(out)).tolist() == [3, 70, 211]
    params = repair.Params(3, mask=str(there))
    before = result_key(repair.ANALYSIS, Selection(population), params, "cpu")
    there.write_text("position\n4\n")
    assert result_key(repair.ANALYSIS, Selection(population), params, "cpu") != before
    there.write_text("position\n")
    said = cli("repair", population.path, "--mask", there, *few)
    assert said.code == 2
    assert said.err == "agentemb-tui: level: this mask damages none of 212 weights; there is nothing to repair\n"
    np.save(out, np.zeros(5, bool))
    said = cli("repair", population.path, "--mask", out, *few)
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "out.npy: expected a mask of 212 true and false, got bool of shape (5,)" in said.err


def test_networks_that_cannot_be_repaired(population, tmp_path, cli, rng):
    spoilt = np.array(population.weights)
    spoilt[0, 5] = np.nan
    bad = Population(population.spec, spoilt, {"survival": population["survival"]})
    with pytest.raises(WorkbenchError, match="network: #0 has weights that are not finite"):
        next(repair.run(ONE, Selection(bad), repair.Params()))
    shallow = PolicySpec((4, 2))
    path = Population(shallow, rng.standard_normal((40, 10)).astype(np.float32)).save(tmp_path / "s.safetensors").path
    said = cli("repair", path, "--threads", 1)
    assert said.code == 2
    assert "s: no trained functional for 4-2 networks in" in said.err
    endless = Population(PolicySpec((3, 5, 1), "tanh", env="Pendulum-v1"), rng.standard_normal((3, 26)).astype("f4"))
    with pytest.raises(WorkbenchError, match="repair: the actions of Pendulum-v1 are not discrete; none can be"):
        repairing.reference_states(endless, 0)


def test_rejection_counts_the_episodes_it_needs(population, source):
    _, _, case = case_for(population, held_out(population), reading="candidate")
    samples = source.sample(30, 7)
    played = survival(samples, population.spec, 8, seed=case.trial.seed).mean(1)
    for goal in (played[3], -1000.0):
        found = rejection(replace(case, survival=goal, epsilon=1e-6), source, samples, np.arange(30.0))
        right = np.flatnonzero(played[:5] == goal)
        assert isinstance(found, Repaired)
        assert found.episodes == 8 * (int(right[0]) + 1 if len(right) else 5)


def test_a_method_is_a_file_by_its_name():
    for name in repairs.names():
        method = repairs.find(name)
        assert isinstance(method, Method) and method.name == name and method.title
