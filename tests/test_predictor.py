"""The survival predictor: blind to the order of hidden units, in range, better than guessing, honest about errors."""

import numpy as np
import pytest
import torch
from trainings import ONE

from workbench.learning import predictor
from workbench.learning.data import TrainingData
from workbench.learning.loop import Optimisation, optimise
from workbench.learning.predictor import BINS, CAP, STATES, SurvivalPredictor
from workbench.policies import PolicySpec, forward
from workbench.population import load
from workbench.rollouts.states import visited


@pytest.fixture(scope="module")
def shipped():
    return load()


@pytest.fixture(scope="module")
def data(shipped):
    return TrainingData.of(shipped.select(np.arange(0, len(shipped), 9)))


def made(spec, seed=0):
    return SurvivalPredictor(spec, torch.Generator().manual_seed(seed), "cpu")


@pytest.fixture(scope="module")
def fitted(data):
    """A predictor that has learned for a second."""
    torch.set_num_threads(1)
    found = made(data.spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predictor, "COPIES", 1)
        patch.setattr(predictor, "BATCH", 128)
        phase = found.phase(data, visited(data.weights, data.spec, STATES), 60, ONE)
    state = Optimisation(0)
    for _ in optimise([phase], state, "cpu"):
        pass
    found.calibrate(data)
    return found, state


def permuted(weights, order):
    out = np.array(weights)
    out[:, :120] = out[:, :120].reshape(-1, 30, 4)[:, order].reshape(-1, 120)
    out[:, 120:150] = out[:, 120:150][:, order]
    out[:, 150:210] = out[:, 150:210].reshape(-1, 2, 30)[:, :, order].reshape(-1, 60)
    return out


def test_it_does_not_see_the_order_of_hidden_units(fitted, data, rng):
    found, _ = fitted
    weights = data.weights[:60]
    shuffled = permuted(weights, rng.permutation(30))
    assert not np.array_equal(shuffled, weights)
    np.testing.assert_allclose(
        found.read(torch.from_numpy(shuffled)), found.read(torch.from_numpy(weights)), atol=1e-4, rtol=1e-4
    )
    np.testing.assert_allclose(found.predict(shuffled)[0], found.predict(weights)[0], atol=0.05)


def test_it_reads_decisions_not_their_size(fitted, data):
    found, _ = fitted
    weights = data.weights[:30]
    read = found.read(torch.from_numpy(weights)).numpy()
    assert read.shape == (30, STATES)
    out = forward(weights, data.spec, found.states).astype(float)
    margin = out[..., 1] - out[..., 0]
    np.testing.assert_allclose(read, margin / np.sqrt((margin**2).mean(1, keepdims=True)), rtol=1e-3, atol=1e-3)
    louder = np.array(weights)
    louder[:, 150:] *= 7
    np.testing.assert_allclose(found.predict(louder)[0], found.predict(weights)[0], atol=0.05)
    # The same amount on both outputs decides nothing.
    shifted = np.array(weights)
    shifted[:, 210:] += 3
    np.testing.assert_allclose(found.predict(shifted)[0], found.predict(weights)[0], atol=0.05)


def test_predictions_are_in_range_whatever_is_asked(fitted, rng):
    found, _ = fitted
    scales = (1e-20, 1e-3, 1, 1e3, 1e8, 1e15)
    odd = np.stack([np.zeros(212), np.ones(212), *(s * rng.standard_normal(212) for s in scales)]).astype(np.float32)
    predicted, off = found.predict(odd)
    assert predicted.dtype == off.dtype == np.float64
    assert predicted.shape == off.shape == (len(odd),)
    assert ((predicted >= 0) & (predicted <= CAP)).all()
    assert np.isfinite(off).all()
    assert (off > 0).all()
    assert [part.shape for part in found.predict(np.zeros((0, 212), np.float32))] == [(0,), (0,)]


def test_chunks_change_nothing(fitted, data, monkeypatch):
    found, _ = fitted
    whole, off = found.predict(data.weights[:50])
    monkeypatch.setattr(predictor, "CHUNK", 7)
    np.testing.assert_allclose(found.predict(data.weights[:50])[0], whole, atol=1e-3)
    torch.manual_seed(5)
    assert np.array_equal(found.predict(data.weights[:50])[1], off)


def test_it_is_better_than_guessing(fitted, shipped, data):
    found, state = fitted
    held = shipped["held_out"]
    predicted, _ = found.predict(shipped.weights[held])
    error = np.abs(predicted - shipped["survival"][held]).mean()
    guess = np.abs(np.median(data.survival) - shipped["survival"][held]).mean()
    assert error < 0.5 * guess
    assert np.corrcoef(predicted, shipped["survival"][held])[0, 1] > 0.8
    log = state.log["predictor"]
    assert min(log["validation"]) < 0.5 * log["validation"][0]
    validation, _ = found.predict(data.weights[data.validation])
    assert np.abs(validation - data.survival[data.validation]).mean() == pytest.approx(min(log["validation"]), rel=1e-4)


def test_its_errors_are_calibrated(fitted, shipped):
    found, _ = fitted
    held = shipped["held_out"]
    predicted, off = found.predict(shipped.weights[held])
    within = (np.abs(predicted - shipped["survival"][held]) <= off).mean()
    assert 0.9 < within < 0.99
    assert (off < CAP).all()


def test_each_range_of_predictions_has_its_own_error(data, monkeypatch, rng):
    found = made(data.spec)
    n = 4000
    predicted = rng.uniform(0, CAP, n)
    noise = np.where(predicted < 100, 1.0, 20.0) * rng.standard_normal(n)
    monkeypatch.setattr(found, "predict", lambda _: (predicted, None))
    many = TrainingData(data.spec, np.zeros((n, 212), np.float32), predicted + noise, np.ones(n, bool), "", "")
    found.calibrate(many)
    assert found.errors.shape == (BINS,)
    np.testing.assert_allclose(found.errors[:6], 1.96, rtol=0.25)
    np.testing.assert_allclose(found.errors[6:], 1.96 * 20, rtol=0.25)
    few = np.arange(n) < 20 * BINS
    validated = TrainingData(data.spec, many.weights, many.survival, few, "", "")
    monkeypatch.setattr(found, "predict", lambda w: (predicted[: len(w)], None))
    found.calibrate(validated)
    for b, error in enumerate(found.errors):
        mine = np.searchsorted(found.edges, predicted[few]) == b
        spread = np.abs(noise[few])
        expected = np.quantile(spread[mine] if mine.sum() >= 20 else spread, 0.95)
        assert error == pytest.approx(expected), "of validation networks alone, and of all where few are there"
    everyone = found.errors.copy()
    validated = TrainingData(data.spec, many.weights, many.survival, np.arange(n) < 20 * BINS - 1, "", "")
    found.calibrate(validated)
    assert not np.array_equal(found.errors, everyone)
    found.calibrate(many)
    everyone = found.errors.copy()
    found.calibrate(validated)
    assert np.array_equal(found.errors, everyone), "of all networks, where few are for validation"


def test_a_prediction_gets_the_error_of_its_range(data, monkeypatch):
    found = made(data.spec)
    found.errors = np.arange(BINS) + 1.0
    wanted = torch.tensor([0.0, 1.0, 16.6, 16.7, 100.0, 183.3, 183.4, 200.0, 250.0, -30.0])
    monkeypatch.setattr(found, "forward", lambda read: wanted[: len(read)])
    predicted, off = found.predict(data.weights[:10])
    assert predicted == pytest.approx([0, 1, 16.6, 16.7, 100, 183.3, 183.4, 200, 200, 0])
    assert off.tolist() == [1, 1, 1, 2, 6, 11, 12, 12, 12, 1]


def test_its_arrays_are_all_it_needs_beside_its_network(fitted, data):
    found, _ = fitted
    other = made(data.spec, seed=1)
    other.net.load_state_dict(found.net.state_dict())
    other.take_arrays(found.arrays())
    for a, b in zip(other.predict(data.weights[:40]), found.predict(data.weights[:40]), strict=True):
        assert np.array_equal(a, b)


def test_networks_of_other_sizes_can_be_read(rng):
    spec = PolicySpec((4, 5, 2), "tanh")
    found = made(spec)
    found.states = rng.standard_normal((STATES, 4)).astype(np.float32)
    predicted, _ = found.predict(rng.standard_normal((9, spec.parameters)).astype(np.float32))
    assert np.isfinite(predicted).all()
