"""What every generator promises, whatever it is: training, resuming, sampling, and its file."""

import os
import shutil
from dataclasses import asdict, replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from trainings import ONE, fit, tiny

from workbench import generators, storage
from workbench.analyses import find
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.learning import contract, loop, predictor
from workbench.learning.contract import settings_from, train
from workbench.learning.data import ALL, TrainingData, held_out_rows
from workbench.learning.loop import Optimisation
from workbench.learning.saved import load_state, save_state
from workbench.policies import PolicySpec
from workbench.population import Population, fingerprints, held_out, load

KINDS = [(name, ()) for name in generators.names()]
KINDS += [("cartpolegen", ("condition=class",)), ("cartpolegen", ("condition=none", "activation=identity"))]
FAST = {"rate": "0.05"}
"""Settings with which a validation loss soon grows, for those that have them."""


@pytest.fixture(scope="module", autouse=True)
def small_batches(generators_home):
    """So that a pass over few networks has a middle; what all tests share is trained before."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (*(import_module(f"workbench.generators.{name}") for name in generators.names()), predictor):
            if hasattr(module, "BATCH"):
                patch.setattr(module, "BATCH", 32)
        yield


@pytest.fixture(scope="module")
def networks(population_path):
    return load(population_path)


@pytest.fixture(scope="module")
def data(networks):
    return TrainingData.of(networks)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: " ".join((kind[0], *kind[1])))
def kind(request):
    name, others = request.param
    return SimpleNamespace(name=name, others=others, settings=tiny(name, *others), of=generators.find(name))


@pytest.fixture(scope="module")
def whole(kind, data, tmp_path_factory):
    """A training that nothing interrupts, each step of it, and its state on disk at each step."""
    folder = tmp_path_factory.mktemp("states")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "PAUSE", -1.0)
        steps = []
        training = train(kind.of, data, kind.settings, 0, ONE)
        for generator, state in training:  # noqa: B007  # the last is used below
            steps.append(SimpleNamespace(**{k: getattr(state, k) for k in ("done", "total", "phase", "epoch", "step")}))
            steps[-1].folder = folder / str(len(steps))
            save_state(steps[-1].folder, state)
    return SimpleNamespace(generator=generator, steps=steps, state=state)


@pytest.fixture
def made(whole):
    return whole.generator


def parameters(generator):
    return {name: value.tobytes() for name, value in generator._arrays().items()}


def random_state():
    return torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()


def test_training_comes_to_its_end_step_by_step(whole, kind):
    done = [s.done for s in whole.steps]
    assert done == sorted(done)
    assert done[0] == 0
    assert {s.total for s in whole.steps} == {done[-1]}
    assert done[-1] > 0
    assert len(set(done)) > 3, "it is told how far it is on the way"
    assert isinstance(whole.generator, kind.of)
    phases = list(dict.fromkeys(s.phase for s in whole.steps))
    assert phases == list(whole.state.log) == list(whole.state.finished)
    assert any("validation" in terms for terms in whole.generator.log.values())
    for terms in whole.generator.log.values():
        assert "loss" in terms
        assert len({len(values) for values in terms.values()}) == 1, "one number an epoch of each loss term"
        for values in terms.values():
            assert len(values) > 0
            assert np.isfinite(values).all()


def test_it_is_described(kind):
    assert kind.name == kind.of.NAME
    assert kind.of.TITLE
    assert "\n" not in kind.of.TITLE
    assert kind.of.SETTINGS.__dataclass_params__.frozen


def test_it_says_how_long_training_takes(kind):
    few, many = kind.of.seconds(10), kind.of.seconds(100_000)
    assert 0 < few <= many


def test_the_usual_generator_is_offered_where_it_can_be_of_such_networks(networks, rng):
    for usual in generators.names():
        offer = generators.offered(networks, usual)
        assert (offer.name, offer.seconds) == (usual, generators.find(usual).seconds(len(TrainingData.of(networks))))
    deep = PolicySpec((4, 8, 8, 2))
    others = Population(deep, rng.normal(size=(40, deep.parameters)).astype(np.float32))
    with pytest.raises(WorkbenchError):
        generators.find("functional").check_spec(deep)
    assert generators.offered(others, "functional").name == "cartpolegen"
    with pytest.raises(WorkbenchError, match="at least 10 are needed"):
        generators.offered(others.select(np.arange(5)), "functional")


def test_networks_become_latents_and_latents_networks(made, networks):
    weights = networks.weights[:30]
    for group in made.groups:
        mean, deviation = made.encode(weights, group)
        assert mean.shape == deviation.shape == (30, made.dimensions)
        assert mean.dtype == deviation.dtype == np.float32
        assert np.isfinite(mean).all()
        assert (deviation > 0).all()
        assert len(np.unique(mean.round(6), axis=0)) > 15, "networks are told apart"
        for seed in (None, 0):
            again = made.decode(mean, group, seed)
            assert again.shape == weights.shape
            assert again.dtype == np.float32
            assert np.isfinite(again).all()


def test_nothing_in_gives_nothing_out(made):
    nothing = np.zeros((0, made.spec.parameters), np.float32)
    for group in made.groups:
        assert [a.shape for a in made.encode(nothing, group)] == [(0, made.dimensions)] * 2
        for seed in (None, 3):
            assert made.decode(np.zeros((0, made.dimensions)), group, seed).shape == nothing.shape
        assert made.sample(0, group).weights.shape == nothing.shape


def test_chunks_do_not_change_what_comes_out(made, networks, monkeypatch):
    weights = networks.weights[:20]
    for group in made.groups[-2:]:
        mean, deviation = made.encode(weights, group)
        single = [made.encode(weights[k : k + 1], group) for k in range(20)]
        np.testing.assert_allclose(np.concatenate([m for m, _ in single]), mean, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(np.concatenate([d for _, d in single]), deviation, rtol=1e-5, atol=1e-5)
        decoded = made.decode(mean, group)
        apart = np.concatenate([made.decode(mean[k : k + 1], group) for k in range(20)])
        monkeypatch.setattr(contract, "CHUNK", 7)
        np.testing.assert_allclose(made.encode(weights, group)[0], mean, rtol=1e-5, atol=1e-5)
        monkeypatch.undo()
        if kind_of(made) != "class" or group != ALL:  # whose group is drawn
            np.testing.assert_allclose(apart, decoded, rtol=1e-5, atol=1e-5)


def kind_of(generator):
    return str(getattr(generator.settings, "condition", ""))


def test_what_is_encoded_is_left_alone_and_may_be_read_only(made, networks):
    weights = np.array(networks.weights[:9])
    before = weights.copy()
    weights.setflags(write=False)
    mean, _ = made.encode(weights)
    latents = mean.copy()
    mean.setflags(write=False)
    made.decode(mean, seed=1)
    assert np.array_equal(weights, before)
    assert np.array_equal(mean, latents)
    doubles = made.encode(weights.astype(float))[0]
    assert np.array_equal(doubles, mean)


def test_the_seed_alone_decides_what_is_trained(whole, kind, data):
    torch.manual_seed(1234)
    np.random.seed(99)
    before = random_state()
    again = fit(kind.name, data, *kind.others)
    assert random_state() == before, "nobody else's random numbers are used up"
    assert parameters(again) == parameters(whole.generator)
    assert again.content_hash == whole.generator.content_hash
    other = fit(kind.name, data, *kind.others, seed=1)
    assert other.content_hash != again.content_hash
    mine, theirs = again._arrays(), other._arrays()
    assert all(theirs[name].shape == value.shape for name, value in mine.items() if name[:7] == "module/")


def test_the_seed_alone_decides_what_is_sampled(made, networks):
    training = networks.weights[~networks["held_out"]]
    for group in made.groups:
        for source in (None, training[:40]):
            torch.manual_seed(1)
            before = random_state()
            first = made.sample(11, group, 5, source)
            assert random_state() == before
            torch.manual_seed(2)
            second, other = made.sample(11, group, 5, source), made.sample(11, group, 6, source)
            assert np.array_equal(first.weights, second.weights)
            assert np.array_equal(first.latents, second.latents)
            assert (first.weights != other.weights).mean() > 0.9
            assert first.latents.dtype == first.weights.dtype == np.float32
            assert first.latents.shape == (11, made.dimensions)
            assert np.array_equal(made.decode(first.latents, group, 5), first.weights)


def test_the_typical_network_of_a_latent_is_always_the_same(made):
    latents = np.random.default_rng(0).standard_normal((64, made.dimensions))
    for group in made.groups:
        torch.manual_seed(1)
        first = made.decode(latents, group)
        torch.manual_seed(2)
        assert np.array_equal(made.decode(latents, group), first)


def test_the_posterior_is_drawn_around_training_networks(made, networks):
    (one,) = np.flatnonzero(~networks["held_out"])[4:5]
    weights = np.repeat(networks.weights[[one]], 3, 0)
    mean, deviation = (part[0] for part in made.encode(weights))
    latents = made.sample(600, ALL, 0, weights).latents
    np.testing.assert_allclose((latents.mean(0) - mean) / deviation, 0, atol=5 / np.sqrt(600))
    np.testing.assert_allclose(latents.std(0) / deviation, 1, atol=5 / np.sqrt(2 * 600))
    two = networks.weights[np.flatnonzero(~networks["held_out"])[:2]]
    centres, widths = made.encode(two)
    near = (np.abs(made.sample(50, ALL, 0, two).latents[:, None] - centres) <= 6 * widths).all(2)
    assert near.any(1).all()


def test_the_prior_is_not_one_point(made):
    for group in made.groups:
        latents = made.prior(400, group, np.random.default_rng(0))
        assert latents.shape == (400, made.dimensions)
        assert latents.dtype == np.float32
        assert (latents.std(0) > 0).all()
        assert len(np.unique(latents, axis=0)) == 400


def test_it_can_be_written_and_read(made, tmp_path):
    made.save(tmp_path / "g.safetensors")
    again = generators.load(tmp_path / "g.safetensors")
    assert parameters(again) == parameters(made)
    assert again.content_hash == made.content_hash
    for name in ("spec", "settings", "groups", "seed", "log", "provenance"):
        assert getattr(again, name) == getattr(made, name), name
    assert again.path == tmp_path / "g.safetensors"
    for group in made.groups:
        a, b = again.sample(9, group, 3), made.sample(9, group, 3)
        assert np.array_equal(a.weights, b.weights)
        assert np.array_equal(a.latents, b.latents)
        assert np.array_equal(again.encode(a.weights, group)[1], made.encode(a.weights, group)[1])
    again.save(tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "g.safetensors").read_bytes()
    storage_header = storage.read_tensors(tmp_path / "g.safetensors")[1]
    assert (storage_header["kind"], storage_header["name"], storage_header["schema"]) == ("generator", made.NAME, 1)


def test_its_file_says_where_it_comes_from(made, networks, data):
    told = made.provenance
    training = ~networks["held_out"]
    assert told["population"] == {"name": "small", "hash": networks.content_hash, "training": int(training.sum())}
    expected = {"1-50": (0, 50.5), "51-100": (50.5, 100.5), "101-150": (100.5, 150.5), "151-200": (150.5, 201)}
    survival = networks["survival"][training]
    for group in made.groups:
        low, high = expected.get(group, (0, 201))
        assert told["networks"][group] == ((survival >= low) & (survival < high)).sum()
    assert told["versions"]["torch"] == torch.__version__
    assert told["seconds"] > 0
    assert (told["device"], told["threads"]) == ("cpu", 1)


def test_held_out_networks_change_nothing(whole, kind, networks, rng):
    held = networks["held_out"]
    weights = np.array(networks.weights)
    weights[held] = rng.normal(size=(held.sum(), weights.shape[1])).astype(np.float32)
    weights[np.flatnonzero(held)[0]] = np.nan
    columns = {name: networks[name] if name == "recipe" else np.array(networks[name]) for name in networks.columns}
    columns["recipe"] = networks.columns["recipe"]
    for name in ("survival", "lean_x", "sharpness"):
        columns[name][held] = 17.0
    other = Population(networks.spec, weights, columns)
    assert other.content_hash != networks.content_hash
    again = fit(kind.name, TrainingData.of(other), *kind.others)
    assert again.content_hash == whole.generator.content_hash


def test_networks_that_are_not_finite_are_left_out(kind, networks):
    rows = np.flatnonzero(~networks["held_out"])
    weights = np.array(networks.weights)
    weights[rows[3], 5], weights[rows[8], 0] = np.nan, -np.inf
    broken = TrainingData.of(replace(networks, weights=weights))
    without = TrainingData.of(networks.select(np.delete(np.arange(len(networks)), rows[[3, 8]])))
    assert len(broken) == len(without) == len(rows) - 2
    made = fit(kind.name, broken, *kind.others)
    assert parameters(made) == parameters(fit(kind.name, without, *kind.others))
    assert made.provenance["population"]["training"] == len(rows) - 2
    assert np.isfinite(made.sample(20).weights).all()


def points(steps):
    """Some steps of a training: first and last, and of each phase the beginning, the middle of a pass and the end."""
    chosen = {0, 1, len(steps) - 2}
    for phase in dict.fromkeys(s.phase for s in steps):
        own = [k for k, s in enumerate(steps) if s.phase == phase]
        within = [k for k in own if steps[k].step]
        chosen |= {own[0], own[len(own) // 2], own[-1], *within[len(within) // 2 :][:1]}
    return sorted(chosen)


def test_taken_up_again_anywhere_it_is_as_if_never_stopped(whole, kind, data):
    assert any(s.step for s in whole.steps), "some of them lie within a pass"
    picked = points(whole.steps)
    if len(picked) > 9:
        picked = [picked[k] for k in np.linspace(0, len(picked) - 1, 9).astype(int)]
    for k in picked:
        state = load_state(whole.steps[k].folder)
        assert (state.done, state.phase, state.epoch, state.step) == tuple(
            getattr(whole.steps[k], name) for name in ("done", "phase", "epoch", "step")
        )
        steps = [(s.done, g) for g, s in train(kind.of, data, kind.settings, 0, ONE, state)]
        assert steps[0][0] >= whole.steps[k].done
        assert parameters(steps[-1][1]) == parameters(whole.generator), k
        for phase, terms in whole.generator.log.items():
            for term, values in terms.items():
                np.testing.assert_allclose(steps[-1][1].log[phase][term], values, rtol=1e-4)


def test_taken_up_again_twice(whole, kind, data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "PAUSE", -1.0)
    state = None
    for _ in range(3):
        training = train(kind.of, data, kind.settings, 0, ONE, state)
        for _ in range(1 + len(whole.steps) // 5):
            _, now = next(training)
        training.close()
        save_state(tmp_path, now)
        state = load_state(tmp_path)
    *_, (again, _) = train(kind.of, data, kind.settings, 0, ONE, state)
    assert parameters(again) == parameters(whole.generator)


def test_patience_ends_a_phase_at_its_best(kind, data):
    long = {"epochs": 20, "steps": 40, "unit_steps": 30, **FAST}
    pairs = [f"{name}={value}" for name, value in long.items() if name in asdict(kind.settings)]
    found = {}
    for patience in (0, 1):
        settings = tiny(kind.name, *kind.others, *pairs, f"patience={patience}")
        *_, (generator, state) = train(kind.of, data, settings, 0, ONE)
        found[patience] = {p: terms["validation"] for p, terms in generator.log.items() if "validation" in terms}
        assert state.done == state.total
        assert not state.stop
    shorter = [p for p in found[0] if len(found[1][p]) < len(found[0][p])]
    assert shorter
    first = next(iter(found[0]))
    assert found[1][first] == pytest.approx(found[0][first][: patient_until(found[0][first], 1)])
    for phase in generator.phases(data, ONE):
        if phase.name in found[1]:
            assert phase.validate() == pytest.approx(min(found[1][phase.name]), rel=1e-4), "it ends with its best"
        if phase.name in shorter:
            assert len(found[1][phase.name]) == patient_until(found[1][phase.name], 1)


def patient_until(losses, patience):
    """Epochs after which one gives up who waits for a better loss so long."""
    for epoch in range(1, len(losses) + 1):
        if epoch - (1 + int(np.argmin(losses[:epoch]))) >= patience:
            return epoch
    return len(losses)


def test_stopped_early_it_goes_on_with_what_comes_after(whole, kind, data, monkeypatch):
    monkeypatch.setattr(loop, "PAUSE", -1.0)
    long = [pair for pair in ("epochs=6", "steps=12") if pair.split("=")[0] in asdict(kind.settings)]
    settings = tiny(kind.name, *kind.others, *long)
    first = None
    for generator, state in train(kind.of, data, settings, 0, ONE):  # noqa: B007  # the last is used below
        if first is None and state.epoch == 2 and state.step == 1:
            first = state.phase
            state.stop = True
    assert not state.stop
    assert state.done == state.total
    lengths = {phase: len(terms["loss"]) for phase, terms in generator.log.items()}
    assert list(lengths) == list(whole.generator.log)
    assert lengths.pop(first) == 3, "the pass at work is finished"
    assert all(n == 6 for n in lengths.values()) or kind.name != "cartpolegen", "no other phase is cut"
    assert all(n >= len(whole.generator.log[phase]["loss"]) for phase, n in lengths.items())
    assert np.isfinite(generator.sample(5).weights).all()


def test_stopped_in_its_first_pass_it_keeps_what_it_has_learned(whole, kind, data):
    k = next(k for k, step in enumerate(whole.steps) if step.step)
    assert whole.steps[k].epoch == 0
    state = load_state(whole.steps[k].folder)
    learned, phase = state.current["parameters"], state.phase
    assert not np.array_equal(learned, state.current["best"])
    state.stop = True
    *_, (_, state) = train(kind.of, data, kind.settings, 0, ONE, state)
    assert np.array_equal(state.finished[phase], learned)
    assert state.done == state.total


def test_a_stop_between_phases_does_not_skip_the_next(whole, kind, data):
    state = Optimisation(0, stop=True)
    *_, (again, _) = train(kind.of, data, kind.settings, 0, ONE, state)
    assert parameters(again) == parameters(whole.generator)


def test_a_loss_that_is_no_number_is_told_and_the_state_before_it_stays(kind, networks, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "PAUSE", -1.0)
    monkeypatch.setattr("workbench.learning.saved.SAVE_SECONDS", -1.0)
    calls = []
    real = kind.of.phases

    def phases(self, *rest):
        first, *others = real(self, *rest)
        loss = first.loss

        def turns_bad(*batch):
            calls.append(1)
            terms = loss(*batch)
            return {name: value * float("nan") for name, value in terms.items()} if len(calls) == 4 else terms

        first.loss = turns_bad
        return [first, *others]

    monkeypatch.setattr(kind.of, "phases", phases)
    analysis = find("train")
    pairs = tuple(f"{k}={v}" for k, v in asdict(kind.settings).items())
    out = tmp_path / "g.safetensors"
    params = analysis.Params(str(networks.path), generator=kind.name, out=str(out), set=pairs)
    with pytest.raises(WorkbenchError, match=r"became nan in epoch \d, step \d; a smaller learning rate may help"):
        list(analysis.run(ONE, None, params))
    assert not out.exists()
    state = load_state(tmp_path / "g.safetensors.training")
    assert np.isfinite(list(state.sums.values())).all()
    assert np.isfinite(state.current["parameters"]).all()
    monkeypatch.setattr(kind.of, "phases", real)
    list(analysis.run(ONE, None, replace(params, resume=True)))
    assert generators.load(out).content_hash == fit(kind.name, TrainingData.of(networks), *kind.others).content_hash


def test_a_rate_that_is_too_high_is_told(data):
    with pytest.raises(WorkbenchError, match=r"1-50: the \w+ became (nan|inf) in epoch \d+, step \d; a smaller"):
        fit("cartpolegen", data, "rate=99", "epochs=40", "activation=identity")


def test_a_training_it_does_not_fit_is_not_taken_up(kind, data):
    *_, (_, state) = train(kind.of, data, kind.settings, 0, ONE)
    phase = next(iter(state.finished))
    size = len(state.finished[phase])
    state.finished[phase] = state.finished[phase][:-1]
    with pytest.raises(WorkbenchError, match=f"a saved phase has {size - 1} parameters, this one {size}"):
        fit(kind.name, data, *kind.others, state=state)


# What is refused.


@pytest.mark.parametrize(
    ("name", "pair", "message"),
    [
        ("cartpolegen", "epoch=3", "set: cartpolegen has no setting 'epoch'; it has epochs, batch, rate"),
        ("cartpolegen", "epochs=many", "set: epochs is a int, got 'many'"),
        ("cartpolegen", "epochs", "set: epochs is a int, got ''"),
        ("cartpolegen", "epochs=1.5", "set: epochs is a int, got '1.5'"),
        ("cartpolegen", "rate=fast", "set: rate is a float, got 'fast'"),
        ("cartpolegen", "condition=both", "set: condition is one of separate, class, none, not 'both'"),
        ("cartpolegen", "activation=relu", "set: activation is elu or identity, not 'relu'"),
        ("cartpolegen", "epochs=0", "set: epochs must be 1 or more, not 0"),
        ("cartpolegen", "batch=-1", "set: batch must be 1 or more, not -1"),
        ("cartpolegen", "latents=0", "set: latents must be 1 or more, not 0"),
        ("cartpolegen", "rate=0", "set: rate must be above 0 and patience not below, not 0.0, 0"),
        ("cartpolegen", "rate=nan", "set: rate must be above 0 and patience not below, not nan, 0"),
        ("cartpolegen", "patience=-1", "set: rate must be above 0 and patience not below, not 0.001, -1"),
        ("functional", "layers=3", "set: functional has no setting 'layers'; it has latents, beta"),
        ("functional", "=3", "set: functional has no setting ''"),
        ("functional", "beta=x", "set: beta is a float, got 'x'"),
        ("functional", "hidden=0", "set: hidden must be 1 or more, not 0"),
        ("functional", "components=0", "set: components must be 1 or more, not 0"),
        ("functional", "predictor_steps=0", "set: predictor_steps must be 1 or more, not 0"),
        ("functional", "beta=-1", "set: beta must not be below 0, not -1.0"),
        ("functional", "temperature=nan", "set: temperature must not be below 0, not nan"),
        ("functional", "patience=-2", "set: patience must not be below 0, not -2"),
        ("functional", "ridge=0", "set: ridge must be above 0, not 0.0"),
        ("functional", "ridge=nan", "set: ridge must be above 0, not nan"),
    ],
)
def test_settings_that_cannot_be_are_told(name, pair, message):
    with pytest.raises(WorkbenchError) as told:
        settings_from(generators.find(name), [pair])
    assert str(told.value).startswith(message)


def test_settings_change_what_they_name_and_nothing_else():
    kind = generators.find("cartpolegen")
    found = settings_from(kind, ["epochs=3", "rate=5e-4", "condition=none", "epochs=4"])
    assert asdict(found) == {**asdict(kind.SETTINGS()), "epochs": 4, "rate": 5e-4, "condition": "none"}


def test_there_is_no_generator_of_another_name():
    assert {"cartpolegen", "functional"} <= set(generators.names())
    with pytest.raises(WorkbenchError, match="generator: expected cartpolegen, .*functional.* or a file, got 'gan'"):
        generators.find("gan")


def test_a_group_without_a_model_is_told(made, networks):
    groups = ", ".join(made.groups)
    for group in ("1-49", "", "held out"):
        message = f"has no model of group '{group}'; it has {groups}"
        for ask in (
            lambda group=group: made.encode(networks.weights[:2], group),
            lambda group=group: made.decode(np.zeros((1, made.dimensions)), group),
            lambda group=group: made.sample(2, group),
            lambda group=group: made.check_group(group),
        ):
            with pytest.raises(WorkbenchError) as told:
                ask()
            assert str(told.value).endswith(message)


def test_weights_and_latents_of_another_length_are_told(made):
    for shape in ((3, 211), (212,), (2, 3, 212)):
        with pytest.raises(WorkbenchError) as told:
            made.encode(np.zeros(shape, np.float32))
        assert str(told.value).endswith(f"is of networks with 212 weights (4-30-2 elu), got {shape}")
    k = made.dimensions
    for shape in ((3, k + 1), (k,), (1, 2, k)):
        with pytest.raises(WorkbenchError) as told:
            made.decode(np.zeros(shape, np.float32))
        assert str(told.value).endswith(f"latents have {k} numbers, got {shape}")
    with pytest.raises(WorkbenchError, match="no training network of group all to draw from"):
        made.sample(3, training=np.zeros((0, 212), np.float32))


def test_networks_of_another_spec_are_told(made):
    made.check_population(PolicySpec.cartpole(), "mine")
    made.check_population(replace(PolicySpec.cartpole().with_env(gravity=5.0), action="sampled"), "mine")
    for spec, told in (
        (PolicySpec.cartpole(8), "mine has 4-8-2 elu (58 weights)"),
        (replace(PolicySpec.cartpole(), activation="tanh"), "mine has 4-30-2 tanh (212 weights)"),
        (replace(PolicySpec.cartpole(), bias=False), "mine has 4-30-2 elu (180 weights)"),
    ):
        with pytest.raises(WorkbenchError) as raised:
            made.check_population(spec, "mine")
        assert str(raised.value).endswith(f"is of 4-30-2 elu networks (212 weights), {told}")


def subset(networks, rows, **columns):
    return networks.select(np.asarray(rows)).with_columns(**columns)


def test_too_few_networks_are_told(networks):
    training = np.flatnonzero(~networks["held_out"])
    for n in (0, 9):
        with pytest.raises(WorkbenchError, match=f"population: {n} training networks .*at least 10 are needed"):
            TrainingData.of(networks.select(training[:n]))
    assert len(TrainingData.of(networks.select(training[:10]))) == 10
    weights = np.array(networks.weights[training[:12]])
    weights[:3, 0] = np.nan
    with pytest.raises(WorkbenchError, match="population: 9 training networks"):
        TrainingData.of(Population(networks.spec, weights))


def test_groups_with_few_networks_have_no_model(networks, kind):
    survival = networks["survival"]
    rows = np.flatnonzero(~networks["held_out"])
    low, high = rows[survival[rows] < 50.5][:20], rows[survival[rows] > 150.5][:1]
    data = TrainingData.of(networks.select(np.concatenate([low, high])))
    assert data.trainable == ("1-50", ALL)
    assert [len(data.rows(g)) for g in (*data.groups.names, ALL)] == [20, 0, 0, 1, 21]
    made = fit(kind.name, data, *kind.others)
    assert made.groups == (("1-50", ALL) if kind_of(made) != "none" else (ALL,))
    with pytest.raises(WorkbenchError, match="has no model of group '51-100'"):
        made.sample(3, "51-100")
    assert np.isfinite(made.sample(10, made.groups[0]).weights).all()


def test_networks_of_unknown_survival_belong_to_all_alone(networks):
    survival = np.array(networks["survival"])
    training = np.flatnonzero(~networks["held_out"])
    survival[training[:7]] = np.nan
    data = TrainingData.of(networks.with_columns(survival=survival))
    assert sum(len(data.rows(g)) for g in data.groups.names) == len(training) - 7
    assert len(data.rows(ALL)) == len(training)
    generator = fit("cartpolegen", data, "condition=class")
    assert int(generator.shares.sum()) == len(training) - 7


def test_without_columns_networks_are_measured_and_held_out_by_hash(networks):
    bare = Population(networks.spec, networks.weights)
    data = TrainingData.of(bare, Compute("cpu", 1))
    held = held_out(fingerprints(np.asarray(networks.weights)))
    assert np.array_equal(held_out_rows(bare), held)
    assert np.array_equal(data.weights, networks.weights[~held])
    from workbench.rollouts import survival

    assert np.array_equal(data.survival, survival(networks.weights[~held], networks.spec).mean(1))


def test_validation_networks_are_training_networks_too(data, networks):
    shipped = TrainingData.of(load())
    assert shipped.validation.mean() == pytest.approx(1 / 20, abs=0.01)
    everything = {row.tobytes() for row in np.asarray(networks.weights[networks["held_out"]])}
    assert not everything & {row.tobytes() for row in data.weights}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (PolicySpec((4, 2)), "expected, got 4-2$"),
        (PolicySpec((4, 8, 8, 2)), "expected, got 4-8-8-2 elu$"),
        (PolicySpec((4, 8, 3)), "expected, got 4-8-3 elu$"),
        (PolicySpec((4, 8, 2), bias=False), "expected, got 4-8-2 elu without biases$"),
    ],
)
def test_networks_that_the_functional_generator_cannot_be_of_are_told(spec, message, rng):
    kind = generators.find("functional")
    expected = f"functional: networks with one hidden layer, biases and two outputs are {message}"
    with pytest.raises(WorkbenchError, match=expected):
        kind.check_spec(spec)
    with pytest.raises(WorkbenchError, match=message):
        kind(spec, kind.SETTINGS(), (ALL,))


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("cartpolegen", PolicySpec((4, 2))),
        ("cartpolegen", PolicySpec((4, 6, 5, 2), "tanh")),
        ("cartpolegen", PolicySpec((4, 8, 2), bias=False)),
        ("functional", PolicySpec((4, 8, 2), "tanh")),
        ("functional", PolicySpec((4, 3, 2), "relu", action="sampled")),
    ],
)
def test_networks_of_other_specs_can_be_learned(name, spec, rng, tmp_path):
    weights = rng.normal(size=(60, spec.parameters)).astype(np.float32)
    population = Population(spec, weights, {"survival": rng.uniform(5, 200, 60)})
    made = fit(name, TrainingData.of(population))
    made.save(tmp_path / "g.safetensors")
    samples = generators.load(tmp_path / "g.safetensors").sample(7, seed=2)
    assert samples.weights.shape == (7, spec.parameters)
    assert np.isfinite(samples.weights).all()


# Files.


@pytest.fixture(scope="module")
def file(whole, tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "g.safetensors"
    whole.generator.save(path)
    return path


def test_a_cut_file_is_told(file, tmp_path):
    data = file.read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    path = tmp_path / "cut.safetensors"
    for end in (0, 1, 7, 8, 9, header // 2, header - 1, header, header + 1, (header + len(data)) // 2, len(data) - 1):
        path.write_bytes(data[:end])
        with pytest.raises(WorkbenchError, match=r"cut.safetensors: (not a safetensors file, cut or dam|cannot be)"):
            generators.load(path)
    path.write_bytes(data)
    generators.load(path)


def test_a_flipped_byte_is_told_or_changes_nothing(file, whole, tmp_path, rng):
    data = file.read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    expected = parameters(whole.generator)
    path = tmp_path / "flipped.safetensors"
    told = []
    places = [*rng.integers(0, header, 50), *rng.integers(header, len(data), 15)]
    for k, at in enumerate(places):
        broken = bytearray(data)
        broken[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        try:
            found = generators.load(path)
        except WorkbenchError as error:
            told.append(str(error))
            continue
        assert parameters(found) == expected, f"byte {at}"
        assert k < 50, "a byte of its arrays"
    assert len(told) > 20
    assert all(str(path) in message for message in told)


@pytest.fixture(scope="module")
def others_of_a_kind(data, tmp_path_factory):
    """Files of two generators that differ in their seeds' few digits alone."""
    folder = tmp_path_factory.mktemp("two")
    paths = [folder / f"{seed}.safetensors" for seed in (1, 2)]
    for seed, path in enumerate(paths, 1):
        made = fit("cartpolegen", data, seed=seed)
        made.provenance, made.log = {}, {}
        made.save(path)
    return paths


def rewritten(file, path, arrays=lambda a: a, **header):
    before, said = storage.read_tensors(file)
    storage.write_tensors(path, arrays({k: np.array(v) for k, v in before.items()}), {**said, **header})
    return path


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"kind": "population"}, "holds a population, expected a generator"),
        ({"kind": None}, "holds a None, expected a generator"),
        ({"schema": 2}, "written with schema 2; this program reads 1"),
        ({"schema": None}, "written with schema None; this program reads 1"),
        ({"name": "gan"}, "a 'gan'; this program has cartpolegen, "),
        ({"name": ["x"]}, r"a \['x'\]; this program has"),
        ({"settings": {}}, "damaged: its content hash is not the one in its header|cut or damaged"),
        ({"settings": {"lr": 1}}, "cut or damaged .*unexpected keyword argument 'lr'"),
        ({"settings": None}, "cut or damaged"),
        ({"settings": 5}, "cut or damaged"),
        ({"groups": None}, "cut or damaged"),
        ({"groups": ["all", "none such"]}, "cut or damaged|damaged: its content hash"),
        ({"groups": [["all"]]}, "cut or damaged|damaged: its content hash"),
        ({"seed": "x"}, "cut or damaged"),
        ({"seed": None}, "cut or damaged"),
        ({"seed": 1}, "damaged: its content hash is not the one in its header"),
        ({"spec": None}, "policy: expected an object of fields, got NoneType"),
        ({"spec": {"sizes": [4, 30, 2]}}, "policy: cannot read its fields"),
        ({"spec": PolicySpec.cartpole(8).to_json()}, "cut or damaged"),
        ({"spec": PolicySpec((4, 30, 2), "tanh").to_json()}, "damaged: its content hash"),
        ({"hash": "0" * 32}, "damaged: its content hash is not the one in its header"),
        ({"hash": None}, "damaged: its content hash is not the one in its header"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_header_that_is_not_its_own_is_told(file, tmp_path, header, message):
    path = rewritten(file, tmp_path / "odd.safetensors", **header)
    with pytest.raises(WorkbenchError, match=f"odd.safetensors: .*({message})"):
        generators.load(path)


def test_arrays_that_do_not_fit_are_told(file, tmp_path):
    names = list(storage.read_tensors(file)[0])
    module = next(n for n in names if n.startswith("module/"))

    def without(name):
        return lambda arrays: {k: v for k, v in arrays.items() if k != name}

    def instead(name, value):
        return lambda arrays: {**arrays, name: value(arrays[name])}

    for change in (
        without(module),
        instead(module, lambda a: a[..., :-1]),
        instead(module, lambda a: a.T if a.ndim > 1 else a[1:]),
        instead(module, lambda a: a + 1),
        *(without(n) for n in names if n.startswith("array/")),
        *(instead(n, lambda a: a * 2 + 1) for n in names if n.startswith("array/")),
    ):
        path = rewritten(file, tmp_path / "odd.safetensors", change)
        with pytest.raises(WorkbenchError, match=r"odd.safetensors: (not a \w+ generator, cut or damaged|damaged)"):
            generators.load(path)


def test_what_is_no_generator_is_told(tmp_path, population_path):
    import pickle

    with pytest.raises(WorkbenchError, match="small.safetensors: holds a population, expected a generator"):
        generators.load(population_path)
    for name, content in (
        ("pickle", pickle.dumps({"weights": [1.0] * 100})),
        ("text", b"a generator, honestly\n" * 20),
        ("empty", b""),
    ):
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(content)
        with pytest.raises(WorkbenchError, match=rf"{name}.safetensors: not a safetensors file, cut or damaged"):
            generators.load(path)
    with pytest.raises(WorkbenchError, match="missing.safetensors: no such file"):
        generators.load(tmp_path / "missing.safetensors")
    with pytest.raises(WorkbenchError, match=r"cannot be read \(Is a directory\)"):
        generators.load(tmp_path)
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(3)}, tmp_path / "foreign.safetensors")
    with pytest.raises(WorkbenchError, match="foreign.safetensors: a safetensors file, but not one of this program"):
        generators.load(tmp_path / "foreign.safetensors")


def test_a_pickle_is_never_run(tmp_path):
    import pickle

    class Trap:
        def __reduce__(self):
            return (exec, ("raise SystemExit('unpickled')",))

    path = tmp_path / "trap.safetensors"
    path.write_bytes(pickle.dumps(Trap()))
    with pytest.raises(WorkbenchError):
        generators.load(path)


# Read once.


def replaced(path, data, stat):
    """Other bytes under the same name, as of the same time."""
    path.write_bytes(data)
    changed = 0
    while not changed or path.stat().st_ctime_ns == changed:  # clocks of file systems tick slowly
        changed = changed or path.stat().st_ctime_ns
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_file_is_read_once_and_again_when_it_changes(trained, others_of_a_kind, tmp_path, monkeypatch):
    path = tmp_path / "mine.safetensors"
    first, second = others_of_a_kind
    shutil.copy(first, path)
    stat = path.stat()
    found = generators.load(path)
    reads = []
    real = storage.read_tensors
    monkeypatch.setattr(storage, "read_tensors", lambda p: reads.append(p) or real(p))
    assert generators.load(path) is found
    assert generators.load(str(path)) is found
    monkeypatch.chdir(tmp_path)
    assert generators.load("mine.safetensors") is found
    assert reads == []
    # As large and as old as the one before: written over, and put in its place.
    assert len(second.read_bytes()) == stat.st_size
    replaced(path, second.read_bytes(), stat)
    other = generators.load(path)
    assert other is not found and other.content_hash != found.content_hash
    replaced(tmp_path / "beside", first.read_bytes(), stat)
    os.replace(tmp_path / "beside", path)
    again = generators.load(path)
    assert again is not other and again.content_hash == found.content_hash
    assert len(reads) == 2


def test_a_file_that_is_damaged_later_is_told(others_of_a_kind, tmp_path):
    path = tmp_path / "mine.safetensors"
    shutil.copy(others_of_a_kind[0], path)
    data, stat = path.read_bytes(), path.stat()
    whole = generators.load(path)
    for broken, message in (
        (data[:-1] + bytes([data[-1] ^ 1]), "damaged: its content hash is not the one in its header"),
        (data[:500], "not a safetensors file, cut or damaged"),
    ):
        replaced(path, broken, stat)
        for _ in range(2):
            with pytest.raises(WorkbenchError, match=f"mine.safetensors: {message}"):
                generators.load(path)
    path.unlink()
    with pytest.raises(WorkbenchError, match="mine.safetensors: no such file"):
        generators.load(path)
    path.write_bytes(data)
    assert generators.load(path).content_hash == whole.content_hash


def test_each_name_of_a_file_is_told_as_its_own(others_of_a_kind, tmp_path):
    path, link, hard = (tmp_path / f"{name}.safetensors" for name in ("mine", "link", "hard"))
    shutil.copy(others_of_a_kind[0], path)
    link.symlink_to(path)
    hard.hardlink_to(path)
    for name in (path, link, hard, path):
        assert generators.load(name).title == name.name
    shutil.copy(others_of_a_kind[1], tmp_path / "other")
    link.unlink()
    link.symlink_to(tmp_path / "other")
    assert generators.load(link).content_hash != generators.load(path).content_hash


def test_few_generators_are_kept(others_of_a_kind, tmp_path):
    paths = [tmp_path / f"{k}.safetensors" for k in range(generators.KEPT + 1)]
    for path in paths:
        shutil.copy(others_of_a_kind[0], path)
    found = [generators.load(path) for path in paths]
    assert [generators.load(path) is one for path, one in zip(paths[1:], found[1:], strict=True)] == [True] * 3
    assert generators.load(paths[0]) is not found[0]
    assert len(generators._loaded) == generators.KEPT


# Finding them.


def test_a_generator_is_found_by_name_and_by_path(trained, population):
    found = generators.trained(population)
    own = [path for path, header in found if header["provenance"]["population"]["hash"] == population.content_hash]
    assert own == [path for path, _ in found][: len(own)], "those of this very population come first"
    assert own == sorted(trained.glob("*.safetensors"))
    for name in generators.names():
        path = generators.choose(population, name)
        assert path == trained / f"small-{name}-0.safetensors"
        assert generators.choose(population, str(path)) == path
        assert name == generators.for_population(population, name).NAME
        assert generators.for_population(population, str(path)).path == path


def test_what_cannot_be_read_is_passed_over(trained, population, tmp_path, monkeypatch):
    from workbench.places import state_dir

    folder = tmp_path / "agentemb-tui" / "generators"
    folder.mkdir(parents=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_dir() == tmp_path / "agentemb-tui"
    shutil.copy(trained / "small-cartpolegen-0.safetensors", folder / "whole.safetensors")
    (folder / "cut.safetensors").write_bytes((folder / "whole.safetensors").read_bytes()[:500])
    (folder / "text.safetensors").write_text("no")
    (folder / "a folder.safetensors").mkdir()
    shutil.copy(population.path, folder / "population.safetensors")
    found = [path for path, _ in generators.trained(population)]
    assert [path for path in found if path.parent == folder] == [folder / "whole.safetensors"]


@pytest.mark.parametrize(
    "header",
    [
        {"spec": [4, 30, 2]},
        {"spec": "4-30-2"},
        {"provenance": {"population": None}},
        {"provenance": {"population": "small"}},
        {"provenance": [1]},
        {"schema": 2},
        {"name": None},
    ],
    ids=str,
)
def test_a_header_that_makes_no_sense_hides_no_other(trained, population, tmp_path, monkeypatch, header):
    folder = tmp_path / "agentemb-tui" / "generators"
    folder.mkdir(parents=True)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    shutil.copy(trained / "small-cartpolegen-0.safetensors", folder / "whole.safetensors")
    rewritten(folder / "whole.safetensors", folder / "odd.safetensors", **header)
    assert generators.choose(population, "cartpolegen") == folder / "whole.safetensors"


def test_generators_of_other_networks_are_not_offered(trained, population):
    other = Population(PolicySpec.cartpole(8), np.zeros((3, 58), np.float32))
    assert generators.trained(other) == []
    with pytest.raises(WorkbenchError) as told:
        generators.choose(other, "cartpolegen")
    assert str(told.value).startswith("population: no trained cartpolegen for 4-8-2 elu networks in ")
    assert str(trained) in str(told.value)
    assert str(told.value).endswith("make one with `agentemb-tui train POPULATION --generator cartpolegen`")
    path = trained / "small-cartpolegen-0.safetensors"
    with pytest.raises(WorkbenchError, match=r"is of 4-30-2 elu networks \(212 weights\), population has 4-8-2 elu"):
        generators.for_population(other, str(path))


def test_a_generator_beside_the_population_is_found(trained, population, tmp_path):
    beside = tmp_path / "p.safetensors"
    shutil.copy(population.path, beside)
    shutil.copy(trained / "small-functional-0.safetensors", tmp_path / "mine.safetensors")
    assert generators.choose(load(beside), "functional") == tmp_path / "mine.safetensors"


@pytest.mark.parametrize("wanted", ["", "gan", "no such", "x" * 300])
def test_a_generator_of_no_known_name_is_told(wanted, population):
    with pytest.raises(WorkbenchError, match=f"generator: expected cartpolegen, .* or a file, got '{wanted}'"):
        generators.choose(population, wanted)


def test_a_file_that_is_not_there_is_told(population, tmp_path):
    for wanted in (tmp_path / "none.safetensors", "none.safetensors", tmp_path / ("x" * 300 + ".safetensors")):
        with pytest.raises(WorkbenchError, match=r"no such file|File name too long"):
            generators.for_population(population, str(wanted))
